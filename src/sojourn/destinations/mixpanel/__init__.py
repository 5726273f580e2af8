"""Mixpanel."""
from sojourn.destinations.http_destination import HttpDestination
class Mixpanel(HttpDestination):
    pass

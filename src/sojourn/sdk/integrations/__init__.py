"""Back ends: events of a request carry the person and session of the browser that sent it.

Nothing is trusted more than it must be: the cookies tell who the browser says it is, for
analytics alone. By default they are only read; `Joining(renew=True)` also sets and renews them.
"""

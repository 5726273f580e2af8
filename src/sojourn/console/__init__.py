"""The web page, and the JSON API over the insights."""

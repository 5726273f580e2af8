"""Applications with windows: adapters that tell a client when its program comes and goes.

Each has `attach(client, …)`, which begins the client's session, calls its `foreground` and
`background` from then on, closes it at the end, and returns what takes the adapter off again.
"""

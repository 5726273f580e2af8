"""The pure part: the session machine, the wire names, the ports. No clock, no I/O, no state."""

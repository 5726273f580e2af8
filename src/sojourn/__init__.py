"""Sojourn: session tracking. This is the public face of the SDK, and nothing else."""

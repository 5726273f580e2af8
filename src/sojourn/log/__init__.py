"""The durable event log: one port, several adapters."""

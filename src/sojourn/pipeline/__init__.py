"""From the log to its readers: the processor and the delivery loop."""

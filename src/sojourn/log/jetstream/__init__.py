"""What `sojourn.log.nats_log.NatsLog` is made of. Needs the extra `nats` (nats-py)."""

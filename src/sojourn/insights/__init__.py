"""SQL models and statistics over the tables."""

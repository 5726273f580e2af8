"""The session models on other engines: their SQL, read once, rendered for each by sqlglot."""

"""What an application imports: the client, its stores and transports. Standard library only."""

"""HTTP in, log out."""

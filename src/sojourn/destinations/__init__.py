"""One file or folder per destination; none imports another."""

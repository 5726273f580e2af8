"""A reader of the log whose far end is tables."""

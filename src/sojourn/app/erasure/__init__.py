"""Erasing people: orders, jobs that survive a crash, receipts."""

"""Shipped test parts: fakes, conformance suites, vector and case runners."""

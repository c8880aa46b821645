"""Statements of clients from their request to their answer: the one place that applies a request once."""

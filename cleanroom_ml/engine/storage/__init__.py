"""Immutable, content-addressed objects and one SQLite catalog that points at them (architecture.md, decisions 1-3)."""

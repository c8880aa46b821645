"""Immutable, content-addressed objects, and one SQLite catalog of them (docs/ARCHITECTURE.md, decisions 1-3)."""

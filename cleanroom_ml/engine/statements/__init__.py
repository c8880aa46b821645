"""Executes one statement for one session: between `sql`, `storage` and `warehouse`."""

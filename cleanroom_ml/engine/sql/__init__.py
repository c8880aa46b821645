"""Snowflake's SQL as text: parse, classify, resolve against a `Catalog`, authorise, translate to DuckDB.

Nothing in here executes anything or opens a file; a statement that this room lets through names only what its catalog
gave it.
"""

"""The engine's home: its paths, private files, log, and whether it isolates."""

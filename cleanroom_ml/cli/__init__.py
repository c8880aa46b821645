"""The command line: a command parses, calls one service, and returns what the renderer prints."""

"""The engine's HTTP surface: what listens, who is let in, one handler an endpoint."""

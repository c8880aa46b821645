"""Who gets a session, and how an engine proves to be the one of its home."""

"""What knows all rooms of the engine: it puts them together, and describes them together."""

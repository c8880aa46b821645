"""What knows all packages of the engine: it puts them together, and describes them together."""

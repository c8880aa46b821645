"""The types that rooms of the engine exchange: each is here once, and nothing here does anything."""

"""The parts of the engine put together: the only package that knows all of them."""

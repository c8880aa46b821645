"""What the commands do, one module a capability: a connection and values in, values out; nothing is printed here."""

"""The clean room itself: registries, collaborations, approvals, templates, policies, activation.

`rooms.Rooms` is the facade. Everything here is blocking and thread-safe; state lives in the catalog's SQLite file, and
every transition is persisted before it is acted on.
"""

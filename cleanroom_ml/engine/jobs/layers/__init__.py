"""Dependency layers: what a job asks for beyond its image, locked by hash at registration and mounted read-only.

`resolver` asks pip for a lock, `unpack` (a program of its own, in a sandbox) lays the wheels out, `store` keeps the
result under the hash of what it was made of. No code of a package runs on the way: binary packages only, and nothing
of a wheel is executed.
"""

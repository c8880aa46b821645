"""Images: the named Python environments that jobs run in.

`local` is this installation. The others are virtual environments that the operator builds from a manifest, each known
by a digest of everything in it; `catalog` finds them, `build` makes them.
"""

"""The pool of SQL workers and the worker itself: sandboxed, stateless, handed descriptors of exactly the files that a
statement reads.
"""

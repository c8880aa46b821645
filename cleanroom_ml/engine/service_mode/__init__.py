"""The embedded engine as the service really answers: late, in other forms, with errors as tracebacks, interrupted.

For tests of clients. It stands before the engine and changes when and in which form something is answered, or refuses
what a prerequisite is missing for; it decides nothing else, and no room knows of it.
"""

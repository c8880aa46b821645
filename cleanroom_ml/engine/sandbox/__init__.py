"""The one way to start an untrusted process (docs/ARCHITECTURE.md, decisions 1, 2 and 7). Standard library only.

`run` and `SandboxProcess` start one program; `SandboxedWorkers` serves many small requests; `probe` says whether this
machine isolates at all. Isolation is not optional: what cannot be isolated raises IsolationUnavailable.
"""

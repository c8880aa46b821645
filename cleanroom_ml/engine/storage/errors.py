"""What storage refuses, as types that the layers above turn into Snowflake's own errors.

StorageError
├── NotFound             the catalog has no such thing (for this account, or this session)
├── AlreadyExists        a thing of that name is there
├── SnapshotConflict     the table moved since the snapshot that a change is based on: read again, retry
├── InvalidName          not a name that the catalog stores
├── InvalidPath          not a path that a stage stores
├── InvalidHash          not the SHA-256 of anything
├── ObjectMissing        a row would point at bytes that are not in the store
├── TokenExpired         the session lives, this token does not: renew it with the master token
├── SessionGone          closed, idle for too long, or never there
├── IllegalState         a query cannot move from its state to the one asked for
├── RequestMismatch      one request id, two different statements
└── SchemaError          the catalog on disk is not one that this version can use
"""

from __future__ import annotations


class StorageError(Exception):
    """Base of everything that storage refuses. Messages hold names of the catalog, never host paths."""


class NotFound(StorageError):
    """The catalog has no such thing. `kind` is a lower-case noun (`table`, `stage`, …), `name` is folded."""

    def __init__(self, kind: str, name: str) -> None:
        super().__init__(f"{kind} {name!r} does not exist")
        self.kind = kind
        self.name = name


class AlreadyExists(StorageError):
    """A thing of that name is there already. `kind` is that of the thing which is there."""

    def __init__(self, kind: str, name: str) -> None:
        super().__init__(f"{kind} {name!r} already exists")
        self.kind = kind
        self.name = name


class SnapshotConflict(StorageError):
    """The table moved since the snapshot that a change is based on. Nothing was changed: read again and retry."""

    def __init__(self, name: str, *, base: int | None, current: int) -> None:
        super().__init__(f"table {name!r} is at snapshot {current}, the change was made from {base}")
        self.name = name
        self.base = base
        self.current = current


class InvalidName(StorageError):
    """Not a name that the catalog stores."""


class InvalidPath(StorageError):
    """Not a path that a stage stores; `reason` says which rule it breaks."""

    def __init__(self, path: str, reason: str) -> None:
        super().__init__(f"stage path {path!r} {reason}")
        self.path = path
        self.reason = reason


class InvalidHash(StorageError):
    """Not 64 lower-case hexadecimal digits."""


class ObjectMissing(StorageError):
    """The store does not hold these bytes."""

    def __init__(self, sha256: str) -> None:
        super().__init__(f"object {sha256} is not in the store")
        self.sha256 = sha256


class TokenExpired(StorageError):
    """The session lives, this session token does not any more: renew it with the master token."""


class SessionGone(StorageError):
    """No such session: closed, idle for too long, or the token was never issued. Which of them is not said."""


class IllegalState(StorageError):
    """A query cannot move from the state it is in to the one asked for."""

    def __init__(self, query_id: str, state: str, wanted: str) -> None:
        super().__init__(f"query {query_id} is {state}; it cannot become {wanted}")
        self.query_id = query_id
        self.state = state
        self.wanted = wanted


class RequestMismatch(StorageError):
    """A request id that was used for one statement arrived with another."""


class SchemaError(StorageError):
    """The catalog on disk was written by a version that this one cannot continue from."""

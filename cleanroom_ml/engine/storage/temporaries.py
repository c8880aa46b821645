"""Whose the temporary things of a session are: each has the role that made it, as every other thing has.

A session may have one role after another, and all of them see its temporary things. A procedure with its owner's rights
does not: it sees those that its owner made, or a role which that one has (user-guide/tables-temp-transient: they are
things like others, but for the session; developer-guide/stored-procedure/stored-procedures-rights: the procedure runs
"with the privileges of the owner, not the privileges of the caller").

Both are context variables, which everybody who finds or makes a temporary thing asks here, and no parameters. As such
they would go through some sixty functions of five relations, from each handler to its relation, beside the session's
id that is one already; whoever forgot one on the way would let everything be seen, because outside of such a procedure
everything is. So there is one place where each is set (`procedures.run`, `Executor`) and nothing between that could
forget it but a thread, which has a context of its own: what a statement starts in one runs in a copy of the
statement's (tests/storage/test_storage_temporaries.py holds that of every thread in the rooms that statements reach).
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Final

_ROLE: Final = ContextVar("cleanroom_temporaries_role", default="")
_SEEN: Final[ContextVar[str | None]] = ContextVar("cleanroom_temporaries_seen", default=None)

COLUMN: Final = "role TEXT NOT NULL DEFAULT ''"
"""Of the relations that have temporary things; nobody's are seen by no procedure with its owner's rights."""
IS_SEEN: Final = "(?{seen} IS NULL OR {of}role IN (SELECT value FROM json_each(?{seen})))"
"""Of a row that is temporary; the parameter is `seen()`."""


@contextmanager
def made_by(role: str) -> Iterator[None]:
    """What is made as temporary in here is this role's."""
    token = _ROLE.set(role)
    try:
        yield
    finally:
        _ROLE.reset(token)


@contextmanager
def only_of(roles: frozenset[str] | None) -> Iterator[None]:
    """Only the temporary things of these roles are seen in here; None: all of the session's."""
    token = _SEEN.set(None if roles is None else json.dumps(sorted(roles)))
    try:
        yield
    finally:
        _SEEN.reset(token)


def role() -> str:
    """Whose a temporary thing is that is made now."""
    return _ROLE.get()


def seen() -> str | None:
    """The roles whose temporary things are seen now, as JSON; None: all."""
    return _SEEN.get()

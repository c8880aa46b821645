"""What a target has beyond the documentation, `CLEANROOM_ML.*`: asked of the target itself, once where it lacks it."""

from __future__ import annotations

import re
from weakref import WeakKeyDictionary

from cleanroom_ml.connection import Connection
from cleanroom_ml.connection.session import Row
from cleanroom_ml.error_names import NUMBER
from cleanroom_ml.errors import CleanroomError, ServerError

_ABSENT = frozenset({2003, 2043, 2140, 2141})
"""The errnos of an object, a function and a procedure that does not exist."""
_SAYS_ABSENT = re.compile(
    r"unknown (?:procedure|function|user-defined function)|does not exist or not authorized", re.I
)
_lacking: WeakKeyDictionary[Connection, set[str]] = WeakKeyDictionary()


def ask(connection: Connection, procedure: str, *arguments: object) -> list[Row] | None:
    """What `CLEANROOM_ML.<procedure>(…)` answers, e.g. `ask(connection, "JOBS.STATUS", room, job)`; None: the target
    has no such procedure, and is not asked for it again on this connection.

    Raises:
        ServerError: the procedure is there, and refuses.
    """
    if lacks(connection, procedure):
        return None
    try:
        return connection.call_own(procedure, *arguments)
    except ServerError as error:
        if not _is_absent(error):
            raise
    _lacking.setdefault(connection, set()).add(procedure)
    return None


def lacks(connection: Connection, procedure: str) -> bool:
    """Whether the target was asked for a procedure on this connection, and has it not."""
    return procedure in _lacking.get(connection, ())


def _is_absent(error: CleanroomError) -> bool:
    if error.code in _ABSENT:
        return True
    return error.code != NUMBER and _SAYS_ABSENT.search(error.what) is not None

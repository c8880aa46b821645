"""Where a collaborator is said to be: what several ways of answering share."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final

from cleanroom_ml.engine.contracts.table import Rows
from cleanroom_ml.engine.service_mode.asked import Asked, Plain
from cleanroom_ml.engine.sql.binds import Value
from cleanroom_ml.engine.sql.errors import SqlError, room_error
from cleanroom_ml.engine.statements.results import StatementResult
from cleanroom_ml.error_names import ErrorName

QUESTIONS: Final = 2
_NEEDS: Final = {
    "REVIEW": "INVITED, INSTALLATION_FAILED, IN_REVIEW",
    "JOIN": "CREATED, IN_REVIEW, JOIN_FAILED",
    "LEAVE": "LOCAL_DROP_PENDING, LEAVING",
    "TEARDOWN": "JOINED, DROP_FAILED",
}
"""Where a procedure needs its caller to be; any other needs it to have joined."""
Key = tuple[str, ...]


class Countdown:
    """Something that is over after some questions, by key."""

    def __init__(self) -> None:
        self._left: dict[Key, tuple[str, int]] = {}
        self._lock = threading.Lock()

    def begin(self, key: Key, status: str) -> None:
        """From now on it is so, for QUESTIONS questions."""
        with self._lock:
            self._left[key] = (status, QUESTIONS)

    def ask(self, key: Key) -> str | None:
        """What is so now; one question less is left."""
        with self._lock:
            status, left = self._left.pop(key, ("", 0))
            if left > 1:
                self._left[key] = (status, left - 1)
        return status or None


@dataclass(frozen=True, slots=True)
class Stop:
    """A status in which a collaborator stays until one of `opens` is called."""

    status: str
    details: str
    opens: frozenset[str]


class Stops(Plain):
    """Collaborators that have got stuck, by account and room. Others begin as this."""

    def __init__(self) -> None:
        self._stops: dict[Key, Stop] = {}
        self._lock = threading.Lock()

    def before(self, asked: Asked) -> Rows | None:
        """Refuses what does not help."""
        stop = self._stops.get((asked.account, asked.room))
        if stop is None or not of_a_room(asked) or asked.procedure in stop.opens:
            return None
        raise not_now(asked, stop.status)

    def after(self, asked: Asked, result: StatementResult) -> StatementResult:
        """Shows it in GET_STATUS."""
        if asked.procedure != "GET_STATUS":
            return result
        return with_statuses(result, lambda account, status: self._told(account, status, asked))

    def _told(self, account: str, status: str, asked: Asked) -> tuple[str, str | None] | None:
        stop = self._stops.get((account, asked.room))
        # What could not be created is nothing else any more.
        return (
            None
            if stop is None or status.startswith("CREATE_")
            else (stop.status, stop.details if account == asked.account else None)
        )


def of_a_room(asked: Asked) -> bool:
    """Whether a statement does something in a room, and does not only look."""
    if not asked.procedure or not asked.room or asked.procedure in ("GET_STATUS", "GET_CONFIGURATION", "INITIALIZE"):
        return False
    return not asked.procedure.startswith(("VIEW_", "REGISTER_", "UNREGISTER_", "CREATE_"))


def not_now(asked: Asked, status: str) -> SqlError:
    """What the service says of a call that comes in the wrong status: which it needs is the procedure's to say
    (docs/api-digest.md §9).
    """
    return room_error(
        ErrorName.InvalidCollaborationStatusError,
        "This action requires the collaboration status to be one of the following: "
        f"{_NEEDS.get(asked.procedure, 'JOINED')}. Current status: {status}.",
    )


def with_statuses(
    result: StatementResult, told: Callable[[str, str], tuple[str, str | None] | None]
) -> StatementResult:
    """GET_STATUS' answer with another status of some accounts; and with other details, where there are any. `told` is
    asked with the account and the status that is told of it otherwise."""
    if not isinstance(result, Rows):
        return result
    account, status = column(result, "collaborator_account"), column(result, "status")
    rows: list[tuple[Value, ...]] = []
    for row in result.rows:
        now = told(str(row[account]).rpartition(".")[2].upper(), str(row[status]))
        if now is not None:
            changes: dict[str, Value] = {"status": now[0]}
            if now[1] is not None:
                changes["details"] = now[1]
            row = changed(result, row, changes)
        rows.append(row)
    return replace(result, rows=rows)


def changed(result: Rows, row: tuple[Value, ...], changes: dict[str, Value]) -> tuple[Value, ...]:
    """A row with other values, by the columns' names in lower case."""
    return tuple(changes.get(name.lower(), value) for (name, _), value in zip(result.columns, row, strict=True))


def column(result: Rows, name: str) -> int:
    """Where a column is, in either case."""
    return [each.lower() for each, _ in result.columns].index(name)


def with_batches(
    asked: Asked, result: StatementResult, shown: Callable[[Asked, Rows, tuple[Value, ...]], tuple[Value, ...]]
) -> StatementResult:
    """The answer of RUN or VIEW_ACTIVATIONS that names batches, each row as `shown` gives it; every other as it is."""
    if not isinstance(result, Rows) or asked.procedure not in ("RUN", "VIEW_ACTIVATIONS"):
        return result
    if [name.lower() for name, _ in result.columns].count("batch_id") != 1:
        return result
    return replace(result, rows=[shown(asked, result, row) for row in result.rows])

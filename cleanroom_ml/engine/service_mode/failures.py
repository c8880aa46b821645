"""What fails, once: creating, joining, leaving, tearing down. What helps is what the documentation says of the status.

The engine is not asked where the service would have failed before anything was done.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from cleanroom_ml.engine.contracts.table import Rows
from cleanroom_ml.engine.service_mode.asked import Asked
from cleanroom_ml.engine.service_mode.standing import Stop, Stops
from cleanroom_ml.engine.statements.results import StatementResult

AUTO_JOIN: Final = "auto-join: the task could not be run on the warehouse."
_CREATING: Final = {
    "CREATE_FAILED": "The listing of the collaboration could not be published.",
    "CREATE_TIMED_OUT": "The collaboration was not created in time.",
}


class Creating(Stops):
    """The first rooms that an account creates end in these statuses, one each. Nothing leads on from there."""

    def __init__(self, statuses: Sequence[str]) -> None:
        super().__init__()
        self._statuses = tuple(statuses)
        self._created: dict[str, int] = {}

    def after(self, asked: Asked, result: StatementResult) -> StatementResult:
        """The room's name is taken, and it is of no use."""
        if asked.procedure == "INITIALIZE":
            with self._lock:
                nth = self._created.get(asked.account, 0)
                self._created[asked.account] = nth + 1
                if nth < len(self._statuses):
                    status = self._statuses[nth]
                    stop = Stop(status, _CREATING[status], frozenset())
                    self._stops[asked.account, asked.room] = stop
        return super().after(asked, result)


@dataclass(frozen=True, slots=True)
class Failure:
    """Whose first call of a procedure fails: the room's owner's, or other members', and only once they have joined."""

    procedure: str
    status: str
    details: str
    who: frozenset[str]
    joined: bool = True


class Failing(Stops):
    """The first call of a procedure for a room fails on its way, and says so in GET_STATUS; the next one gets on.

    Calls that would be refused anyway go to the engine, which says why.
    """

    def __init__(self, failure: Failure) -> None:
        super().__init__()
        self._failure = failure
        opens = frozenset({failure.procedure, "REVIEW"} if failure.procedure == "JOIN" else {failure.procedure})
        self._stop = Stop(failure.status, failure.details, opens)
        self._members: dict[tuple[str, str], str] = {}
        self._joined: set[tuple[str, str]] = set()
        self._failed: set[tuple[str, str]] = set()

    def before(self, asked: Asked) -> Rows | None:
        """Answers the first call as if it had begun."""
        if asked.procedure != self._failure.procedure:
            return super().before(asked)
        key = (asked.account, asked.room)
        with self._lock:
            fails = self._members.get(key) in self._failure.who and key not in self._failed
            if not fails or (self._failure.joined and key not in self._joined):
                return None
            self._failed.add(key)
            self._stops[key] = self._stop
        return Rows.one(asked.procedure, f"{asked.procedure} of collaboration {asked.room} has started.")

    def after(self, asked: Asked, result: StatementResult) -> StatementResult:
        """Keeps who is in which room; a call that the engine has answered has got on."""
        key = (asked.account, asked.room)
        with self._lock:
            if asked.procedure in _MEMBERS:
                self._members[key] = _MEMBERS[asked.procedure]
            if asked.reached and (asked.procedure == "JOIN" or _joins_too(asked)):
                self._joined.add(key)
            if asked.reached and asked.procedure == self._failure.procedure:
                self._stops.pop(key, None)
        return super().after(asked, result)


class AutoJoin(Stops):
    """INITIALIZE with a warehouse creates the room, and does not join it; only the details of its status say so."""

    def before(self, asked: Asked) -> Rows | None:
        """Joins where that is asked for: the engine has done it already."""
        if asked.procedure != "JOIN":
            return super().before(asked)
        with self._lock:
            stop = self._stops.pop((asked.account, asked.room), None)
        return None if stop is None else Rows.one("JOIN", f"You have joined collaboration {asked.room}.")

    def after(self, asked: Asked, result: StatementResult) -> StatementResult:
        """It stays CREATED."""
        if _joins_too(asked):
            failed = {"auto_join": {"enabled": False, "failure_summary": AUTO_JOIN, "phase": "failed"}}
            stop = Stop("CREATED", json.dumps(failed), frozenset({"JOIN"}))
            with self._lock:
                self._stops[asked.account, asked.room] = stop
        return super().after(asked, result)


def _joins_too(asked: Asked) -> bool:
    return asked.procedure == "INITIALIZE" and len(asked.args) > 1 and asked.args[1] is not None


_MEMBERS: Final = {"INITIALIZE": "owner", "REVIEW": "member"}
JOIN_FAILS: Final = Failure(
    "JOIN",
    "JOIN_FAILED",
    "The listing's metadata was not synchronized in time.",
    frozenset({"owner", "member"}),
    joined=False,
)
LEAVE_FAILS: Final = Failure(
    "LEAVE",
    "LEAVE_FAILED",
    "The shares could not be dropped in time.",
    frozenset({"member"}),
)
TEARDOWN_FAILS: Final = Failure(
    "TEARDOWN", "DROP_FAILED", "The listing could not be dropped in time.", frozenset({"owner"})
)

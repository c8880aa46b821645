"""What is asynchronous: statuses that are reached some questions later. Counted in questions, never in seconds."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import replace
from typing import Final

from cleanroom_ml.engine.contracts.table import Rows
from cleanroom_ml.engine.service_mode.asked import Asked, Plain
from cleanroom_ml.engine.sql.binds import Value
from cleanroom_ml.engine.sql.errors import SqlError, room_error
from cleanroom_ml.engine.statements.results import StatementResult
from cleanroom_ml.error_names import ErrorName

QUESTIONS: Final = 2
_UNDER_WAY: Final = {"INITIALIZE": "CREATING", "REVIEW": "INSTALLING", "JOIN": "JOINING"}
_NEEDED: Final = {"CREATING": "CREATED, JOIN_FAILED", "INSTALLING": "IN_REVIEW, JOIN_FAILED", "JOINING": "JOINED"}
_HARMLESS: Final = frozenset({"GET_STATUS", "VIEW_COLLABORATIONS", "INITIALIZE", "REVIEW", "RUN_ML_JOB_ACTION"})


class Countdown:
    """Something that is over after some questions, by key."""

    def __init__(self) -> None:
        self._left: dict[tuple[str, ...], tuple[str, int]] = {}
        self._lock = threading.Lock()

    def begin(self, key: tuple[str, ...], status: str) -> None:
        """From now on it is so, for QUESTIONS questions."""
        with self._lock:
            self._left[key] = (status, QUESTIONS)

    def ask(self, key: tuple[str, ...]) -> str | None:
        """What is so now; one question less is left."""
        with self._lock:
            status, left = self._left.pop(key, ("", 0))
            if left > 1:
                self._left[key] = (status, left - 1)
        return status or None


class Delays(Plain):
    """GET_STATUS tells what is under way; what needs its end is refused, in the service's words."""

    def __init__(self) -> None:
        self._steps = Countdown()

    def before(self, asked: Asked) -> Rows | None:
        """Refuses what needs a step that is under way."""
        if asked.procedure in _HARMLESS or asked.procedure.startswith("VIEW_") or not asked.room:
            return None
        status = self._steps.ask((asked.account, asked.room))
        if status is None:
            return None
        message = (
            "This action requires the collaboration status to be one of the following: "
            f"{_NEEDED[status]}. Current status: {status}."
        )
        raise room_error(ErrorName.InvalidCollaborationStatusError, message)

    def after(self, asked: Asked, result: StatementResult) -> StatementResult:
        """Begins steps, and shows them."""
        if asked.procedure in _UNDER_WAY:
            self._steps.begin((asked.account, asked.room), _UNDER_WAY[asked.procedure])
        if asked.procedure != "GET_STATUS":
            return result
        return _with_statuses(result, lambda account: self._steps.ask((account, asked.room)))


class Replication(Plain):
    """The first review of a room by an account finds its listing not replicated yet."""

    def __init__(self) -> None:
        self._begun: set[tuple[str, str]] = set()
        self._steps = Countdown()

    def before(self, asked: Asked) -> Rows | None:
        """Refuses the first review, and those until GET_STATUS was asked often enough."""
        if asked.procedure != "REVIEW":
            return None
        key = (asked.account, str(asked.args[0]).upper() if asked.args else "")
        if key in self._begun and self._steps.ask(key) is None:
            return None
        if key not in self._begun:
            self._begun.add(key)
            self._steps.begin(key, "REPLICATING")
        raise room_error(
            ErrorName.CollaborationListingReplicationPending,
            "The collaboration listing is still replicating to your region. Snowflake usually finishes this within a "
            "few minutes. Please try reviewing the collaboration again shortly.",
        )

    def after(self, asked: Asked, result: StatementResult) -> StatementResult:
        """Shows it in GET_STATUS."""
        if asked.procedure != "GET_STATUS":
            return result
        return _with_statuses(result, lambda account: self._steps.ask((account, asked.room)))


class Upgrade(Plain):
    """After an approval the applications of the room are upgraded."""

    def __init__(self) -> None:
        self._upgrades = Countdown()

    def before(self, asked: Asked) -> Rows | None:
        """Refuses runs that come before its end."""
        if asked.procedure == "RUN" and self._upgrades.ask((asked.account, asked.room)):
            raise SqlError(2140, "42601", "SQL compilation error:\nUnknown user-defined function CLEANROOM.JOB")
        return None

    def after(self, asked: Asked, result: StatementResult) -> StatementResult:
        """Begins it, and shows it in DESCRIBE APPLICATION."""
        if asked.procedure == "APPROVE_UPDATE_REQUEST":
            self._upgrades.begin((asked.account, asked.room), "UPGRADING")
        found = asked.words.removeprefix("DESC APPLICATION SFDCR_").removeprefix("DESCRIBE APPLICATION SFDCR_")
        if found == asked.words or not isinstance(result, Rows):
            return result
        status = self._upgrades.ask((asked.account, found.strip('"; ')))
        if status is None:
            return result
        rows = [(row[0], status, *row[2:]) if row[0] == "upgrade_state" else tuple(row) for row in result.rows]
        return replace(result, rows=rows)


class LateRequests(Plain):
    """An update request is listed only after it was looked for some times."""

    def __init__(self) -> None:
        self._looked: dict[tuple[str, str], int] = {}
        self._lock = threading.Lock()

    def after(self, asked: Asked, result: StatementResult) -> StatementResult:
        """Leaves out what was not looked for often enough."""
        if asked.procedure != "VIEW_UPDATE_REQUESTS" or not isinstance(result, Rows):
            return result
        at = _column(result, "id")
        with self._lock:
            for row in result.rows:
                key = (asked.account, str(row[at]))
                self._looked[key] = self._looked.get(key, 0) + 1
            shown = [row for row in result.rows if self._looked[asked.account, str(row[at])] > QUESTIONS]
        return replace(result, rows=shown)


def _with_statuses(result: StatementResult, status_of: Callable[[str], str | None]) -> StatementResult:
    """GET_STATUS' answer with what is under way of each account."""
    if not isinstance(result, Rows):
        return result
    account, status = _column(result, "collaborator_account"), _column(result, "status")
    rows: list[tuple[Value, ...]] = []
    for row in result.rows:
        now = status_of(str(row[account]).rpartition(".")[2].upper())
        rows.append((*row[:status], now, *row[status + 1 :]) if now else tuple(row))
    return replace(result, rows=rows)


def _column(result: Rows, name: str) -> int:
    return [column.lower() for column, _ in result.columns].index(name)

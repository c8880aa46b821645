"""What is asynchronous: statuses that are reached some questions later. Counted in questions, never in seconds."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from cleanroom_ml.engine.contracts.table import Rows
from cleanroom_ml.engine.service_mode.asked import Asked, Plain
from cleanroom_ml.engine.service_mode.standing import Countdown, not_now, of_a_room, with_statuses
from cleanroom_ml.engine.sql.errors import SqlError, room_error
from cleanroom_ml.engine.statements.results import StatementResult
from cleanroom_ml.error_names import ErrorName

_UNDER_WAY: Final = {"INITIALIZE": "CREATING", "REVIEW": "INSTALLING", "JOIN": "JOINING"}
_HARMLESS: Final = frozenset({"REVIEW", "RUN_ML_JOB_ACTION"})


class Delays(Plain):
    """GET_STATUS tells what is under way; what needs its end is refused, in the service's words."""

    def __init__(self) -> None:
        self._steps = Countdown()

    def before(self, asked: Asked) -> Rows | None:
        """Refuses what needs a step that is under way."""
        if not of_a_room(asked) or asked.procedure in _HARMLESS:
            return None
        status = self._steps.ask((asked.account, asked.room))
        if status is None:
            return None
        raise not_now(asked, status)

    def after(self, asked: Asked, result: StatementResult) -> StatementResult:
        """Begins steps, and shows them."""
        if asked.procedure in _UNDER_WAY and asked.reached:
            self._steps.begin((asked.account, asked.room), _UNDER_WAY[asked.procedure])
        if asked.procedure != "GET_STATUS":
            return result
        return with_statuses(result, lambda account, _: _told(self._steps.ask((account, asked.room))))


class Replication(Plain):
    """The first review of a room by an account finds its listing not replicated yet; the first join by the owner too.

    Release notes of 30 July 2026, version 17.2: REVIEW, and JOIN for the owner; GET_STATUS says REPLICATING.
    """

    def __init__(self) -> None:
        self._begun: set[tuple[str, str]] = set()
        self._owned: set[tuple[str, str]] = set()
        self._steps = Countdown()

    def before(self, asked: Asked) -> Rows | None:
        """Refuses the first call, and those until GET_STATUS was asked often enough."""
        key = (asked.account, asked.room)
        if asked.procedure != "REVIEW" and (asked.procedure != "JOIN" or key not in self._owned):
            return None
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
        if asked.procedure == "INITIALIZE":
            self._owned.add((asked.account, asked.room))
        if asked.procedure != "GET_STATUS":
            return result
        return with_statuses(result, lambda account, _: _told(self._steps.ask((account, asked.room))))


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


def _told(status: str | None) -> tuple[str, str | None] | None:
    return None if status is None else (status, None)

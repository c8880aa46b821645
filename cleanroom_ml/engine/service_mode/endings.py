"""LEAVE and TEARDOWN take a while: LEAVING and DROPPING, then LOCAL_DROP_PENDING, and the call again."""

from __future__ import annotations

from typing import Final

from cleanroom_ml.engine.contracts.table import Rows
from cleanroom_ml.engine.service_mode.asked import Asked, Plain
from cleanroom_ml.engine.service_mode.standing import Countdown, not_now, of_a_room, with_statuses
from cleanroom_ml.engine.statements.results import StatementResult

_WAYS_OUT: Final = {"LEAVE": "LEAVING", "TEARDOWN": "DROPPING"}


class SlowEndings(Plain):
    """The first call is under way for some questions. Called meanwhile, it changes nothing."""

    def __init__(self) -> None:
        self._steps = Countdown()

    def before(self, asked: Asked) -> Rows | None:
        """Answers what comes meanwhile."""
        if not of_a_room(asked):
            return None
        status = self._steps.ask((asked.account, asked.room))
        if status is None:
            return None
        if _WAYS_OUT.get(asked.procedure) != status:
            raise not_now(asked, status)
        return Rows.one(asked.procedure, f"{asked.procedure} of collaboration {asked.room} is under way.")

    def after(self, asked: Asked, result: StatementResult) -> StatementResult:
        """Begins with the first call, and shows it."""
        if asked.procedure in _WAYS_OUT and asked.reached and _began(result):
            self._steps.begin((asked.account, asked.room), _WAYS_OUT[asked.procedure])
        if asked.procedure != "GET_STATUS":
            return result

        def told(account: str, _: str) -> tuple[str, str | None] | None:
            status = self._steps.ask((account, asked.room))
            return None if status is None else (status, None)

        return with_statuses(result, told)


def _began(result: StatementResult) -> bool:
    """Whether it was the first of the two calls, as the engine says."""
    return isinstance(result, Rows) and any("has started" in str(value) for row in result.rows for value in row)

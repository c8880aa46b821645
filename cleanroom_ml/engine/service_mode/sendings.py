"""What one party gives another and is not there at once, or never: links of offerings, activations that fail."""

from __future__ import annotations

import threading
from dataclasses import replace
from typing import Final

from cleanroom_ml.engine.contracts.table import Rows
from cleanroom_ml.engine.service_mode.asked import Asked, Plain, wanted_batches
from cleanroom_ml.engine.service_mode.standing import Countdown, changed, column, with_batches
from cleanroom_ml.engine.sql.binds import Value
from cleanroom_ml.engine.statements.results import StatementResult

NOTHING_PROCESSED: Final = Rows.answer((("TABLE_NAME", "VARCHAR"), ("SEGMENT_NAME", "VARCHAR")), ())
SENDING_FAILED: Final = "The share of the activation could not be replicated to the region of the collaborator."
_LINKS: Final = frozenset({"LINK_DATA_OFFERING", "LINK_LOCAL_DATA_OFFERING"})


class LateLinks(Plain):
    """What is linked is in VIEW_DATA_OFFERINGS only some views later; the request for it is listed at once."""

    def __init__(self) -> None:
        self._links = Countdown()

    def after(self, asked: Asked, result: StatementResult) -> StatementResult:
        """Begins with the link, and leaves it out of the view."""
        if asked.procedure in _LINKS and len(asked.args) > 1:
            self._links.begin((asked.room, str(asked.args[1]).upper()), "LINKING")
        if asked.procedure != "VIEW_DATA_OFFERINGS" or not isinstance(result, Rows):
            return result
        at = column(result, "data_offering_id")
        late = {each for each in {str(row[at]).upper() for row in result.rows} if self._links.ask((asked.room, each))}
        return replace(result, rows=[row for row in result.rows if str(row[at]).upper() not in late])


class FailingActivations(Plain):
    """The first activation of a collaboration to a partner ends as FAILED, and nothing of it is ever processed.

    The engine has sent it: what is asked of it is therefore about the other batches, one by one.
    """

    def __init__(self) -> None:
        self._sent: set[tuple[str, str]] = set()
        self._failed: set[str] = set()
        self._lock = threading.Lock()

    def before(self, asked: Asked) -> Rows | None:
        """PROCESS_ACTIVATION takes what has not failed."""
        if asked.procedure != "PROCESS_ACTIVATION" or not self._failed or not asked.args:
            return None
        wanted = asked.args[1] if len(asked.args) > 1 else None
        wants = wanted_batches(wanted)
        listed = asked.ask(f"CALL {asked.database}.COLLABORATION.VIEW_ACTIVATIONS(?)", asked.args[0])
        batch, segment, status = (column(listed, name) for name in ("batch_id", "segment_name", "status"))
        meant = [row for row in listed.rows if wants(str(row[batch]), str(row[segment]))]
        if not any(str(row[batch]) in self._failed for row in meant):
            return None
        # Named once more, what was processed before says where it is.
        there = ("SHARED",) if wanted is None else ("SHARED", "PROCESSED")
        left = [row[batch] for row in meant if row[status] in there and str(row[batch]) not in self._failed]
        if not left:
            return NOTHING_PROCESSED
        return asked.ask(f"CALL {asked.database}.COLLABORATION.PROCESS_ACTIVATION(?, ?)", asked.args[0], left)

    def after(self, asked: Asked, result: StatementResult) -> StatementResult:
        """Begins with RUN, which tells nothing of it yet, and shows it in VIEW_ACTIVATIONS."""
        return with_batches(asked, result, self._shown)

    def _shown(self, asked: Asked, result: Rows, row: tuple[Value, ...]) -> tuple[Value, ...]:
        batch, status = str(row[column(result, "batch_id")]), row[column(result, "status")]
        if asked.procedure == "RUN":
            with self._lock:
                if status in ("SHARED", "PENDING") and (asked.account, asked.room) not in self._sent:
                    self._sent.add((asked.account, asked.room))
                    self._failed.add(batch)
            return changed(result, row, {"status": "PENDING"}) if batch in self._failed else row
        if batch not in self._failed or status != "SHARED":
            return row
        return changed(result, row, {"status": "FAILED", "details": SENDING_FAILED})

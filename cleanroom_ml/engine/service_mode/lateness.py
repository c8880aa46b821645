"""What is asked for at once and holds, or is to be seen, only some questions later."""

from __future__ import annotations

import json
import threading
from dataclasses import dataclass, replace
from typing import Final

from cleanroom_ml.engine.contracts.table import Rows
from cleanroom_ml.engine.service_mode.asked import Asked, Plain, wanted_batches
from cleanroom_ml.engine.service_mode.sendings import NOTHING_PROCESSED
from cleanroom_ml.engine.service_mode.standing import QUESTIONS, Countdown, changed, column, with_batches
from cleanroom_ml.engine.sql.binds import Value
from cleanroom_ml.engine.statements.results import StatementResult

_EDIT: Final = "EDIT_COLLABORATION"
_DEFAULTS: Final = {"TEMPLATE_AUTO_APPROVAL": "false", "ALLOW_ML_JOBS_MONITORING": "true"}
_SETTING: Final = frozenset({"ENABLE_TEMPLATE_AUTO_APPROVAL", "DISABLE_TEMPLATE_AUTO_APPROVAL"})


class LateRequests(Plain):
    """An update request is listed only after it was looked for some times."""

    def __init__(self) -> None:
        self._looked: dict[tuple[str, str], int] = {}
        self._lock = threading.Lock()

    def after(self, asked: Asked, result: StatementResult) -> StatementResult:
        """Leaves out what was not looked for often enough."""
        if asked.procedure != "VIEW_UPDATE_REQUESTS" or not isinstance(result, Rows):
            return result
        at = column(result, "id")
        with self._lock:
            for row in result.rows:
                key = (asked.account, str(row[at]))
                self._looked[key] = self._looked.get(key, 0) + 1
            shown = [row for row in result.rows if self._looked[asked.account, str(row[at])] > QUESTIONS]
        return replace(result, rows=shown)


class LateEdits(Plain):
    """An approved edit is applied one operation after the other; whom it adds is REVIEWING before it joins.

    Statuses of an edit and of whom it adds: collaboration-api-reference, EDIT.
    """

    def __init__(self) -> None:
        self._looked: dict[tuple[str, str], int] = {}
        self._edited: set[str] = set()
        self._lock = threading.Lock()

    def after(self, asked: Asked, result: StatementResult) -> StatementResult:
        """Shows a part of what is done."""
        if asked.procedure == "EDIT":
            self._edited.add(asked.room)
        if not isinstance(result, Rows):
            return result
        if asked.procedure == "GET_STATUS" and asked.room in self._edited:
            at = column(result, "status")
            names = {"IN_REVIEW": "REVIEWING"}
            rows = [
                changed(result, row, {"status": names[str(row[at])]}) if row[at] in names else row
                for row in result.rows
            ]
            return replace(result, rows=rows)
        if asked.procedure != "VIEW_UPDATE_REQUESTS":
            return result
        return replace(result, rows=[self._shown(asked, result, row) for row in result.rows])

    def _shown(self, asked: Asked, result: Rows, row: tuple[Value, ...]) -> tuple[Value, ...]:
        kind, status = str(row[column(result, "type")]), row[column(result, "status")]
        if kind.upper().replace(" ", "_") != _EDIT or status not in ("COMPLETED", "FAILED"):
            return row
        key = (asked.account, str(row[column(result, "id")]))
        with self._lock:
            looked = self._looked[key] = self._looked.get(key, 0) + 1
        if looked > QUESTIONS:
            return row
        details = json.loads(str(row[column(result, "details")]))
        for operation in details.get("operations", [])[looked - 1 :]:
            operation["status"] = "REQUESTED"
            operation.pop("failure_reason", None)
        details.pop("failure_reason", None)
        return changed(result, row, {"status": "APPROVED", "details": json.dumps(details)})


class LateSettings(Plain):
    """A setting is PENDING, with the value that holds until then."""

    def __init__(self) -> None:
        self._changes = Countdown()
        self._before: dict[tuple[str, ...], str] = {}
        self._now: dict[tuple[str, ...], str] = {}
        self._lock = threading.Lock()

    def after(self, asked: Asked, result: StatementResult) -> StatementResult:
        """Begins with SET_CONFIGURATION; shows it in GET_CONFIGURATION."""
        if asked.procedure == "SET_CONFIGURATION" and len(asked.args) > 2:
            self._set(asked, str(asked.args[1]).upper(), str(asked.args[2]).lower())
        elif asked.procedure in _SETTING:
            self._set(asked, "TEMPLATE_AUTO_APPROVAL", str(asked.procedure.startswith("ENABLE")).lower())
        if asked.procedure != "GET_CONFIGURATION" or not isinstance(result, Rows):
            return result
        return replace(result, rows=[self._shown(asked, result, row) for row in result.rows])

    def _set(self, asked: Asked, setting: str, value: str) -> None:
        key = (asked.account, asked.room, setting)
        with self._lock:
            self._before[key] = self._now.get(key, _DEFAULTS.get(setting, value))
            self._now[key] = value
        self._changes.begin(key, "PENDING")

    def _shown(self, asked: Asked, result: Rows, row: tuple[Value, ...]) -> tuple[Value, ...]:
        key = (asked.account, asked.room, str(row[column(result, "configuration")]))
        status = self._changes.ask(key)
        return row if status is None else changed(result, row, {"status": status, "value": self._before[key]})


@dataclass(frozen=True, slots=True)
class _Batch:
    sender: str
    segment: str


class LateActivations(Plain):
    """What was sent to a partner is PENDING, then REPLICATING, then SHARED; it cannot be processed before."""

    def __init__(self) -> None:
        self._under_way: dict[str, _Batch] = {}
        self._looked: dict[str, int] = {}
        self._lock = threading.Lock()

    def before(self, asked: Asked) -> Rows | None:
        """PROCESS_ACTIVATION finds nothing of what is under way."""
        if asked.procedure != "PROCESS_ACTIVATION":
            return None
        wants = wanted_batches(asked.args[1] if len(asked.args) > 1 else None)
        with self._lock:
            found = [
                batch
                for batch, sent in self._under_way.items()
                if sent.sender != asked.account and wants(batch, sent.segment)
            ]
        late = [batch for batch in found if self._status(batch) is not None]
        return NOTHING_PROCESSED if late else None

    def after(self, asked: Asked, result: StatementResult) -> StatementResult:
        """Begins with RUN, and shows it in VIEW_ACTIVATIONS."""
        return with_batches(asked, result, self._shown)

    def _shown(self, asked: Asked, result: Rows, row: tuple[Value, ...]) -> tuple[Value, ...]:
        batch, status = str(row[column(result, "batch_id")]), row[column(result, "status")]
        if status != "SHARED":
            return row
        if asked.procedure == "RUN":
            with self._lock:
                self._under_way[batch] = _Batch(asked.account, str(row[column(result, "segment_name")]))
            return changed(result, row, {"status": "PENDING"})
        now = self._status(batch)
        return row if now is None else changed(result, row, {"status": now})

    def _status(self, batch: str) -> str | None:
        """Where a batch is; one question less is left."""
        with self._lock:
            if batch not in self._under_way:
                return None
            looked = self._looked[batch] = self._looked.get(batch, 0) + 1
            if looked > QUESTIONS:
                del self._under_way[batch]
                return None
        return "PENDING" if looked == 1 else "REPLICATING"

"""Procedures in Python, put together: the sandbox that their code is in, and the statements that it sends.

`ProcedureCalls` is the seam for whatever runs such code: who calls it says what each statement may do (`run`).
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Final

from cleanroom_ml.engine.contracts.json_nesting import is_too_deep
from cleanroom_ml.engine.protocol.capabilities import Capabilities
from cleanroom_ml.engine.protocol.large_json import is_unicode
from cleanroom_ml.engine.queries.answers import Answers
from cleanroom_ml.engine.queries.procedure_line import ProcedureLine
from cleanroom_ml.engine.sql.binds import Value
from cleanroom_ml.engine.sql.errors import SqlError
from cleanroom_ml.engine.sql.routines import Routine
from cleanroom_ml.engine.statements.ports import Returned, RunInside
from cleanroom_ml.engine.statements.results import plain
from cleanroom_ml.engine.storage.sessions import Session
from cleanroom_ml.engine.storage.storage import Storage
from cleanroom_ml.engine.warehouse.python_procedures import ProcedureProcesses

_ZONE: Final = "Etc/UTC"


class ProcedureCalls:
    """`statements.ports.PythonProcedures`."""

    def __init__(
        self, storage: Storage, answers: Answers, capabilities: Capabilities, processes: ProcedureProcesses
    ) -> None:
        self._storage = storage
        self._answers = answers
        self._capabilities = capabilities
        self._processes = processes

    def call(
        self,
        session: Session,
        routine: Routine,
        arguments: Sequence[Value],
        run: RunInside,
        *,
        seconds: float,
        depth: int = 0,
        silent: bool = False,
        home: tuple[str, str] | None = None,
    ) -> Returned:
        """See `statements.ports.PythonProcedures.call`."""
        line = ProcedureLine(self._storage, self._answers, self._capabilities, session, run, home)
        request = {
            "name": routine.name,
            "handler": routine.handler,
            "body": routine.body,
            "types": [str(each.type) for each in routine.parameters],
            "arguments": [plain(value) for value in arguments],
            "table": routine.returns is None,
            "strict": routine.strict,
            "silent": silent,
            "zone": session.parameters.get("TIMEZONE", _ZONE),
        }
        answer = self._processes.call(
            request, routine.imports, self._storage.objects.open, line.serve, seconds=seconds, depth=depth
        )
        if routine.returns is None:
            return Returned(table=line.result(str(answer.get("query"))))
        return Returned(value=_value(answer))


def _value(answer: Mapping[str, object]) -> Value:
    """What the code returned: JSON already, as the worker's whole answer is."""
    value = answer.get("value")
    try:
        if isinstance(value, list | dict) and is_too_deep(json.dumps(value)):
            raise SqlError.too_deep()
    except RecursionError:
        raise SqlError.too_deep() from None
    if isinstance(value, str | list | dict) and not is_unicode(json.dumps(value, ensure_ascii=False)):
        raise SqlError.unsupported("half of a character in what a procedure returns")
    if value is None or isinstance(value, bool | int | float | str | list | dict):
        return value
    raise SqlError.unsupported("a value of this type that a procedure returns")

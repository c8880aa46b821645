"""`statement ->> statement …`: the rows of each step are kept for those after it, the last one's are the answer."""

from __future__ import annotations

import uuid
from typing import Final

from cleanroom_ml.engine.sql.errors import SqlError
from cleanroom_ml.engine.sql.read.pipe import Pipe
from cleanroom_ml.engine.statements.kept import run_and_keep
from cleanroom_ml.engine.statements.kind import Allowed, Kind, Roles
from cleanroom_ml.engine.statements.results import StatementResult
from cleanroom_ml.engine.statements.work import Work


def pipe(work: Work, statement: Pipe) -> StatementResult:
    """Runs the steps in order, each as if it had been sent alone; a step that fails ends it."""
    if work.results is None:
        raise SqlError.unsupported("->> in a template")
    for text in statement.steps[:-1]:
        run_and_keep(work, text, {}, str(uuid.uuid4()))
    return work.run(statement.steps[-1], {})


KINDS: Final = (Kind(Pipe, pipe, wire=None, allowed=Allowed.JOB, roles=Roles.ELSEWHERE, one_commit=False),)

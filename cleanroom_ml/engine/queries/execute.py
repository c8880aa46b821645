"""What runs a statement, as the service of queries knows it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from cleanroom_ml.engine.sql.binds import Binds
from cleanroom_ml.engine.statements.results import StatementResult
from cleanroom_ml.engine.storage.sessions import Session


class Execute(Protocol):
    """`statements.Executor.execute`."""

    def __call__(
        self,
        session: Session,
        text: str,
        *,
        binds: Binds | None,
        query_id: str,
        request_id: str | None = None,
        describe_only: bool = False,
        parameters: Mapping[str, str] | None = None,
    ) -> StatementResult: ...

"""What runs a statement, as the service of queries knows it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol, Required, TypedDict, Unpack

from cleanroom_ml.engine.sql.binds import Binds
from cleanroom_ml.engine.statements.results import StatementResult
from cleanroom_ml.engine.storage.sessions import Session


class Options(TypedDict, total=False):
    """What a statement is run with, beside its session and its text."""

    binds: Required[Binds | None]
    query_id: Required[str]
    request_id: str | None
    describe_only: bool
    parameters: Mapping[str, str] | None


class Execute(Protocol):
    """`statements.Executor.execute`."""

    def __call__(self, session: Session, text: str, **options: Unpack[Options]) -> StatementResult: ...

"""What the rooms ask of the rest of the engine."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

from cleanroom_ml.engine.contracts.target_catalog import TargetCatalog
from cleanroom_ml.engine.rooms.run_tables import RunTables
from cleanroom_ml.engine.sql.binds import Value
from cleanroom_ml.engine.sql.catalog import Catalog
from cleanroom_ml.engine.storage.keys import Key
from cleanroom_ml.engine.storage.sessions import Session
from cleanroom_ml.json_values import Document


class Caller(Protocol):
    """Who calls: a storage session. `account` is what everything is authorised by."""

    id: str
    account: str
    user: str
    role: str
    warehouse: str | None
    parameters: dict[str, str]

    @property
    def kind(self) -> str:
        """`client`, or a job's or a room's own session."""


class RoomExecutor(Protocol):
    """Runs one statement with the names of a room (`statements.Executor`, adapted in `assembly/procedures.py`)."""

    def run(
        self,
        catalog: TargetCatalog[Key],
        session: Session,
        text: str,
        binds: Mapping[str, Value],
        *,
        query_id: str,
        written: RunTables | None = None,
    ) -> object:
        """The statement's result, as the front answers it; `binds` are the values of its `:NAME`s. `session` is the
        run's own, never its caller's; `written` is told of every commit. Raises SqlError.
        """

    def returned(self, result: object) -> Value:
        """The one value of a block's result (`RETURN 'x'`); None where it has none."""

    def values(self, catalog: Catalog, caller: object, text: str, *, query_id: str) -> Sequence[tuple[Value, ...]]:
        """The rows of a query whose result is small (at most a few). Raises SqlError."""

    def check_packages(self, packages: Sequence[str]) -> None:
        """Refuses packages that functions in Python cannot have here. Raises SqlError."""


class Renderer(Protocol):
    """Evaluates templates where they can do no harm (`render.SandboxedRenderer`)."""

    def call(self, request: Mapping[str, object]) -> Document:
        """`render_worker.handle(request)` in a sandboxed worker, within its time and memory limits. Raises SqlError
        TemplateRenderError.
        """

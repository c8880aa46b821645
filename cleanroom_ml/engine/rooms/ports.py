"""What the rooms ask of the rest of the engine."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from cleanroom_ml.engine.rooms.run_tables import RunTables
from cleanroom_ml.engine.sql.catalog import Catalog


class Caller(Protocol):
    """Who calls: a storage session. `account` is what everything is authorised by."""

    id: str
    account: str
    user: str
    role: str
    warehouse: str | None
    parameters: dict[str, str]


class RoomExecutor(Protocol):
    """Runs one statement with the names of a room (`statements.Executor`, adapted in `assembly/procedures.py`)."""

    def run(
        self,
        catalog: Catalog,
        session: Any,
        text: str,
        binds: Mapping[str, Any],
        *,
        query_id: str,
        written: RunTables | None = None,
    ) -> Any:
        """The statement's result, as the front answers it; `binds` are the values of its `:NAME`s. `session` is the
        run's own, never its caller's; `written` is told of every commit. Raises SqlError.
        """

    def returned(self, result: Any) -> Any:
        """The one value of a block's result (`RETURN 'x'`); None where it has none."""

    def values(self, catalog: Catalog, caller: Any, text: str, *, query_id: str) -> Sequence[tuple[Any, ...]]:
        """The rows of a query whose result is small (at most a few). Raises SqlError."""


class Renderer(Protocol):
    """Evaluates templates where they can do no harm (`render.SandboxedRenderer`)."""

    def call(self, request: Mapping[str, Any]) -> Mapping[str, Any]:
        """`render_worker.handle(request)` in a sandboxed worker, within its time and memory limits. Raises SqlError
        TemplateRenderError.
        """

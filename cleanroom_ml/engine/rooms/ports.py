"""What the rooms ask of the rest of the engine, and the value that their procedures answer with."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from cleanroom_ml.engine.rooms.run_tables import RunTables
from cleanroom_ml.engine.sql.catalog import Catalog
from cleanroom_ml.engine.sql.types.sql_type import SqlType, parse_type


@dataclass(frozen=True, slots=True)
class RoomRows:
    """A small result: column names with canonical type text, and rows of str, int, None, datetime, or JSON-able values
    (VARIANT).
    """

    columns: tuple[tuple[str, str], ...]
    rows: tuple[tuple[Any, ...], ...]

    def types(self) -> tuple[tuple[str, SqlType], ...]:
        """The columns with their types as `sql` knows them."""
        return tuple((name, parse_type(text)) for name, text in self.columns)

    @classmethod
    def one(cls, name: str, value: Any) -> RoomRows:
        """One row of one VARCHAR column: how a procedure that returns a string answers."""
        return cls(((name, "VARCHAR"),), ((value,),))


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

"""DESCRIBE of a table or view, and which of the two a name is."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from cleanroom_ml.engine.contracts.table import Rows
from cleanroom_ml.engine.sql.binds import Value
from cleanroom_ml.engine.sql.catalog import RowsSource
from cleanroom_ml.engine.sql.errors import SqlError
from cleanroom_ml.engine.sql.read.describe import Describe
from cleanroom_ml.engine.sql.types.descriptions import described
from cleanroom_ml.engine.sql.types.sql_type import parse_type
from cleanroom_ml.engine.statements.listing import texts
from cleanroom_ml.engine.statements.refusals import displayed
from cleanroom_ml.engine.statements.scope import INFORMATION_SCHEMA, full_name, shared_view
from cleanroom_ml.engine.statements.work import Work
from cleanroom_ml.engine.storage import samples
from cleanroom_ml.engine.storage.grants import Thing
from cleanroom_ml.engine.storage.keys import Column, Constraint, Key, Table, View


def describe_table(work: Work, statement: Describe) -> Rows:
    """Columns of a table or view; each may be asked for as the other, as on Snowflake."""
    if len(statement.name) > 1 and statement.name[-2] == INFORMATION_SCHEMA and not work.restricted:
        return _of_the_schema(work, statement)
    sample = None if work.restricted else samples.find(full_name(work, statement.name))
    if sample is not None and not statement.of_stage:
        return Rows(_DESCRIBED, [_described_column(Column(name, kind), ()) for name, kind in sample.columns])
    shared = shared_view(work, statement.name)
    if shared is not None and not statement.of_stage:
        return Rows(_DESCRIBED, [_described_column(column, ()) for column in shared.columns])
    key = work.catalog.target(statement.name, statement.kind)
    found = relation(work, key, statement.name)
    if statement.of_stage:
        if not isinstance(found, Table):
            raise SqlError.not_found("Table", displayed(statement.name))
        return Rows(STAGE_PROPERTIES, OF_A_STAGE)
    keys = found.constraints if isinstance(found, Table) else ()
    return Rows(_DESCRIBED, [_described_column(column, keys) for column in found.columns])


def _of_the_schema(work: Work, statement: Describe) -> Rows:
    """A relation of INFORMATION_SCHEMA, as who may read it sees it."""
    source = work.catalog.source(statement.name)
    if not isinstance(source, RowsSource):
        raise SqlError.not_found("View", displayed(statement.name))
    return Rows(_DESCRIBED, [_described_column(Column(name, str(kind)), ()) for name, kind in source.columns])


def relation(work: Work, key: Key, name: tuple[str, ...]) -> Table | View:
    """A table or view that the session's roles may know of. Raises SqlError not found."""
    table = work.storage.tables.get(key, work.session.id)
    view = work.storage.views.get(key, work.session.id) if table is None or table.session_id is None else None
    if view is not None and view.session_id is not None:
        return view
    if table is not None and (table.session_id is not None or work.rights.finds(Thing.of("TABLE", key))):
        return table
    if table is not None or view is None or not work.rights.finds(Thing.of("VIEW", key)):
        raise SqlError.not_found("Table", displayed(name))
    return view


def _described_column(column: Column, keys: Sequence[Constraint]) -> tuple[Value, ...]:
    nullable = "Y" if column.nullable else "N"
    kind = described(parse_type(column.type))
    rest = (None, None, column.comment or None, None, None)
    primary, unique = (
        "Y" if any(each.kind == kind and column.name in each.columns for each in keys) else "N"
        for kind in ("PRIMARY KEY", "UNIQUE")
    )
    return (column.name, kind, "COLUMN", nullable, default_text(column), primary, unique, *rest)


def default_text(column: Column) -> str | None:
    """What DESCRIBE and INFORMATION_SCHEMA say of a column's default."""
    if column.start is not None:
        return f"IDENTITY START {column.start} INCREMENT {column.step} NOORDER"
    return column.default


STAGE_PROPERTIES: Final = texts("parent_property", "property", "property_type", "property_value", "property_default")
OF_A_STAGE: Final = (
    ("STAGE_FILE_FORMAT", "TYPE", "String", "CSV", "CSV"),
    ("STAGE_LOCATION", "URL", "String", "", ""),
)
"""What DESCRIBE says of every stage."""
_DESCRIBED: Final = texts(
    "name", "type", "kind", "null?", "default", "primary key", "unique key", "check", "expression", "comment",
    "policy name", "privacy domain",
)  # fmt: skip

"""What statements do with the clustering key of a table (sql/clustering.py)."""

from __future__ import annotations

from collections.abc import Sequence

from cleanroom_ml.engine.sql import clustering
from cleanroom_ml.engine.sql.binds import Value
from cleanroom_ml.engine.sql.catalog import TableSource
from cleanroom_ml.engine.sql.errors import SqlError
from cleanroom_ml.engine.sql.read.table import AlterTable
from cleanroom_ml.engine.sql.types.sql_type import parse_type
from cleanroom_ml.engine.statements.work import Work
from cleanroom_ml.engine.storage.keys import Column, Key, Table


def checked(columns: Sequence[Column], key: str) -> str:
    """A key of a table with these columns. Raises SqlError: it is none."""
    return clustering.checked({each.name: parse_type(each.type) for each in columns}, key)


def inherited(work: Work, name: tuple[str, ...]) -> str:
    """The key of the table that another one is made like, which has it too (sql-reference/sql/create-table)."""
    source = work.catalog.source(name)
    if not isinstance(source, TableSource) or not isinstance(source.key, Key):
        return ""
    table = work.storage.tables.get(source.key, work.session.id)
    return "" if table is None else table.clustering


def keep(work: Work, table: Table, statement: AlterTable) -> None:
    """A key has the new name of a column. Raises SqlError: it is of a column that is to be dropped."""
    if statement.action == "drop":
        for name in statement.names:
            if clustering.uses(table.clustering, name):
                raise SqlError.syntax(
                    f"Column '{name}' is part of the clustering key: ALTER TABLE … DROP CLUSTERING KEY first."
                )
    if statement.action == "rename column" and table.clustering:
        work.storage.tables.cluster(table.key, clustering.renamed(table.clustering, *statement.names), work.session.id)


def listed(table: Table) -> dict[str, Value]:
    """What SHOW TABLES says of it."""
    return {
        "cluster_by": clustering.shown(table.clustering),
        "automatic_clustering": "ON" if table.clustering else "OFF",
    }

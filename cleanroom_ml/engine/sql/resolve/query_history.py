"""TABLE(INFORMATION_SCHEMA.QUERY_HISTORY(…)) and its like in FROM."""

from __future__ import annotations

from sqlglot import exp

from cleanroom_ml.engine.sql.catalog import Catalog, RowsSource
from cleanroom_ml.engine.sql.functions import history
from cleanroom_ml.engine.sql.functions.entry import TableArguments
from cleanroom_ml.engine.sql.resolve.calls import called_parts
from cleanroom_ml.engine.sql.resolve.scope import Relation
from cleanroom_ml.engine.sql.tree import build as building
from cleanroom_ml.engine.sql.tree.dialect import Node
from cleanroom_ml.engine.sql.tree.kinds import kinds_of_columns


def told(call: Node, catalog: Catalog, arguments: TableArguments) -> tuple[str | None, Relation] | None:
    """The name and the rows of a call, by the name that it has in INFORMATION_SCHEMA; None: it is another function, or
    there is none for this session. Raises SqlError.
    """
    written = called_parts(call)
    if written is None or not history.is_history(written[0]):
        return None
    name, given = written
    source = catalog.source((*name[:-1], history.FUNCTION))
    if not isinstance(source, RowsSource):
        return None
    made = exp.Anonymous(this=name[-1], expressions=given)
    rows = history.chosen(made, arguments, building.rows(source), catalog.context())
    return name[-1], Relation(rows, kinds_of_columns(source.columns))

"""Table functions of INFORMATION_SCHEMA, whose rows the catalog has (sql-reference/functions/query_history)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from sqlglot import exp

from cleanroom_ml.engine.sql.catalog import Catalog, RowsSource, ToldCatalog
from cleanroom_ml.engine.sql.errors import SqlError
from cleanroom_ml.engine.sql.resolve.table_arguments import Arguments
from cleanroom_ml.engine.sql.tree.dialect import Node

_SCHEMA: Final = "INFORMATION_SCHEMA"
_NUMBERS: Final = frozenset({"RESULT_LIMIT"})
_TEXTS: Final = frozenset({"SESSION_ID", "USER_NAME"})
_TRUTHS: Final = frozenset({"INCLUDE_CLIENT_GENERATED_STATEMENT"})


def rows(catalog: Catalog, name: Sequence[str], given: Sequence[Node], arguments: Arguments) -> RowsSource | None:
    """What a call gives; None: it is of no such function.

    Raises:
        SqlError: an argument that is not known, or not supported.
    """
    if len(name) < 2 or name[-2] != _SCHEMA or not isinstance(catalog, ToldCatalog):
        return None
    found: dict[str, int | str] = {}
    for each in given:
        key = str(each.this.name).upper() if isinstance(each, exp.Kwarg) else ""
        if key in _NUMBERS:
            found[key] = arguments.number(each.expression)
        elif key in _TEXTS:
            value = each.expression
            number = isinstance(value, exp.Literal) and not value.is_string
            found[key] = str(arguments.number(value)) if number else arguments.text(value)
        elif key not in _TRUTHS:
            raise SqlError.unsupported(f"{name[-1][:60]} with {key[:60] or 'an argument without a name'}")
    return catalog.told(tuple(name), found)

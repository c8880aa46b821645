"""Words that DuckDB answers itself where no column that it sees has that name: its user, its schema, its clock. Quotes
do not keep it from that, nor does a column of a query around, or an alias of SELECT in HAVING.

Snowflake has CURRENT_USER and the words of the clock, which are no columns for us by the time that names are resolved;
of the others a name that no column has is an invalid identifier (sql-reference/functions/current_role: its parentheses
may not be left out).
"""

from __future__ import annotations

from typing import Final

from cleanroom_ml.engine.sql.errors import SqlError
from cleanroom_ml.engine.sql.resolve.scope import Scope
from cleanroom_ml.naming import display

OWN_WORDS: Final = frozenset(
    {"current_catalog", "current_date", "current_role", "current_schema", "current_time", "current_timestamp"}
    | {"current_user", "localtime", "localtimestamp", "session_user", "user"}
)
"""A test asks the installed DuckDB for all of its words whether it answers them."""


def owner(name: str, scope: Scope) -> str | None:
    """The alias by which a column that is named without one has to be asked for, so that DuckDB does not answer its
    name; None: the bare name is of a column.

    Raises SqlError: no column has such a name, or it is not known which.
    """
    if name.casefold() not in OWN_WORDS:
        return None
    seen: Scope | None = scope
    outside = False  # of this SELECT: DuckDB asks there last
    while seen is not None:
        items = {alias: kinds for alias, kinds in seen.sources.items() if alias}
        having = [alias for alias, kinds in items.items() if kinds is not None and name in kinds]
        perhaps = [alias for alias, kinds in items.items() if kinds is None]
        if having and not outside:
            return None
        if len(having) > 1 or (len(perhaps) > 1 and not having):
            raise SqlError.ambiguous(name)
        if having or perhaps:
            return (having or perhaps)[0]
        if "" in seen.sources:
            called = seen.sources[""]
            if called is None and not outside:
                return None  # of a set operation, whose ORDER BY sees its columns alone
            if called is None or name in called:
                if outside or scope.grouped:
                    raise SqlError.unsupported(f"the alias {display(name)} in HAVING, QUALIFY or a query inside")
                return None
        above = seen.parent
        outside = outside or "" in seen.sources or above is None or "" not in above.sources
        seen = above
    raise SqlError.invalid_identifier(display(name))

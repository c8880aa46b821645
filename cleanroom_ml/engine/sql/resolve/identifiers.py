"""Names in trees: folded as Snowflake folds them, and quoted for DuckDB."""

from __future__ import annotations

from collections.abc import Sequence

from sqlglot import exp

from cleanroom_ml.engine.sql.errors import SqlError
from cleanroom_ml.engine.sql.tree.dialect import Node
from cleanroom_ml.naming import quote_name


def fold(identifier: Node | None) -> str:
    """What an identifier means: as written in quotes, else in capitals. Raises SqlError: it is none."""
    if isinstance(identifier, exp.Identifier):
        name = str(identifier.this)
        return name if identifier.args.get("quoted") else name.upper()
    raise SqlError.syntax("a name is expected.")


def fold_column(node: Node) -> str:
    """The same of the bare column that a list of names is read as."""
    return fold(node.this if isinstance(node, exp.Column) else node)


def quoted(name: str) -> exp.Identifier:
    """A name as DuckDB reads it, whatever its characters."""
    return exp.to_identifier(name, quoted=True)


def table_alias(name: str, columns: Sequence[str]) -> exp.TableAlias:
    return exp.TableAlias(this=quoted(name), columns=[quoted(column) for column in columns])


def quote_plain(parts: tuple[str, ...]) -> str:
    """A name as Snowflake's messages show it: bare parts, joined by dots."""
    plain = ".".join(parts)
    return (
        plain
        if all(part.isascii() and part.replace("_", "A").replace("$", "A").isalnum() for part in parts)
        else quote_name(parts)
    )

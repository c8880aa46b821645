"""`*`, spelled out where it does not mean what DuckDB's does: with ILIKE, EXCLUDE, REPLACE or RENAME, and after JOIN …
USING, whose columns come first and once (sql-reference/sql/select, sql-reference/constructs/join).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from sqlglot import exp

from cleanroom_ml.engine.sql.errors import SqlError
from cleanroom_ml.engine.sql.resolve.identifiers import fold, fold_column, quoted
from cleanroom_ml.engine.sql.resolve.scope import Scope, is_repeated
from cleanroom_ml.engine.sql.tree.dialect import Node
from cleanroom_ml.engine.sql.tree.kinds import literal_text

AS_OF: Final = "cleanroom_as_of"
"""Key of `Expression.meta` under which an ASOF JOIN has the columns of its USING."""
Merged = Mapping[str, frozenset[str] | tuple[str, ...]]
"""Columns of USING, in order, and the aliases whose columns they are; in their order where the first one's is shown."""


def merged(select: exp.Select, scope: Scope) -> Merged:
    """What the joins of a resolved FROM have merged; nothing where that is not known."""
    joins = select.args.get("joins") or []
    aliases = list(scope.sources)
    found: dict[str, frozenset[str] | tuple[str, ...]] = {}
    if len(aliases) != len(joins) + 1:
        return {}
    for number, join in enumerate(joins, 1):
        right = scope.sources[aliases[number]]
        using = [str(column.name) for column in join.args.get("using") or []]
        if str(join.args.get("method") or "").upper() == "NATURAL":
            before = [column for alias in aliases[:number] for column in scope.sources[alias] or {}]
            using = [column for column in dict.fromkeys(before) if column in (right or {})]
        for column in using:
            those = {alias for alias in aliases[:number] if column in (scope.sources[alias] or {})}
            found[column] = frozenset(found.get(column, ())) | those | {aliases[number]}
        for column in join.meta.get(AS_OF, ()):
            shown = [alias for alias in aliases[:number] if column in (scope.sources[alias] or {})]
            found[column] = (*shown, aliases[number])
    return found


def spelled_out(projection: Node, scope: Scope, using: Merged, *, every: bool = False) -> list[Node]:
    """A projection, or what its `*` stands for, `every` one or where it means another thing than DuckDB's.

    Raises SqlError: it names a column that is not there.
    """
    found = _star(projection)
    if found is None:
        return [projection]
    asked = found.args.get("ilike")
    pattern = literal_text(asked) if asked is not None else None
    if asked is not None and pattern is None:
        raise SqlError.syntax("* ILIKE takes a text.")
    table = projection.args.get("table") if isinstance(projection, exp.Column) else None
    changed = any(found.args.get(part) for part in ("except_", "replace", "rename"))
    whole = table is not None or not (using or scope.laid_out or scope.generated)
    if not changed and not every and pattern is None and whole:
        return [projection]
    named = {alias: kinds for alias, kinds in scope.sources.items() if table is None or alias == fold(table)}
    if not named or any(kinds is None for kinds in named.values()):
        if pattern is not None:
            raise SqlError.unsupported("* ILIKE of columns that are not known: name them in a subquery")
        return [projection]
    if any(is_repeated(kinds) for kinds in named.values()):
        raise SqlError.unsupported("this * of columns of which several have one name: name them in the subquery")
    listed: list[tuple[str, Node]] = []
    if table is None:
        for name, aliases in using.items():
            shown = aliases[0] if isinstance(aliases, tuple) else None
            listed.append((name, exp.column(name, table=shown, quoted=True)))
    for alias, kinds in named.items():
        hidden = {name for name, aliases in using.items() if alias in aliases} if table is None else set()
        listed += [(name, exp.column(name, table=alias, quoted=True)) for name in kinds or {} if name not in hidden]
    if pattern is not None:
        listed = [(name, column) for name, column in listed if is_like(name, pattern)]
    return _changed(found, listed)


def _changed(star: Node, listed: list[tuple[str, Node]]) -> list[Node]:
    names = {name for name, _ in listed}
    excluded = {_known(fold_column(item), names) for item in star.args.get("except_") or []}
    made: dict[str, Node] = {}
    for item in star.args.get("rename") or []:
        made[_known(fold_column(item.this), names)] = quoted(fold(item.args["alias"]))
    replaced = {_known(fold(item.args["alias"]), names): item.this for item in star.args.get("replace") or []}
    columns: list[Node] = []
    for name, column in listed:
        if name in excluded:
            continue
        value = replaced.get(name, column)
        columns.append(
            value
            if value is column and name not in made
            else exp.Alias(this=value.copy(), alias=made.get(name, quoted(name)))
        )
    return columns


def is_like(name: str, pattern: str) -> bool:
    """`name ILIKE pattern`, in time that grows with both lengths and no faster."""
    text, wanted = name.casefold(), pattern.casefold()
    at = position = 0
    back: tuple[int, int] | None = None
    while at < len(text):
        if position < len(wanted) and wanted[position] == "%":
            back = (position, at)
            position += 1
        elif position < len(wanted) and wanted[position] in ("_", text[at]):
            position, at = position + 1, at + 1
        elif back is not None:
            back = (back[0], back[1] + 1)
            position, at = back[0] + 1, back[1]
        else:
            return False
    return all(character == "%" for character in wanted[position:])


def _star(node: Node) -> exp.Star | None:
    if isinstance(node, exp.Column) and isinstance(node.this, exp.Star):
        return node.this
    return node if isinstance(node, exp.Star) else None


def _known(name: str, names: set[str]) -> str:
    if name not in names:
        raise SqlError.invalid_identifier(name)
    return name

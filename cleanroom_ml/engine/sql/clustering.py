"""Clustering keys (user-guide/tables-clustering-keys): declared, shown and kept with their table. How a table is laid
out they do not change: each of its objects has the bounds of its columns anyway, by which a query leaves objects out.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from sqlglot import exp

from cleanroom_ml.engine.sql.errors import COMPILATION, SqlError
from cleanroom_ml.engine.sql.functions import generated, table
from cleanroom_ml.engine.sql.functions.entry import Scalar
from cleanroom_ml.engine.sql.lex.tokens import QUOTED, WORD, Token, tokenize
from cleanroom_ml.engine.sql.tree.dialect import Node, parse_ast
from cleanroom_ml.engine.sql.types.sql_type import SqlType
from cleanroom_ml.naming import display

_NO_KEYS: Final = frozenset({"VARIANT", "OBJECT", "ARRAY", "GEOGRAPHY", "GEOMETRY"})


def checked(columns: Mapping[str, SqlType], clustering: str) -> str:
    """A clustering key of a table with these columns by name, as it was written; an empty one is none.

    Raises:
        SqlError: it names what is no column, is of a column that none may be of, or is nothing that a row's values
            alone say (RANDOM(), CURRENT_DATE, SUM(a)).
    """
    if not clustering:
        return ""
    tree = parse_ast(f"SELECT {clustering}")
    if not isinstance(tree, exp.Select) or any(isinstance(node, exp.Query) for node in tree.expressions):
        raise SqlError.syntax("CLUSTER BY takes expressions of the table's columns.")
    types = {name: each.name for name, each in columns.items()}
    for each in tree.expressions:
        _refuse_changing(each)
        for column in each.find_all(exp.Column):
            name = _folded(column.this)
            if name not in types:
                raise SqlError.invalid_identifier(display(name))
        if isinstance(each, exp.Column) and types[_folded(each.this)] in _NO_KEYS:
            raise SqlError(
                2, "0A000", f"{COMPILATION}Unsupported type '{types[_folded(each.this)]}' for clustering keys"
            )
    return clustering


def _refuse_changing(expression: Node) -> None:
    """Raises SqlError: an expression has another value each time, or one of many rows."""
    for node in expression.walk():
        word = table.WORDS.get(type(node).__name__)
        name = word[0] if word is not None else str(node.this).upper() if isinstance(node, exp.Anonymous) else ""
        found = table.FUNCTIONS.get(name)
        if found is None:
            continue
        if not isinstance(found, Scalar) or found in generated.FUNCTIONS or found.arguments in {0, (0, 1)}:
            raise SqlError(2, "0A000", f"{COMPILATION}Unsupported feature 'CLUSTER BY of {name}'.")


def shown(clustering: str) -> str:
    """`c1, c2` → `LINEAR(C1, C2)`, as SHOW TABLES has it; empty where there is none."""
    if not clustering:
        return ""
    made, at = [], 0
    for token in tokenize(clustering):
        if token.kind == WORD:
            made += [clustering[at : token.start], token.upper]
            at = token.end
    return f"LINEAR({''.join([*made, clustering[at:]]).strip()})"


def uses(clustering: str, column: str) -> bool:
    """Whether a column is one of a key."""
    return any(True for _ in _places(clustering, column))


def renamed(clustering: str, old: str, new: str) -> str:
    """A key after one of its columns got another name."""
    made, at = [], 0
    for token in _places(clustering, old):
        made += [clustering[at : token.start], display(new)]
        at = token.end
    return "".join([*made, clustering[at:]])


def _places(clustering: str, column: str) -> list[Token]:
    """Where a key names a column: not where a function, a type or a member of a VARIANT has the same name."""
    tokens = tokenize(clustering)
    found = []
    for number, token in enumerate(tokens):
        before = tokens[number - 1].text if number else ""
        after = tokens[number + 1].text if number + 1 < len(tokens) else ""
        named = token.kind in {WORD, QUOTED} and str(token.value()) == column
        if named and after != "(" and before not in {":", "::", "."} and before.upper() != "AS":
            found.append(token)
    return found


def _folded(identifier: object) -> str:
    assert isinstance(identifier, exp.Identifier)
    return str(identifier.this) if identifier.args.get("quoted") else str(identifier.this).upper()

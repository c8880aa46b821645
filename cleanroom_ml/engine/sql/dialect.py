"""Our reading of Snowflake's SQL with sqlglot: every function call stays a call by name, so that what is allowed is a
list of names.

sqlglot's own dialect turns hundreds of functions into as many kinds of node; a new release of it would quietly add to
what passes.
Here a call is an `exp.Anonymous`, and `functions.py` says what it means, or refuses it.
"""

from __future__ import annotations

import logging
import re
import sys
from collections.abc import Sequence
from typing import Any, Final

import sqlglot
from sqlglot import exp
from sqlglot.dialects.duckdb import DuckDB
from sqlglot.dialects.snowflake import Snowflake
from sqlglot.errors import ErrorLevel, SqlglotError

from cleanroom_ml.engine.load.big_texts import BIG_TEXTS
from cleanroom_ml.engine.sql.errors import SqlError
from cleanroom_ml.engine.sql.lists import Folded, fold, unfold
from cleanroom_ml.engine.sql.tokens import tokenize

# What clients write stays out of the engine's log: sqlglot logs the text that it does not understand.
logging.getLogger("sqlglot").setLevel(logging.CRITICAL)
# The parser and the generator recurse by about 6 frames a level of nesting; 150 levels are allowed
# (tokens.MAX_NESTING).
sys.setrecursionlimit(max(sys.getrecursionlimit(), 5000))

_KEPT_PARSERS: Final = ("CAST", "TRY_CAST", "EXTRACT", "POSITION")
_MAX_GENERATED: Final = 8 << 20
MAX_PARSED: Final = 50_000
"""Tokens of a statement, long lists of literals not counted: each costs the front about 20 microseconds and a kilobyte.

A query over 1,000 columns, nested ten deep, has half as many."""
SLOT = re.compile(r"\{(\d+|\*)\}")
_BARE: Final = (
    exp.Column,
    exp.Literal,
    exp.Paren,
    exp.Subquery,
    exp.Null,
    exp.Boolean,
    exp.Star,
    exp.Identifier,
    exp.Tuple,
    exp.Window,
    exp.Join,
    exp.Alias,
)


class Raw(exp.Expression):  # type: ignore[misc]
    """A piece of DuckDB text of ours with slots for rewritten expressions: `{0}`, `{1}`, `{*}` (all, comma separated).

    `kind` is what is known of its type (see resolve.kind_of).
    """

    arg_types = {"template": True, "expressions": False, "kind": False}  # noqa: RUF012 - sqlglot's interface


def raw(template: str, *arguments: Any, kind: str | None = None) -> Raw:
    return Raw(template=template, expressions=list(arguments), kind=kind)


class FrontSnowflake(Snowflake):  # type: ignore[misc]
    """Snowflake without sqlglot's knowledge of functions."""

    class Parser(Snowflake.Parser):  # type: ignore[misc]
        FUNCTIONS: Any = {}  # noqa: RUF012 - sqlglot's interface
        FUNCTION_PARSERS: Any = {  # noqa: RUF012
            name: parser for name, parser in Snowflake.Parser.FUNCTION_PARSERS.items() if name in _KEPT_PARSERS
        }

    class Generator(Snowflake.Generator):  # type: ignore[misc]
        pass


class WorkerDuckDB(DuckDB):  # type: ignore[misc]
    """DuckDB text, with `Raw` pieces."""

    class Generator(DuckDB.Generator):  # type: ignore[misc]
        pass


def _raw_sql(generator: Any, node: Raw) -> str:
    arguments = [_argument(generator, argument) for argument in node.expressions]

    def fill(match: re.Match[str]) -> str:
        slot = match.group(1)
        return ", ".join(arguments) if slot == "*" else arguments[int(slot)]

    text = SLOT.sub(fill, node.args["template"])
    if len(text) > _MAX_GENERATED:
        raise SqlError.too_complex()
    return text


def _folded_sql(generator: Any, node: Folded) -> str:
    return str(node.args["sql"])


def _argument(generator: Any, node: Any) -> str:
    text: str = generator.sql(node)
    return text if isinstance(node, (*_BARE, Raw, Folded, exp.Order, exp.Distinct)) else f"({text})"


FrontSnowflake.Generator.TRANSFORMS = {**FrontSnowflake.Generator.TRANSFORMS, Folded: _folded_sql}
WorkerDuckDB.Generator.TRANSFORMS = {**WorkerDuckDB.Generator.TRANSFORMS, Raw: _raw_sql, Folded: _folded_sql}

_FRONT: Final = FrontSnowflake()
_WORKER: Final = WorkerDuckDB()


def parse_ast(text: str, *, placeholders_before: int = 0) -> Any:
    """The one statement that `text` is, as sqlglot's tree. `?` become numbered placeholders, counted from
    `placeholders_before` + 1.

    Raises:
        SqlError: over the bounds, not one statement, or not understood.
    """
    with BIG_TEXTS.turn():
        return _parse(text, placeholders_before)


def _parse(text: str, placeholders_before: int) -> Any:
    ours = tokenize(text)
    lists = fold(text, ours)
    if len(ours if not lists.taken else tokenize(lists.text)) > MAX_PARSED:
        raise SqlError.too_complex()
    try:
        tokens = _numbered(_FRONT.tokenize(lists.text), placeholders_before)
        trees = _FRONT.parser(error_level=ErrorLevel.IMMEDIATE).parse(tokens, lists.text)
    except RecursionError:
        raise SqlError.too_complex() from None
    except SqlglotError as error:
        raise _syntax(error) from None
    except Exception:  # noqa: BLE001 - a parser fed with hostile text: whatever it stumbles over is a syntax error of the client's
        raise SqlError.syntax("syntax error.") from None
    found = [tree for tree in trees if tree is not None and not isinstance(tree, exp.Semicolon)]
    if len(found) != 1:
        raise SqlError(8, "0A000", f"Actual statement count {len(found)} did not match the desired statement count 1.")
    unfold(found[0], lists)
    return found[0]


def generate(tree: Any) -> str:
    """DuckDB text of a rewritten tree. Raises SqlError when it grows too large."""
    try:
        text = _WORKER.generator(
            identify=True, comments=False, normalize_functions=False, unsupported_level=ErrorLevel.IGNORE
        ).generate(tree, copy=False)
    except RecursionError:
        raise SqlError.too_complex() from None
    if "\0" in text:
        raise SqlError.syntax("a NUL character.")
    return str(text)


def snowflake_text(tree: Any) -> str:
    """A tree as Snowflake's text: what names a result column without an alias."""
    return str(
        _FRONT.generator(comments=False, normalize_functions=False, unsupported_level=ErrorLevel.IGNORE).generate(tree)
    )


def _numbered(tokens: Sequence[Any], before: int) -> list[Any]:
    """Each `?` becomes `:n`. Placeholders are told apart by number, so what the tree's order is does not matter."""
    kinds = sqlglot.TokenType
    operands = {
        kinds.VAR,
        kinds.IDENTIFIER,
        kinds.R_PAREN,
        kinds.R_BRACKET,
        kinds.STRING,
        kinds.NUMBER,
        kinds.PLACEHOLDER,
    }
    numbered: list[Any] = []
    count = before
    previous: Any = None
    for token in tokens:
        if token.token_type == kinds.PLACEHOLDER:
            if previous in operands:  # `a ?` would read as the path `a:1`
                raise SqlError.syntax("syntax error: unexpected '?'.")
            count += 1
            numbered.append(_like(token, kinds.COLON, ":"))
            numbered.append(_like(token, kinds.NUMBER, str(count)))
        else:
            numbered.append(token)
        previous = token.token_type
    return numbered


def _like(token: Any, kind: Any, text: str) -> Any:
    return type(token)(kind, text, line=token.line, col=token.col, start=token.start, end=token.end)


def _syntax(error: SqlglotError) -> SqlError:
    """Snowflake's form, from the place that sqlglot reports; its own text quotes the statement with escape codes."""
    details = getattr(error, "errors", None) or [{}]
    first = details[0]
    near = str(first.get("highlight") or "")[:60]
    line, column = first.get("line"), first.get("col")
    if line is None:
        return SqlError.syntax("syntax error.")
    return SqlError.syntax(f"syntax error line {line} at position {column} unexpected '{near}'.")

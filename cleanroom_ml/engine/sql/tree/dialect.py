"""Our reading of Snowflake's SQL with sqlglot: every function call stays a call by name, so that what is allowed is a
list of names.

sqlglot's own dialect turns hundreds of functions into as many kinds of node; a new release of it would quietly add to
what passes.
Here a call is an `exp.Anonymous`, and the table of functions (functions/table.py) says what it means, or refuses it.
"""

from __future__ import annotations

import logging
import re
import sys
from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import ClassVar, Final

from sqlglot import TokenType, exp
from sqlglot.dialects.duckdb import DuckDB
from sqlglot.dialects.snowflake import Snowflake
from sqlglot.errors import ErrorLevel, SqlglotError
from sqlglot.generator import Generator
from sqlglot.generators.duckdb import DuckDBGenerator
from sqlglot.generators.snowflake import SnowflakeGenerator
from sqlglot.parsers.snowflake import SnowflakeParser

from cleanroom_ml.engine.load.big_texts import BIG_TEXTS
from cleanroom_ml.engine.sql.errors import SqlError
from cleanroom_ml.engine.sql.lex.for_parser import for_parser
from cleanroom_ml.engine.sql.lex.lists import Folded, fold, unfold
from cleanroom_ml.engine.sql.lex.tokens import STRING, Token, tokenize
from cleanroom_ml.engine.sql.tree.matching import MatchingParser
from cleanroom_ml.engine.sql.types.kind import Kind
from cleanroom_ml.engine.sql.types.table import SNOWFLAKE_WORDS

# What clients write stays out of the engine's log: sqlglot logs the text that it does not understand.
logging.getLogger("sqlglot").setLevel(logging.CRITICAL)
# The parser and the generator recurse by about 6 frames a level of nesting; 150 levels are allowed
# (tokens.MAX_NESTING).
sys.setrecursionlimit(max(sys.getrecursionlimit(), 5000))

_KEPT_PARSERS: Final = ("CAST", "TRY_CAST", "EXTRACT", "POSITION")
_MAX_GENERATED: Final = 8 << 20
_LONGEST_INTERVAL: Final = 200
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


WRITTEN: Final = "cleanroom_written"
"""Key of `Expression.meta` under which a projection's text is kept."""
Node = exp.Expr
"""Any node of a tree."""


class Raw(exp.Expression):
    """A piece of DuckDB text of ours with slots for rewritten expressions: `{0}`, `{1}`, `{*}` (all, comma separated).

    `kind` is what is known of its type (see kinds.kind_of). `of_days`: an INTERVAL by which a DATE stays one.
    """

    arg_types = {"template": True, "expressions": False, "kind": False, "of_days": False}  # noqa: RUF012 - sqlglot's interface


def raw(template: str, *arguments: Node, kind: Kind | None = None) -> Raw:
    return Raw(template=template, expressions=list(arguments), kind=kind)


class FrontSnowflake(Snowflake):
    """Snowflake without sqlglot's knowledge of functions."""

    class Parser(MatchingParser):
        FUNCTIONS: ClassVar[dict[str, Callable[..., Node]]] = {}
        FUNCTION_PARSERS: ClassVar[dict[str, Callable[..., Node | None]]] = {
            name: parser for name, parser in SnowflakeParser.FUNCTION_PARSERS.items() if name in _KEPT_PARSERS
        }

        def _parse_projections(self) -> tuple[list[Node], list[Node] | None]:
            """The columns of a SELECT, each with its text: what names it where it has no alias."""
            return self._parse_csv(self._parse_projection), None

        def _parse_projection(self) -> Node | None:
            first = self._curr
            node: Node | None = self._parse_expression()
            if node is not None and first is not None and self._prev is not None:
                node.meta[WRITTEN] = self._find_sql(first, self._prev)
            return node

        def _parse_window(self, this: Node | None, alias: bool = False) -> Node | None:
            """`NTH_VALUE(…) FROM FIRST OVER …` (sql-reference/functions/nth_value)."""
            if isinstance(this, exp.Anonymous) and str(this.this).upper() == "NTH_VALUE":
                index = self._index
                from_end = self._match_texts(("FROM",)) and self._match_texts(("FIRST", "LAST"))
                last = bool(from_end) and self._prev.text.upper() == "LAST"
                if self._curr is None or self._curr.text.upper() not in {"OVER", "IGNORE", "RESPECT"}:
                    self._retreat(index)
                elif last:
                    raise SqlError.unsupported("NTH_VALUE FROM LAST: order the window the other way round")
            window: Node | None = super()._parse_window(this, alias)
            return window

        def _parse_limit(
            self, this: Node | None = None, top: bool = False, skip_limit_token: bool = False
        ) -> Node | None:
            """`LIMIT start, count` is another database's (sql-reference/constructs/limit): the parser would read it."""
            limit: Node | None = super()._parse_limit(this, top, skip_limit_token)
            if isinstance(limit, exp.Limit) and limit.args.get("offset") is not None:
                self.raise_error("LIMIT takes one number")
            return limit

        def _parse_type(self, parse_interval: bool = True, fallback_to_identifier: bool = False) -> exp.Expr | None:
            """`DATE '2024-01-05'::TIMESTAMP`: the text is a DATE first, and cast then; sqlglot casts the text first."""
            index = self._index
            starts = self._curr is not None and self._curr.token_type is not TokenType.INTERVAL
            if starts and self._next is not None and self._next.token_type is TokenType.STRING:
                kind = self._parse_types(check_func=True, allow_identifiers=False)
                if isinstance(kind, exp.DataType) and self._curr is not None and self._index == index + 1:
                    text = self._parse_primary()
                    if isinstance(text, exp.Literal):
                        return self._parse_column_ops(self.expression(exp.Cast(this=text, to=kind)))
                self._retreat(index)
            return super()._parse_type(parse_interval, fallback_to_identifier)

        def _parse_types(
            self,
            check_func: bool = False,
            schema: bool = False,
            allow_identifiers: bool = True,
            with_collation: bool = False,
        ) -> Node | None:
            """Types that sqlglot knows, and those that only our table of types has."""
            found = super()._parse_types(check_func, schema, allow_identifiers, with_collation)
            if found is not None or not allow_identifiers or self._curr is None:
                return found
            word = self._curr.text
            if self._curr.token_type is not TokenType.VAR or word.upper() not in SNOWFLAKE_WORDS:
                return None
            self._advance()
            sizes = self._parse_wrapped_csv(self._parse_type_size) if self._curr_is_parenthesis() else []
            return exp.DataType(this=exp.DType.USERDEFINED, kind=word.upper(), expressions=sizes)

        def _curr_is_parenthesis(self) -> bool:
            return self._curr is not None and self._curr.token_type is TokenType.L_PAREN

    class Generator(SnowflakeGenerator):
        pass


class WorkerDuckDB(DuckDB):
    """DuckDB text, with `Raw` pieces."""

    class Generator(DuckDBGenerator):
        pass


def _raw_sql(generator: Generator, node: Raw) -> str:
    arguments = [_argument(generator, argument) for argument in node.expressions]

    def fill(match: re.Match[str]) -> str:
        slot = match.group(1)
        return ", ".join(arguments) if slot == "*" else arguments[int(slot)]

    text = SLOT.sub(fill, node.args["template"])
    if len(text) > _MAX_GENERATED:
        raise SqlError.too_complex()
    return text


def _folded_sql(generator: Generator, node: Folded) -> str:
    return str(node.args["sql"])


def _argument(generator: Generator, node: Node) -> str:
    text = generator.sql(node)
    return text if isinstance(node, (*_BARE, Raw, Folded, exp.Order, exp.Distinct)) else f"({text})"


FrontSnowflake.Generator.TRANSFORMS = {**FrontSnowflake.Generator.TRANSFORMS, Folded: _folded_sql}
WorkerDuckDB.Generator.TRANSFORMS = {**WorkerDuckDB.Generator.TRANSFORMS, Raw: _raw_sql, Folded: _folded_sql}

_FRONT: Final = FrontSnowflake()
_WORKER: Final = WorkerDuckDB()


def parse_ast(text: str, *, placeholders_before: int = 0) -> Node:
    """The one statement that `text` is, as sqlglot's tree. `?` become numbered placeholders, counted from
    `placeholders_before` + 1.

    Raises:
        SqlError: over the bounds, not one statement, or not understood.
    """
    with BIG_TEXTS.turn():
        return _parse(text, placeholders_before)


def _refuse_long_intervals(tokens: Sequence[Token]) -> None:
    """The parser looks for amounts in an interval's text in quadratic time: minutes for 50,000 digits."""
    for before, token in pairwise(tokens):
        if token.kind == STRING and len(token.text) > _LONGEST_INTERVAL and before.text.upper() == "INTERVAL":
            raise SqlError.syntax(f"an interval of {len(token.text)} characters.")


def _parse(text: str, placeholders_before: int) -> Node:
    ours = tokenize(text)
    _refuse_long_intervals(ours)
    lists = fold(text, ours)
    if lists.taken:
        ours = tokenize(lists.text)
    if len(ours) > MAX_PARSED:
        raise SqlError.too_complex()
    try:
        tokens = for_parser(lists.text, ours, placeholders_before)
        trees = _FRONT.parser(error_level=ErrorLevel.IMMEDIATE).parse(tokens, lists.text)
    except RecursionError:
        raise SqlError.too_complex() from None
    except SqlError:
        raise
    except SqlglotError as error:
        raise _syntax(error) from None
    except Exception:  # noqa: BLE001 - a parser fed with hostile text: whatever it stumbles over is a syntax error of the client's
        raise SqlError.syntax("syntax error.") from None
    found = [tree for tree in trees if tree is not None and not isinstance(tree, exp.Semicolon)]
    if len(found) != 1:
        raise SqlError(8, "0A000", f"Actual statement count {len(found)} did not match the desired statement count 1.")
    unfold(found[0], lists)
    return found[0]


def generate(tree: Node) -> str:
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


def snowflake_text(tree: Node) -> str:
    """A tree as Snowflake's text: what names a result column without an alias. Raises SqlError where it has none."""
    generator = _FRONT.generator(comments=False, normalize_functions=False, unsupported_level=ErrorLevel.IGNORE)
    try:
        return str(generator.generate(tree))
    except RecursionError:
        raise SqlError.too_complex() from None
    except Exception:  # noqa: BLE001 - the parser makes trees that the generator stumbles over, such as `a[1.5]` in a path
        raise SqlError.syntax("syntax error.") from None


def _syntax(error: SqlglotError) -> SqlError:
    """Snowflake's form, from the place that sqlglot reports; its own text quotes the statement with escape codes."""
    details = getattr(error, "errors", None) or [{}]
    first = details[0]
    near = str(first.get("highlight") or "")[:60]
    line, column = first.get("line"), first.get("col")
    if line is None:
        return SqlError.syntax("syntax error.")
    return SqlError.syntax(f"syntax error line {line} at position {column} unexpected '{near}'.")

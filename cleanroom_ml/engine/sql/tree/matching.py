"""MATCH_RECOGNIZE as it is parsed: a FROM item around another one (sql-reference/constructs/match_recognize)."""

from __future__ import annotations

from typing import Any, ClassVar

from sqlglot import exp
from sqlglot.parsers.snowflake import SnowflakeParser
from sqlglot.tokenizer_core import TokenType

_SAMPLE = frozenset({TokenType.TABLE_SAMPLE})


class MatchRecognized(exp.Expression):
    """The rows of `this` in which a pattern is found.

    `partition_by`, `order`, `measures` (aliased), `define` (aliased): expressions; `pattern`: its text; `rows`: `ONE`,
    `ALL`, `OMIT` or `UNMATCHED`; `skip`: `PAST`, `NEXT`, `FIRST` or `LAST`, of which the last two are to `symbol`.
    """

    arg_types = {  # noqa: RUF012 - sqlglot's interface
        "this": True, "partition_by": False, "order": False, "measures": False, "rows": True, "skip": True,
        "symbol": False, "pattern": True, "define": True, "alias": False,
    }  # fmt: skip


class MatchingParser(SnowflakeParser):
    """Snowflake's parser, which reads MATCH_RECOGNIZE as a part of the FROM item that stands before it."""

    TABLE_ALIAS_TOKENS = SnowflakeParser.TABLE_ALIAS_TOKENS - {TokenType.MATCH_RECOGNIZE}
    QUERY_MODIFIER_PARSERS: ClassVar = {
        kind: parser
        for kind, parser in SnowflakeParser.QUERY_MODIFIER_PARSERS.items()
        if kind is not TokenType.MATCH_RECOGNIZE
    }
    QUERY_MODIFIER_TOKENS: ClassVar = set(QUERY_MODIFIER_PARSERS)

    def _parse_table(self, *args: Any, **options: Any) -> exp.Expr | None:  # Any: whatever sqlglot's takes
        item: exp.Expr | None = super()._parse_table(*args, **options)
        if isinstance(item, exp.Values) and self._curr is not None and self._curr.token_type in _SAMPLE:
            item.set("sample", self._parse_table_sample())  # which sqlglot takes for a part of the SELECT
        while item is not None and self._curr is not None and self._curr.token_type is TokenType.MATCH_RECOGNIZE:
            item = self._parse_matches(item)
        return item

    def _parse_matches(self, item: exp.Expr) -> exp.Expr:
        self._advance()
        self._match_l_paren()
        partition = self._parse_partition_by()
        order = self._parse_order()
        measures = self._parse_csv(self._parse_measure) if self._match_text_seq("MEASURES") else []
        rows = self._parse_rows_per_match()
        skip, symbol = self._parse_after_match()
        if not self._match_text_seq("PATTERN"):
            self.raise_error("Expecting PATTERN")
        self._match_l_paren()
        pattern = self._parse_string()
        self._match_r_paren()
        if not self._match_text_seq("DEFINE"):
            self.raise_error("Expecting DEFINE")
        define = self._parse_csv(self._parse_definition)
        self._match_r_paren()
        return self.expression(
            MatchRecognized(
                this=item,
                partition_by=partition,
                order=order,
                measures=measures,
                rows=rows,
                skip=skip,
                symbol=symbol,
                pattern=pattern.this if pattern is not None else "",
                define=define,
                alias=self._parse_table_alias(alias_tokens=self.TABLE_ALIAS_TOKENS),
            )
        )

    def _parse_measure(self) -> exp.Expr | None:
        value = self._parse_assignment()
        self._match(TokenType.ALIAS)
        name = self._parse_id_var(any_token=True)
        if value is None or name is None:
            self.raise_error("Expecting a measure and its name")
        return self.expression(exp.Alias(this=value, alias=name))

    def _parse_definition(self) -> exp.Expr | None:
        name = self._parse_id_var(any_token=True)
        if name is None or not self._match(TokenType.ALIAS):
            self.raise_error("Expecting a symbol AS its condition")
        return self.expression(exp.Alias(this=self._parse_assignment(), alias=name))

    def _parse_rows_per_match(self) -> str:
        if self._match_text_seq("ALL", "ROWS", "PER", "MATCH"):
            if self._match_text_seq("OMIT", "EMPTY", "MATCHES"):
                return "OMIT"
            if self._match_text_seq("WITH", "UNMATCHED", "ROWS"):
                return "UNMATCHED"
            self._match_text_seq("SHOW", "EMPTY", "MATCHES")
            return "ALL"
        self._match_text_seq("ONE", "ROW", "PER", "MATCH")
        return "ONE"

    def _parse_after_match(self) -> tuple[str, exp.Expr | None]:
        if not self._match_text_seq("AFTER", "MATCH", "SKIP"):
            return "PAST", None
        if self._match_text_seq("PAST", "LAST", "ROW"):
            return "PAST", None
        if self._match_text_seq("TO", "NEXT", "ROW"):
            return "NEXT", None
        if not self._match_text_seq("TO"):
            self.raise_error("Expecting PAST LAST ROW, TO NEXT ROW or TO a symbol")
        end = "LAST"
        word = self._curr.text.upper() if self._curr is not None else ""
        if word in {"FIRST", "LAST"} and self._next is not None and self._next.text.upper() != "PATTERN":
            end = word  # in `TO LAST PATTERN` it is a symbol of that name
            self._advance()
        symbol = self._parse_id_var(any_token=True)
        if symbol is None:
            self.raise_error("Expecting a symbol")
        return end, symbol

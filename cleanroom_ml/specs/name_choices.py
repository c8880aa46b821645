"""Where a template lets a value choose a name, a statement or code's arguments, although it is bound.

A bound value is data, except where SQL takes a name from it: `IDENTIFIER({{ x }})`, `TABLE({{ x }})`, `@{{ x }}`, and
`EXECUTE IMMEDIATE {{ x }}`; or from a variable that the block has computed. Calls of the code specs' callables are told
too: what is passed there is the code's to use as it likes.

Read from the SQL around each `{{ … }}`, over all branches at once, in time proportional to the text: once with its
strings and comments, and once as if there were none. Where blocks stand so that branches could put a name together in
another way, it says so instead of guessing. Nothing here authorises anything; what it finds is shown to those who
approve.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator
from typing import NamedTuple

from cleanroom_ml.specs.template_text import Expression, LineCounter, Masked, expressions, masked

NAME, STAGE, STATEMENT, CODE = "name", "stage", "statement", "code"

_WORDS = r"(?P<word>[^\W\d][\w$]*)|(?P<bind>[:$]\s*[^\W\d][\w$]*|\?)|(?P<other>\S)"
# Snowflake's own: comments of three kinds, strings with backslashes, dollar quotes. What is not closed goes to the end.
_QUIET = (
    r"(?P<skip>--[^\n]*|//[^\n]*|/\*(?:.*?\*/|.*))|(?P<string>'(?:[^'\\]|''|\\.|\\\Z)*+(?:'|\Z)|\$\$.*?(?:\$\$|\Z))"
    r'|(?P<quoted>"(?:[^"]|"")*+(?:"|\Z))|'
)
_KEYWORDS = ("IDENTIFIER", "TABLE", "EXECUTE", "IMMEDIATE")
_OPENS_A_NAME = ("IDENTIFIER", "TABLE")


class Choice(NamedTuple):
    """A place where a value is more than data.

    Attributes:
        kind: NAME of a table, column or other object; STAGE; STATEMENT, a whole one; CODE, an argument of a callable.
        text: how it stands there, such as `IDENTIFIER({{ x }})`.
        line: 1-based line of the body.
        expression: the Jinja expression; None: a variable that the block computes.
    """

    kind: str
    text: str
    line: int
    expression: Expression | None


class NameChoices(NamedTuple):
    """Every such place, in order of appearance.

    `uncertain`: blocks stand inside of a name, of its parentheses, or of a string or comment beside one, so that what a
    branch makes of it cannot be told; there may be more places than these.
    """

    found: tuple[Choice, ...]
    uncertain: bool


def name_choices(body: str) -> NameChoices:
    """Where the values of a template choose more than data."""
    inside, sql = expressions(body), masked(body)
    token = rf"(?P<mark>{sql.mark}\d+{sql.mark})|(?P<block>{sql.block})|{_WORDS}"
    found: dict[tuple[int, str], Choice] = {}
    uncertain = re.search(rf"[\w$@]{sql.block}+[\w$]", sql.text) is not None
    for patterns in (_QUIET + token, token):
        reading = _Reading(sql, inside, body)
        found.update(reading.read(re.compile(patterns, re.DOTALL)))
        uncertain = uncertain or reading.uncertain
    return NameChoices(tuple(found[place] for place in sorted(found)), uncertain)


class _Reading:
    """One reading of the SQL: what each mark and each computed variable is an argument of."""

    def __init__(self, sql: Masked, inside: list[Expression], body: str) -> None:
        self._sql, self._inside = sql, inside
        self._lines = LineCounter(body)
        self._starts = [offset for offset, _ in sql.offsets]
        # (kind, the word before the parenthesis) of each that is open.
        self._open: list[tuple[str, str]] = []
        self._before = ["", "", ""]
        self._named = any(word in sql.text.upper() for word in _KEYWORDS) or "@" in sql.text
        self.uncertain = False

    def read(self, pattern: re.Pattern[str]) -> Iterator[tuple[tuple[int, str], Choice]]:
        for match in pattern.finditer(self._sql.text):
            kind, displayed = match.lastgroup, match.group()
            if kind in ("skip", "string", "quoted", "block"):
                # A block within, beside a place where a name is taken: what its branches close or open is not known.
                self.uncertain |= (
                    self._sql.block in displayed and self._named and (kind != "block" or self._at_a_name())
                )
                if kind in ("skip", "block"):
                    continue
            if displayed == "(":
                self._open.append(self._opened())
            elif displayed == ")" and self._open:
                self._open.pop()
            elif kind in ("mark", "bind"):
                yield from self._place(match.start(), displayed, marked=kind == "mark")
            self._before = [*self._before[1:], displayed.upper()]

    def _at_a_name(self) -> bool:
        return self._before[-1] in (*_KEYWORDS, "@") or any(kind == NAME for kind, _ in self._open)

    def _opened(self) -> tuple[str, str]:
        word = self._before[-1]
        if word in _OPENS_A_NAME:
            return NAME, word
        # cleanroom . <spec>$<callable> (
        if self._before[-2] == "." and self._before[-3].strip('"') == "CLEANROOM" and "$" in word:
            return CODE, word
        return "", ""

    def _place(self, at: int, displayed: str, *, marked: bool) -> Iterator[tuple[tuple[int, str], Choice]]:
        kind, form = self._role()
        if not kind or (kind == CODE and not marked):
            return
        if marked:
            expression = self._inside[int(displayed.strip(self._sql.mark))]
            yield (at, kind), Choice(kind, form % f"{{{{ {expression.text} }}}}", expression.line, expression)
        else:
            yield (at, kind), Choice(kind, form % displayed, self._line(at), None)

    def _role(self) -> tuple[str, str]:
        """(kind, how it is shown) of a value that stands here; ("", "") where it is data."""
        if self._before[-1] == "@":
            return STAGE, "@%s"
        if self._before[-2:] == ["EXECUTE", "IMMEDIATE"]:
            return STATEMENT, "EXECUTE IMMEDIATE %s"
        for depth, (kind, word) in enumerate(reversed(self._open)):
            # A table function's own arguments are data: TABLE(SPLIT_TO_TABLE(x, ',')).
            if kind == NAME and (word == "IDENTIFIER" or depth == 0):
                return NAME, f"{word}(%s)"
            if kind == CODE:
                return CODE, "%s"
        return "", ""

    def _line(self, at: int) -> int:
        here, there = self._sql.offsets[bisect_right(self._starts, at) - 1]
        return self._lines.at(there + at - here)

"""A text cut into its statements, with bounds on size and nesting that hold before any recursive parser sees it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from cleanroom_ml.engine.sql.lex.tokens import PUNCTUATION, WORD, Token, tokenize

_AFTER_TRANSACTION: Final = frozenset({"", ";", "TRANSACTION", "WORK", "NAME"})
_STARTS: Final = frozenset({";", "BEGIN", "THEN", "ELSE", "DO", "LOOP", "REPEAT"})


def split(text: str) -> list[str]:
    """The statements of a text, each as written, without its semicolon and the comments around it; a scripting block
    is one statement.

    Raises:
        SqlError: a literal or comment is not closed, or the text is over the bounds.
    """
    return [text[found[0].start : found[-1].end] for found in statements(tokenize(text))]


def statements(tokens: list[Token]) -> Iterator[list[Token]]:
    """Tokens cut at semicolons that are outside of scripting blocks; empty statements are left out."""
    current: list[Token] = []
    blocks = _Blocks(tokens)
    for at, token in enumerate(tokens):
        if token.kind == WORD:
            blocks.step(at, first=not current)
        if token.kind == PUNCTUATION and token.text == ";" and blocks.open <= 0:
            if current:
                yield current
            current, blocks.open = [], 0
        else:
            current.append(token)
    if current:
        yield current


class _Blocks:
    """How many blocks are open. DECLARE opens one until its BEGIN; IF, CASE, FOR, WHILE, LOOP, REPEAT end with `END …`.

    One look at each word: what was before it is remembered, never looked for.
    """

    def __init__(self, tokens: list[Token]) -> None:
        self._tokens = tokens
        self.open = 0
        self._declared = False  # since the last BEGIN or END
        self._in_script = False
        self._in_procedure = False  # whose body may stand there without quotes

    def step(self, at: int, *, first: bool) -> None:
        """The next word."""
        word = self._tokens[at].upper
        self._in_procedure = word == "PROCEDURE" or (self._in_procedure and not first)
        self.open += self._opened(word, at, first)
        if word == "DECLARE":
            self._declared = True
        elif word in {"BEGIN", "END"}:
            self._declared = False
        self._in_script = self._in_script or word == "BEGIN"

    def _opened(self, word: str, at: int, first: bool) -> int:
        before = self._tokens[at - 1].upper if at else ""
        after = self._tokens[at + 1].upper if at + 1 < len(self._tokens) else ""
        begins = first or (self._in_procedure and before == "AS") or (self._in_script and before in _STARTS)
        if word == "DECLARE" and begins:
            return 1
        if word == "BEGIN":
            if first and after in _AFTER_TRANSACTION:
                return 0
            return 0 if self._declared else 1
        if word == "END":
            return -1
        if word == "CASE" and before != "END":
            return 1
        if word in {"IF", "FOR", "WHILE", "LOOP", "REPEAT"} and before != "END" and self._in_script:
            opens = (word != "IF" or after == "(") and (
                word not in {"LOOP", "REPEAT"} or before in {";", "BEGIN", "THEN", "ELSE", "DO", "LOOP", "REPEAT"}
            )
            return 1 if opens and before in _STARTS else 0
        return 0

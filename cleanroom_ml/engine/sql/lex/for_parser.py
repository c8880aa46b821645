"""Our tokens as sqlglot's parser takes them: what its own tokenizer makes of the same text, where both can read it.

Which words are keywords, and which belong together (GROUP BY), is sqlglot's table for Snowflake.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from sqlglot.dialects.snowflake import Snowflake
from sqlglot.tokenizer_core import Token as Parsed
from sqlglot.tokenizer_core import TokenType

from cleanroom_ml.engine.sql.errors import SqlError
from cleanroom_ml.engine.sql.lex.literals import unescape
from cleanroom_ml.engine.sql.lex.tokens import NUMBER, QUOTED, STAGE, STRING, URL, WORD, Token

_KEYWORDS: Final = Snowflake.tokenizer_class.KEYWORDS
_MARKS: Final = {**_KEYWORDS, **Snowflake.tokenizer_class.SINGLE_TOKENS}
_PHRASES: Final[dict[str, tuple[tuple[str, ...], ...]]] = {}
for _phrase in _KEYWORDS:
    if " " in _phrase:
        _first, *_rest = _phrase.split(" ")
        _PHRASES[_first] = (*_PHRASES.get(_first, ()), tuple(_rest))
_OPERANDS: Final = frozenset(
    {TokenType.VAR, TokenType.IDENTIFIER, TokenType.R_PAREN, TokenType.R_BRACKET, TokenType.STRING, TokenType.NUMBER}
)
_NO_OPERATORS: Final = frozenset({"==", "<=>", "&&", "~~", "~~*", "~", "&", "|", "^", "#"})
"""Operators of other databases, some of which the parser would take for Snowflake's (sql-reference/operators)."""
_FRAMES: Final = frozenset({"RUNNING", "FINAL"})
_NAVIGATION: Final = frozenset({"FIRST", "LAST", "NEXT", "PREV"})
_PREFIXED: Final = {"X": TokenType.HEX_STRING, "N": TokenType.NATIONAL_STRING}


def for_parser(text: str, tokens: Sequence[Token], placeholders_before: int = 0) -> list[Parsed]:
    """Tokens of `text` for the parser. Each `?` becomes `:n`, counted from `placeholders_before` + 1.

    Placeholders are told apart by number, so what the tree's order is does not matter.

    Raises:
        SqlError: a token that no query has, or a `?` right after an operand: `a ?` would read as the path `a:1`.
    """
    return _Reader(text, tokens, placeholders_before).read()


class _Reader:
    def __init__(self, text: str, tokens: Sequence[Token], placeholders_before: int) -> None:
        self._text = text
        self._tokens = tokens
        self._at = 0
        self._placeholders = placeholders_before
        self._made: list[Parsed] = []
        self._line = 1
        self._line_start = 0
        self._seen = 0
        self._matching = False
        """Whether a MATCH_RECOGNIZE came before."""
        self._patterns = 0
        """How many of them still wait for their PATTERN."""

    def read(self) -> list[Parsed]:
        while self._at < len(self._tokens):
            token = self._tokens[self._at]
            self._at += 1
            self._one(token)
        return self._made

    def _one(self, token: Token) -> None:
        written = token.text
        if token.kind == WORD:
            self._word(token)
        elif token.kind == STRING:
            kind = TokenType.RAW_STRING if written.startswith("$$") else TokenType.STRING
            self._add(kind, unescape(written), token.start, token.end)
        elif token.kind == QUOTED:
            self._add(TokenType.IDENTIFIER, token.value(), token.start, token.end)
        elif token.kind == NUMBER:
            self._number(token)
        elif token.kind == STAGE:
            self._add(TokenType.PARAMETER, "@", token.start, token.start + 1)
            if len(written) > 1:
                self._add(TokenType.VAR, written[1:], token.start + 1, token.end)
        elif token.kind == URL:
            raise _surprise(token)
        elif written == "?":
            if self._made and self._made[-1].token_type in _OPERANDS:
                raise SqlError.syntax("syntax error: unexpected '?'.")
            self._placeholders += 1
            self._add(TokenType.COLON, ":", token.start, token.end)
            self._add(TokenType.NUMBER, str(self._placeholders), token.start, token.end)
        elif len(written) > 1 and written[0] == "$":
            self._add(TokenType.PARAMETER, "$", token.start, token.start + 1)
            kind = TokenType.NUMBER if written[1:].isdecimal() else TokenType.VAR
            self._add(kind, written[1:], token.start + 1, token.end)
        elif written == "(" and [each.text for each in self._tokens[self._at : self._at + 2]] == ["+", ")"]:
            self._at += 2  # the mark of an outer join, which the resolver refuses by name
            self._add(TokenType.JOIN_MARKER, "(+)", token.start, self._tokens[self._at - 1].end)
        elif written not in _NO_OPERATORS and (mark := _MARKS.get(written)) is not None:
            self._add(mark, written, token.start, token.end)
        else:
            raise _surprise(token)

    def _word(self, token: Token) -> None:
        upper = token.upper
        following = self._tokens[self._at] if self._at < len(self._tokens) else None
        adjacent = following is not None and following.start == token.end
        if upper in _PREFIXED and following is not None and adjacent and following.text.startswith("'"):
            self._at += 1
            self._add(_PREFIXED[upper], unescape(following.text), token.start, following.end)
            return
        if self._made and self._made[-1].token_type == TokenType.PARAMETER:
            self._add(TokenType.VAR, token.text, token.start, token.end)
            return
        if self._of_matches(token, following):
            return
        for rest in _PHRASES.get(upper, ()):
            words = self._tokens[self._at : self._at + len(rest)]
            if tuple(word.upper for word in words if word.kind == WORD) == rest:
                phrase = " ".join((upper, *rest))
                self._at += len(rest)
                self._add(_KEYWORDS[phrase], phrase, token.start, words[-1].end)
                return
        self._add(_KEYWORDS.get(upper, TokenType.VAR), token.text, token.start, token.end)

    def _of_matches(self, token: Token, following: Token | None) -> bool:
        """Whether it is a word of MATCH_RECOGNIZE that the parser gets in another form: PATTERN (…) as a text, `FINAL
        LAST(` as one name, and FIRST(, LAST( and NEXT( as names of functions.
        """
        opens = following is not None and following.text == "("
        if token.upper == "MATCH_RECOGNIZE" and opens:
            self._matching, self._patterns = True, self._patterns + 1
        elif self._patterns and token.upper == "PATTERN" and opens:
            self._patterns -= 1
            self._add(TokenType.VAR, token.text, token.start, token.end)
            self._pattern()
            return True
        elif self._matching and token.upper in _FRAMES and following is not None and following.kind == WORD:
            after = self._tokens[self._at + 1 : self._at + 2]
            if after and after[0].text == "(":
                self._at += 1
                self._add(TokenType.VAR, f"{token.upper} {following.upper}", token.start, following.end)
                return True
        elif self._matching and token.upper in _NAVIGATION and opens:
            self._add(TokenType.VAR, token.text, token.start, token.end)
            return True
        return False

    def _pattern(self) -> None:
        """PATTERN's brackets, and what is between them as one text. Raises SqlError: they are not closed."""
        opening, depth, end = self._tokens[self._at], 0, self._at
        for end in range(self._at, len(self._tokens)):
            depth += (self._tokens[end].text == "(") - (self._tokens[end].text == ")")
            if not depth:
                break
        else:
            raise SqlError.syntax("syntax error: PATTERN ( is not closed.")
        closing = self._tokens[end]
        self._at = end + 1
        self._add(TokenType.L_PAREN, "(", opening.start, opening.end)
        self._add(TokenType.STRING, self._text[opening.end : closing.start], opening.end, closing.start)
        self._add(TokenType.R_PAREN, ")", closing.start, closing.end)

    def _number(self, token: Token) -> None:
        written, start = token.text, token.start
        if not written.isascii():
            raise _surprise(token)
        following = self._tokens[self._at] if self._at < len(self._tokens) else None
        if written == "0" and following is not None and following.start == token.end:
            digits = following.text[1:]
            if following.text[:1] in {"x", "X"} and digits and all(each in "0123456789abcdefABCDEF" for each in digits):
                self._at += 1
                self._add(TokenType.HEX_STRING, digits, start, following.end)
                return
        if written.startswith("."):  # the parser puts the two together
            self._add(TokenType.DOT, ".", start, start + 1)
            written, start = written[1:], start + 1
        self._add(TokenType.NUMBER, written, start, token.end)

    def _add(self, kind: TokenType, written: str, start: int, end: int) -> None:
        newlines = self._text.count("\n", self._seen, end)
        if newlines:
            self._line += newlines
            self._line_start = self._text.rfind("\n", self._seen, end) + 1
        self._seen = max(self._seen, end)
        self._made.append(Parsed(kind, written, self._line, end - self._line_start, start, end - 1))


def _surprise(token: Token) -> SqlError:
    return SqlError.syntax(f"syntax error at position {token.start}: unexpected '{token.text[:80]}'.")

"""Snowflake's lexical rules: what the front needs to cut statements apart and to read commands that are no queries."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from cleanroom_ml.engine.sql.errors import SqlError

MAX_STATEMENT: Final = 1 << 20
"""Characters of a statement, string literals not counted."""
MAX_TEXT: Final = 64 << 20
"""Characters of a request's text, string literals counted."""
MAX_NESTING: Final = 150
"""Open brackets and CASEs at once; the parser behind this is recursive (docs/measured-facts.md: it gives up at
200).
"""

WORD, QUOTED, STRING, NUMBER, STAGE, URL, PUNCTUATION = (
    "word",
    "quoted",
    "string",
    "number",
    "stage",
    "url",
    "punctuation",
)

_LEX = re.compile(
    r"""(?P<url>[fF][iI][lL][eE]://[^\s;'"]*)
      | (?P<space>\s+|--[^\n]*|//[^\n]*|/\*.*?\*/)
      | (?P<string>'(?:[^'\\]|''|\\.)*+')
      | (?P<dollars>\$\$.*?\$\$)
      | (?P<quoted>"(?:[^"]|"")*+")
      | (?P<number>(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?)
      | (?P<word>[^\W\d][\w$]*)
      | (?P<stage>@(?:"(?:[^"]|"")*+"|[\w$%~./=:+\-])*+)
      | (?P<punctuation>::|:=|=>|->|\|\||<=|>=|<>|!=|\$\d+|\$[^\W\d][\w$]*|.)
    """,
    re.VERBOSE | re.DOTALL,
)
_BLANK = re.compile(r"(?:\s++|--[^\n]*+|//[^\n]*+|/\*.*?\*/)++", re.DOTALL)
_WORD = re.compile(r"[^\W\d][\w$]*+")
_LONGEST_VERB: Final = 32
_LONGEST_NUMBER: Final = 1_000
"""Python makes no whole number of more than 4,300 digits from a text (sys.set_int_max_str_digits)."""
_OPENING: Final = frozenset("([{")
_CLOSING: Final = frozenset(")]}")
_ESCAPES: Final = {"n": "\n", "t": "\t", "r": "\r", "0": "\0", "b": "\b", "f": "\f"}
_ESCAPE = re.compile(r"''|\\(u[0-9a-fA-F]{4}|x[0-9a-fA-F]{2}|[0-7]{3}|.)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Token:
    """One token: its kind, its text as written, and where it stands."""

    kind: str
    text: str
    start: int
    end: int

    @property
    def upper(self) -> str:
        return self.text.upper()

    def value(self) -> str:
        """What a STRING says, or the name that a WORD or QUOTED folds to."""
        if self.kind == STRING:
            return unescape(self.text)
        if self.kind == QUOTED:
            return self.text[1:-1].replace('""', '"')
        return self.text.upper()


def unescape(literal: str) -> str:
    """The value of a `'…'` or `$$…$$` literal."""
    if literal.startswith("$$"):
        return literal[2:-2]

    def replace(match: re.Match[str]) -> str:
        code = match.group(1)
        if code is None:
            return "'"
        if len(code) == 5 or len(code) == 3:
            return chr(int(code[1:], 16)) if code[0] in "ux" else chr(int(code, 8))
        return _ESCAPES.get(code, code)

    return _ESCAPE.sub(replace, literal[1:-1])


def tokenize(text: str) -> list[Token]:
    """All tokens but blanks and comments.

    Raises:
        SqlError: a literal or comment is not closed, or the text is over the bounds on size and nesting.
    """
    if len(text) > MAX_TEXT:
        raise SqlError.too_complex()
    tokens: list[Token] = []
    literals = depth = 0
    for match in _LEX.finditer(text):
        kind = match.lastgroup
        if kind == "space":
            continue
        written = match.group()
        if kind in {"string", "dollars"}:
            literals += len(written)
            kind = STRING
        elif kind == "number" or written[:1] == "$":
            if len(written) > _LONGEST_NUMBER:
                raise SqlError.syntax(f"syntax error at position {match.start()}: a number of {len(written)} digits.")
        elif kind == "punctuation":
            if written in _OPENING:
                depth += 1
            elif written in _CLOSING:
                depth -= 1
            elif written in "'\"" or text.startswith("/*", match.start()):
                raise SqlError.syntax(f"syntax error at position {match.start()}: a literal or comment is not closed.")
            elif written == "\0":
                raise SqlError.syntax(f"syntax error at position {match.start()}: a NUL character.")
        elif kind == "word":
            upper = written.upper() if len(written) <= 4 else ""
            depth += (upper == "CASE") - (upper == "END")
        if depth > MAX_NESTING:
            raise SqlError.too_complex()
        tokens.append(Token(kind or PUNCTUATION, written, match.start(), match.end()))
    if len(text) - literals > MAX_STATEMENT:
        raise SqlError.too_complex()
    return tokens


def first_word(text: str) -> str:
    """The word that a text starts with, after blanks and comments, in upper case; empty where it starts otherwise.

    For the event loop: the time is linear in what stands before the word, whatever that is.
    """
    blank = _BLANK.match(text)
    word = _WORD.match(text, blank.end() if blank else 0)
    return word.group()[:_LONGEST_VERB].upper() if word else ""


class Cursor:
    """A reader over tokens for commands with a fixed grammar. Every `expect…` raises SqlError with the place of the
    surprise.
    """

    def __init__(self, text: str, tokens: list[Token] | None = None) -> None:
        self.text = text
        self.tokens = tokenize(text) if tokens is None else tokens
        self.at = 0
        self._placeholders: list[int] | None = None

    def peek(self, ahead: int = 0) -> Token | None:
        at = self.at + ahead
        return self.tokens[at] if at < len(self.tokens) else None

    @property
    def done(self) -> bool:
        return self.at >= len(self.tokens)

    def next(self) -> Token:
        token = self.peek()
        if token is None:
            raise SqlError.syntax(f"syntax error at position {len(self.text)} unexpected '<EOF>'.")
        self.at += 1
        return token

    def rest(self) -> str:
        """The text from the next token on, as written."""
        token = self.peek()
        return "" if token is None else self.text[token.start :]

    def placeholders(self) -> int:
        """How many `?` there are before the next token."""
        if self._placeholders is None:
            self._placeholders = [
                number for number, token in enumerate(self.tokens) if token.kind == PUNCTUATION and token.text == "?"
            ]
        return bisect_left(self._placeholders, self.at)

    def looking_at(self, *words: str) -> bool:
        """The next tokens are these keywords or punctuation marks."""
        for ahead, word in enumerate(words):
            token = self.peek(ahead)
            if token is None or token.kind not in {WORD, PUNCTUATION} or token.upper != word:
                return False
        return True

    def accept(self, *words: str) -> bool:
        """Take these keywords, if all of them come next."""
        if not self.looking_at(*words):
            return False
        self.at += len(words)
        return True

    def expect(self, *words: str) -> None:
        for word in words:
            if not self.accept(word):
                raise self.surprise(f"expected '{word}'")

    def expect_end(self) -> None:
        self.accept(";")
        if not self.done:
            raise self.surprise()

    def surprise(self, wanted: str = "") -> SqlError:
        token = self.peek()
        found = "<EOF>" if token is None else token.text[:80]
        at = len(self.text) if token is None else token.start
        line = self.text.count("\n", 0, at) + 1
        column = at - (self.text.rfind("\n", 0, at) + 1)
        suffix = f" ({wanted})" if wanted else ""
        return SqlError.syntax(f"syntax error line {line} at position {column} unexpected '{found}'{suffix}.")

    def word(self) -> str:
        """A bare keyword, in upper case."""
        token = self.peek()
        if token is None or token.kind != WORD:
            raise self.surprise("expected a word")
        self.at += 1
        return token.upper

    def string(self) -> str:
        token = self.peek()
        if token is None or token.kind != STRING:
            raise self.surprise("expected a string")
        self.at += 1
        return token.value()

    def part(self) -> str:
        """One identifier, folded."""
        token = self.peek()
        if token is None or token.kind not in {WORD, QUOTED}:
            raise self.surprise("expected a name")
        self.at += 1
        return token.value()

    def group(self) -> list[Token]:
        """The tokens between the bracket that comes next and the one that closes it."""
        if not (self.looking_at("(") or self.looking_at("[") or self.looking_at("{")):
            raise self.surprise("expected '('")
        start, depth = self.at + 1, 0
        while True:
            token = self.next()
            if token.kind == PUNCTUATION:
                depth += (token.text in _OPENING) - (token.text in _CLOSING)
            if not depth:
                return self.tokens[start : self.at - 1]


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


_AFTER_TRANSACTION: Final = frozenset({"", ";", "TRANSACTION", "WORK", "NAME"})
_STARTS: Final = frozenset({";", "BEGIN", "THEN", "ELSE", "DO", "LOOP", "REPEAT"})


class _Blocks:
    """How many blocks are open. DECLARE opens one until its BEGIN; IF, CASE, FOR, WHILE, LOOP, REPEAT end with `END …`.

    One look at each word: what was before it is remembered, never looked for.
    """

    def __init__(self, tokens: list[Token]) -> None:
        self._tokens = tokens
        self.open = 0
        self._declared = False  # since the last BEGIN or END
        self._in_script = False

    def step(self, at: int, *, first: bool) -> None:
        """The next word."""
        word = self._tokens[at].upper
        self.open += self._opened(word, at, first)
        if word == "DECLARE":
            self._declared = True
        elif word in {"BEGIN", "END"}:
            self._declared = False
        self._in_script = self._in_script or word == "BEGIN"

    def _opened(self, word: str, at: int, first: bool) -> int:
        before = self._tokens[at - 1].upper if at else ""
        after = self._tokens[at + 1].upper if at + 1 < len(self._tokens) else ""
        if word == "DECLARE" and first:
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
                word not in {"LOOP", "REPEAT"} or before in {";", "BEGIN", "THEN", "ELSE", "DO"}
            )
            return 1 if opens and before in _STARTS else 0
        return 0

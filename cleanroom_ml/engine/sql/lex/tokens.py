"""Snowflake's lexical rules, in one place: whoever reads a statement reads these tokens.

The splitter and the readers of commands take them as they are, sqlglot's parser as `for_parser` gives them. sqlglot's
own tokenizer is not used beside it: it has comments that Snowflake has not (`{# … #}`), glues a placeholder to what
follows (`?::`, `??`), and reads to the end whatever it is given, at 3 microseconds a token. This one gives up at the
bounds, and long lists of literals never become tokens of the parser (`lists`).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final, NamedTuple

from cleanroom_ml.engine.sql.errors import SqlError
from cleanroom_ml.engine.sql.lex.literals import unescape

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
      | (?P<space>\s++|--[^\n]*+|//[^\n]*+|/\*.*?\*/)
      | (?P<string>'(?:[^'\\]|''|\\.)*+')
      | (?P<dollars>\$\$.*?\$\$)
      | (?P<quoted>"(?:[^"]|"")*+")
      | (?P<number>(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?)
      | (?P<word>[^\W\d][\w$]*)
      | (?P<stage>@[\w$%~./=:+\-]*+(?>(?:"(?:[^"]|"")*+"[\w$%~./=:+\-]*+)*))
      | (?P<punctuation>::|:=|=>|->>|->|\|\||<=>|<=|>=|<>|!=|==|&&|~~\*|~~|\$\d+|\$[^\W\d][\w$]*|.)
    """,
    re.VERBOSE | re.DOTALL,
)
_LONGEST_VERB: Final = 32
_LONGEST_NUMBER: Final = 1_000
"""Python makes no whole number of more than 4,300 digits from a text (sys.set_int_max_str_digits)."""
OPENING: Final = frozenset("([{")
CLOSING: Final = frozenset(")]}")


class Token(NamedTuple):
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


def is_variable(token: Token) -> bool:
    """Whether it is a session variable, `$name`; `$1` is a column of a staged file."""
    return token.kind == PUNCTUATION and len(token.text) > 1 and token.text[0] == "$" and not token.text[1].isdigit()


def tokenize(text: str) -> list[Token]:
    """All tokens but blanks and comments.

    Raises:
        SqlError: a literal or comment is not closed, or the text is over the bounds on size and nesting.
    """
    return list(scan(text))


def scan(text: str) -> Iterator[Token]:
    """`tokenize`, a token at a time: the time is linear in what was read so far, whatever that is.

    Raises:
        SqlError: as `tokenize`, once it comes to that.
    """
    if len(text) > MAX_TEXT:
        raise SqlError.too_complex()
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
            if written == "$" and text.startswith("$$", match.start()):
                raise _not_closed(match.start())
        elif kind == "punctuation":
            if written in OPENING:
                depth += 1
            elif written in CLOSING:
                depth -= 1
            elif written in "'\"" or text.startswith("/*", match.start()):
                raise _not_closed(match.start())
            elif written == "\0":
                raise SqlError.syntax(f"syntax error at position {match.start()}: a NUL character.")
        elif kind == "word":
            upper = written.upper() if len(written) <= 4 else ""
            depth += (upper == "CASE") - (upper == "END")
        if depth > MAX_NESTING or match.end() - literals > MAX_STATEMENT:
            raise SqlError.too_complex()
        yield Token(kind or PUNCTUATION, written, match.start(), match.end())
    if len(text) - literals > MAX_STATEMENT:
        raise SqlError.too_complex()


def first_word(text: str) -> str:
    """The word that a text starts with, after blanks and comments, in upper case; empty where it starts otherwise.

    For the event loop: no more of the text is read than that.
    """
    match = _LEX.match(text)
    while match is not None and match.lastgroup == "space":
        match = _LEX.match(text, match.end())
    return match.group()[:_LONGEST_VERB].upper() if match is not None and match.lastgroup == "word" else ""


def _not_closed(at: int) -> SqlError:
    return SqlError.syntax(f"syntax error at position {at}: a literal or comment is not closed.")

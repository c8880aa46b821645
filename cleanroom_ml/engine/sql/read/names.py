"""Names and stage references in commands: identifiers, IDENTIFIER(…), `@stage/path` bare or in quotes."""

from __future__ import annotations

import re

from cleanroom_ml.engine.sql.binds import Binds, Option, Value
from cleanroom_ml.engine.sql.catalog import StageReference
from cleanroom_ml.engine.sql.errors import SqlError
from cleanroom_ml.engine.sql.lex.cursor import Cursor
from cleanroom_ml.engine.sql.lex.tokens import PUNCTUATION, QUOTED, STAGE, STRING, WORD, is_variable
from cleanroom_ml.engine.sql.numbers import number_of
from cleanroom_ml.naming import split_name

_STAGE = re.compile(
    r"""@(~|%?(?:"(?:[^"]|"")++"|[\w$]++)(?:\.%?(?:"(?:[^"]|"")++"|[\w$]++)){0,2})(?:/(.*))?\Z""", re.DOTALL
)
PUBLIC = "PUBLIC"
"""The schema that is meant by `database..name` (sql-reference/name-resolution)."""
_IN_PUBLIC = re.compile(r"""("(?:[^"]|"")*+"|[^".]++)\.\.""")
OF_A_TABLE = "%"
"""What the last part of a table's own stage starts with (`@db.schema.%t`); no other stage's name does."""


_TABLES = re.compile(r"""(?:(?:"(?:[^"%]|"")++"|[\w$]++)\.){0,2}%(?:"(?:[^"]|"")++"|[\w$]++)""")


def folded(text: str, most: int = 3) -> tuple[str, ...]:
    """The folded parts of a dotted name.

    Raises:
        SqlError: it is no name of 1 to `most` parts.
    """
    written = text.strip()
    first = _IN_PUBLIC.match(written)
    try:
        parts = split_name(written if first is None else f"{first[1]}.{PUBLIC}.{written[first.end() :]}")
    except ValueError as error:
        raise SqlError.syntax(f"Invalid identifier {text[:100]}") from error
    if len(parts) > most:
        raise SqlError.syntax(f"Invalid identifier {text[:100]}")
    return parts


def stage_reference(text: str) -> StageReference:
    """`@db.schema.stage/path` → its parts; of `@db.schema.%t`, the stage of a table, the last one with its `%`. Raises
    SqlError.
    """
    match = _STAGE.match(text.strip())
    if match is None and "://" in text:
        raise SqlError.unsupported("a location outside of stages: PUT the files into one")
    if match is None:
        raise SqlError.syntax(f"Invalid stage reference {text[:100]}")
    name, path = match.groups()
    of_a_table = name.count(OF_A_TABLE) == 1 and _TABLES.fullmatch(name) is not None
    parts = ("~",) if name == "~" else folded(name.replace(OF_A_TABLE, "", 1) if of_a_table else name)
    if not of_a_table and any(part.startswith(OF_A_TABLE) for part in parts):
        raise SqlError.unsupported("a stage whose name starts with %")
    if of_a_table:
        parts = (*parts[:-1], f"{OF_A_TABLE}{parts[-1]}")
    steps = (path or "").split("/")
    if ".." in steps or "\0" in text:
        raise SqlError.syntax(f"Invalid stage path {text[:100]}")
    return StageReference(
        parts,
        "/".join(step for step in steps if step not in {"", "."}) + _slash(path),
    )


def _slash(path: str | None) -> str:
    return "/" if path and path.endswith("/") and path.strip("/") else ""


class QuotedWord(str):
    """An option's value that stood in double quotes, with them."""

    __slots__ = ()

    def inside(self) -> str:
        """What stood in the quotes."""
        return self[1:-1].replace('""', '"')


class NameReader:
    """Reads names, stages, and `KEY = value` options at a cursor; placeholders and `$variables` take their value from
    `binds`.
    """

    def __init__(self, cursor: Cursor, binds: Binds) -> None:
        self.cursor = cursor
        self.binds = binds

    def name(self, most: int = 3) -> tuple[str, ...]:
        """A dotted name, or IDENTIFIER('…' | ? | :b | $v)."""
        cursor = self.cursor
        if cursor.accept("IDENTIFIER", "("):
            text = self.text()
            cursor.expect(")")
            return folded(text, most)
        parts = [cursor.part()]
        while cursor.accept("."):
            in_public = len(parts) == 1 and cursor.looking_at(".")
            parts.append(PUBLIC if in_public else cursor.part())
        if len(parts) > most:
            raise SqlError.syntax(f"Invalid identifier {'.'.join(parts)[:100]}")
        return tuple(parts)

    def text(self) -> str:
        """A string literal, or a placeholder or session variable that is text."""
        cursor = self.cursor
        token = cursor.peek()
        if token is not None and token.kind == STRING:
            return cursor.string()
        value = self._bound()
        if not isinstance(value, str):
            raise cursor.surprise("expected text")
        return value

    def _bound(self) -> Value:
        cursor = self.cursor
        if cursor.accept("?"):
            return self.binds.value(str(cursor.placeholders()))
        if cursor.accept(":"):
            return self.binds.value(cursor.next().text)
        name = cursor.variable()
        if name is not None:
            return self.binds.variable(name)
        raise cursor.surprise("expected text")

    def stage(self) -> StageReference:
        """`@stage/path`, `'@stage/path'`, or a placeholder bound to one."""
        token = self.cursor.peek()
        if token is not None and token.kind == STAGE:
            self.cursor.next()
            return stage_reference(token.text)
        return stage_reference(self.text())

    def options(self, assign: str = "=") -> dict[str, Option]:
        """`KEY = value KEY = (K = v …) …` up to what is no option; commas between them are taken."""
        options: dict[str, Option] = {}
        while True:
            self.cursor.accept(",")
            token, after = self.cursor.peek(), self.cursor.peek(1)
            if token is None or token.kind not in {WORD, QUOTED} or after is None or after.text != assign:
                return options
            key = token.upper if token.kind == WORD else token.value().upper()
            self.cursor.at += 2
            options[key] = self.option_value(assign)

    def option_value(self, assign: str = "=") -> Option:
        """A string, number, TRUE/FALSE/NULL, a bare word (upper case), `(K = v …)` as a dict, `(a, b)` as a tuple."""
        cursor = self.cursor
        token = cursor.peek()
        if token is None:
            raise cursor.surprise()
        if token.kind == PUNCTUATION and (token.text in {"?", ":"} or is_variable(token)):
            return self._bound()
        if cursor.accept("("):
            if cursor.accept(")"):
                return ()
            after = cursor.peek(1)
            if after is not None and after.text == assign:
                value: Option = self.options(assign)
            else:
                items = [self.option_value(assign)]
                while cursor.accept(","):
                    items.append(self.option_value(assign))
                value = tuple(items)
            cursor.expect(")")
            return value
        negative = cursor.accept("-")
        token = cursor.next()
        if token.kind == STRING:
            return token.value()
        if token.kind == "number":
            number = number_of(token.text)
            return -number if negative else number
        if token.kind == WORD:
            return self._word_value(token.value())
        if token.kind == QUOTED:
            word = self._word_value(token.text)
            return QuotedWord(token.text) if word == token.text else word
        cursor.at -= 1
        raise cursor.surprise("expected a value")

    def _word_value(self, word: str) -> Value:
        if word in {"TRUE", "FALSE"}:
            return word == "TRUE"
        if word == "NULL":
            return None
        while self.cursor.accept("."):
            word += "." + self.cursor.next().text
        return word

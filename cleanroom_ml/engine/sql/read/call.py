"""CALL statements: a procedure's name and its arguments as values."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from cleanroom_ml.engine.contracts.json_nesting import is_too_deep
from cleanroom_ml.engine.sql.binds import NO_BINDS, Binds, Value
from cleanroom_ml.engine.sql.errors import SqlError
from cleanroom_ml.engine.sql.lex.cursor import Cursor
from cleanroom_ml.engine.sql.lex.tokens import NUMBER, OPENING, PUNCTUATION, QUOTED, STRING, WORD, Token
from cleanroom_ml.engine.sql.numbers import MAX_DIGITS, number_of
from cleanroom_ml.engine.sql.read.form import Form
from cleanroom_ml.engine.sql.read.names import NameReader
from cleanroom_ml.engine.sql.read.source import Source
from cleanroom_ml.engine.sql.read.statement import Name, Statement

_WORDS: dict[str, Value] = {"NULL": None, "TRUE": True, "FALSE": False}
_CASTS = frozenset(
    {
        "VARCHAR",
        "STRING",
        "TEXT",
        "VARIANT",
        "ARRAY",
        "OBJECT",
        "NUMBER",
        "INT",
        "INTEGER",
        "FLOAT",
        "DOUBLE",
        "BOOLEAN",
    }
)


@dataclass(frozen=True, slots=True)
class Computed:
    """An argument that only a query can say: the expression as it was written, and why it is no value of its own."""

    text: str
    why: SqlError


Argument = Value | Computed


@dataclass(frozen=True, slots=True)
class Call(Statement):
    """CALL name(args): values, and expressions that are still to be computed."""

    name: Name
    given: tuple[Argument, ...]
    given_by_name: Mapping[str, Argument] = field(default_factory=dict)

    @property
    def args(self) -> tuple[Value, ...]:
        """The values of all arguments by position. Raises SqlError: one is an expression."""
        return tuple(_value(each) for each in self.given)

    @property
    def named(self) -> Mapping[str, Value]:
        """Those by name. Raises SqlError: one is an expression."""
        return {name: _value(each) for name, each in self.given_by_name.items()}


def _value(argument: Argument) -> Value:
    if isinstance(argument, Computed):
        raise argument.why
    return argument


def parse_call(text: str, binds: Binds = NO_BINDS) -> Call:
    """The CALL that `text` is. Arguments are literals (strings, `$$…$$`, numbers, TRUE, FALSE, NULL, `[…]`, `{…}`),
    bound values,
    ARRAY_CONSTRUCT, OBJECT_CONSTRUCT, PARSE_JSON and TO_JSON of these, each with casts. What would have to be computed
    is `Computed`.

    Raises:
        SqlError: it is no CALL, or has another kind of argument.
    """
    cursor = Cursor(text)
    cursor.expect("CALL")
    name = NameReader(cursor, binds).name()
    cursor.expect("(")
    reader = _Values(cursor, binds)
    args: list[Argument] = []
    named: dict[str, Argument] = {}
    while not cursor.accept(")"):
        if args or named:
            cursor.expect(",")
        after = cursor.peek(1)
        if after is not None and after.text == "=>":
            key = cursor.part()
            cursor.expect("=>")
            named[key] = reader.argument()
        elif named:
            raise cursor.surprise("an argument by position after one by name")
        else:
            args.append(reader.argument())
    cursor.expect_end()
    return Call(name, tuple(args), named)


class _Values:
    def __init__(self, cursor: Cursor, binds: Binds) -> None:
        self.cursor = cursor
        self.binds = binds

    def argument(self) -> Argument:
        """A value, or what is not one by itself: up to the comma or the parenthesis that ends it."""
        cursor, at = self.cursor, self.cursor.at
        try:
            value = self.value()
            if cursor.looking_at(",") or cursor.looking_at(")"):
                return value
            why = cursor.surprise("expected ','")
        except SqlError as error:
            why = error
        cursor.at = at
        tokens = self._rest_of_argument()
        if not tokens or cursor.done or any(token.kind == PUNCTUATION and token.text == "?" for token in tokens):
            raise why
        return Computed(cursor.text[tokens[0].start : tokens[-1].end], why)

    def _rest_of_argument(self) -> list[Token]:
        cursor, start = self.cursor, self.cursor.at
        while not (cursor.done or cursor.looking_at(",") or cursor.looking_at(")")):
            if any(cursor.looking_at(opening) for opening in OPENING):
                cursor.group()
            else:
                cursor.next()
        return cursor.tokens[start : cursor.at]

    def value(self) -> Value:
        value = self._plain()
        while self.cursor.accept("::"):
            value = self._cast(value)
        return value

    def _plain(self) -> Value:
        cursor = self.cursor
        token = cursor.peek()
        if token is None:
            raise cursor.surprise()
        if token.kind == STRING:
            return cursor.string()
        if cursor.accept("-"):
            number = self._plain()
            if isinstance(number, bool) or not isinstance(number, int | float):
                raise cursor.surprise()
            return -number
        if token.kind == NUMBER:
            cursor.next()
            return number_of(token.text)
        if token.kind == WORD:
            return self._word()
        if token.kind == QUOTED:
            raise SqlError.unsupported("an expression as an argument of CALL")
        if cursor.accept("["):
            return self._list("]")
        if cursor.accept("{"):
            return self._object()
        return self._placeholder()

    def _placeholder(self) -> Value:
        if self.cursor.accept("?"):
            return self.binds.value(str(self.cursor.placeholders()))
        if self.cursor.accept(":"):
            return self.binds.value(self.cursor.next().text)
        name = self.cursor.variable()
        if name is not None:
            return self.binds.variable(name)
        raise self.cursor.surprise()

    def _word(self) -> Value:
        cursor = self.cursor
        word = cursor.word()
        if word in _WORDS and not cursor.looking_at("("):
            return _WORDS[word]
        if word == "CAST" and cursor.accept("("):
            value = self.value()
            cursor.expect("AS")
            value = self._cast(value)
            cursor.expect(")")
            return value
        if not cursor.accept("("):
            raise SqlError.unsupported("an expression as an argument of CALL")
        arguments = self._list(")")
        if word == "ARRAY_CONSTRUCT":
            return arguments
        if (
            word == "OBJECT_CONSTRUCT"
            and len(arguments) % 2 == 0
            and all(isinstance(key, str) for key in arguments[::2])
        ):
            pairs = zip(arguments[::2], arguments[1::2], strict=True)
            return {str(key): value for key, value in pairs if value is not None}
        if word == "PARSE_JSON" and len(arguments) == 1 and isinstance(arguments[0], str):
            return _parsed(arguments[0])
        if word == "TO_JSON" and len(arguments) == 1:
            return json.dumps(arguments[0], separators=(",", ":"))
        if word in {"TO_VARIANT", "TO_VARCHAR", "TO_ARRAY", "TO_OBJECT"} and len(arguments) == 1:
            return _text(arguments[0]) if word == "TO_VARCHAR" and arguments[0] is not None else arguments[0]
        raise SqlError.unsupported(f"{word}(…) as an argument of CALL")

    def _list(self, closing: str) -> list[Value]:
        values: list[Value] = []
        while not self.cursor.accept(closing):
            if values:
                self.cursor.expect(",")
            values.append(self.value())
        return values

    def _object(self) -> dict[str, Value]:
        values: dict[str, Value] = {}
        while not self.cursor.accept("}"):
            if values:
                self.cursor.expect(",")
            key = self.cursor.string()
            self.cursor.expect(":")
            values[key] = self.value()
        return values

    def _cast(self, value: Value) -> Value:
        name = self.cursor.word()
        if name not in _CASTS:
            raise SqlError.unsupported(f"a cast to {name} as an argument of CALL")
        if self.cursor.looking_at("("):
            self.cursor.group()
        if value is None or name in {"VARIANT", "ARRAY", "OBJECT"}:
            return value
        try:
            if name in {"VARCHAR", "STRING", "TEXT"}:
                return _text(value)
            if name in {"FLOAT", "DOUBLE"}:
                return float(value)  # type: ignore[arg-type]
            if name == "BOOLEAN":
                return value if isinstance(value, bool) else {"TRUE": True, "FALSE": False}[str(value).upper()]
            number = int(value)  # type: ignore[arg-type]
            if abs(number) >= 10**MAX_DIGITS:
                raise ValueError("no NUMBER holds it")
            return number
        except (ValueError, TypeError, KeyError, OverflowError) as error:
            raise SqlError.bad_value(f"An argument of CALL cannot be cast to {name}.") from error


def _text(value: Value) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list | dict):
        return json.dumps(value, separators=(",", ":"))
    return str(value)


def _parsed(text: str) -> Value:
    if is_too_deep(text):
        raise SqlError.too_deep()
    try:
        parsed: Value = json.loads(text)
        return parsed
    except ValueError as error:
        raise SqlError.bad_value("Error parsing JSON in an argument of CALL.") from error


def _call(source: Source) -> Statement:
    return parse_call(source.whole, source.binds)


FORMS: Final = (Form(("CALL",), _call),)

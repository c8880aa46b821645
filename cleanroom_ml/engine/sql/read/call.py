"""CALL statements: a procedure's name and its arguments as values."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Final

from cleanroom_ml.engine.contracts.json_nesting import is_too_deep
from cleanroom_ml.engine.sql.binds import NO_BINDS, Binds, Value, Variant
from cleanroom_ml.engine.sql.errors import SqlError
from cleanroom_ml.engine.sql.lex.cursor import Cursor
from cleanroom_ml.engine.sql.lex.tokens import NUMBER, OPENING, PUNCTUATION, QUOTED, STRING, WORD, Token
from cleanroom_ml.engine.sql.numbers import MAX_DIGITS, exact_number, number_of
from cleanroom_ml.engine.sql.read.form import Form
from cleanroom_ml.engine.sql.read.names import NameReader
from cleanroom_ml.engine.sql.read.source import Source
from cleanroom_ml.engine.sql.read.statement import Name, Statement
from cleanroom_ml.engine.sql.values import json_text

_WORDS: dict[str, Value] = {"NULL": None, "TRUE": True, "FALSE": False}
_TEXTS: Final = frozenset({"VARCHAR", "STRING", "TEXT"})
_NUMBERS: Final = frozenset({"NUMBER", "INT", "INTEGER"})
_FLOATS: Final = frozenset({"FLOAT", "DOUBLE"})
_DOCUMENTS: Final[Mapping[str, tuple[type, ...]]] = {"VARIANT": (list, dict), "ARRAY": (list,), "OBJECT": (dict,)}


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
        if not tokens or cursor.done:
            raise why
        return Computed(self._numbered(at, tokens), why)

    def _numbered(self, at: int, tokens: list[Token]) -> str:
        """The text of some tokens, by itself: `?` is the number that it has in the whole statement."""
        cursor = self.cursor
        end, cursor.at = cursor.at, at
        number = cursor.placeholders()
        cursor.at = end
        pieces, last = [], tokens[0].start
        for token in tokens:
            if token.kind == PUNCTUATION and token.text == "?":
                number += 1
                pieces += [cursor.text[last : token.start], f":{number}"]
                last = token.end
        return "".join([*pieces, cursor.text[last : tokens[-1].end]])

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
            if isinstance(number, bool) or not isinstance(number, int | float | Decimal):
                raise cursor.surprise()
            return number.copy_negate() if isinstance(number, Decimal) else -number
        if token.kind == NUMBER:
            cursor.next()
            return _number(token.text)
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
            pairs = zip(map(str, arguments[::2]), arguments[1::2], strict=True)
            return _object_of([(key, value) for key, value in pairs if value is not None])
        if word == "PARSE_JSON" and len(arguments) == 1 and isinstance(arguments[0], str):
            return _parsed(arguments[0])
        if word == "TO_JSON" and len(arguments) == 1:
            return _json(arguments[0])
        if word == "TO_VARCHAR" and len(arguments) == 1:
            return None if arguments[0] is None else _text(arguments[0])
        kinds = _DOCUMENTS.get(word.removeprefix("TO_")) if word.startswith("TO_") else None
        if kinds is not None and len(arguments) == 1 and isinstance(arguments[0], (type(None), *kinds)):
            return arguments[0]
        raise SqlError.unsupported(f"{word}(…) as an argument of CALL")

    def _list(self, closing: str) -> list[Value]:
        values: list[Value] = []
        while not self.cursor.accept(closing):
            if values:
                self.cursor.expect(",")
            values.append(_member(self.value()))
        return values

    def _object(self) -> dict[str, Value]:
        pairs: list[tuple[str, Value]] = []
        while not self.cursor.accept("}"):
            if pairs:
                self.cursor.expect(",")
            key = self.cursor.string()
            self.cursor.expect(":")
            pairs.append((key, _member(self.value())))
        return _object_of(pairs)

    def _cast(self, value: Value) -> Value:
        """A value that is one of that type as it is. Raises SqlError: it would have to become one."""
        name = self.cursor.word()
        if self.cursor.looking_at("("):
            self.cursor.group()
        elif _is_one(value, name):
            return value
        elif name in _TEXTS:
            return _text(value)
        if value is None and (name in _DOCUMENTS or name in _TEXTS | _NUMBERS | _FLOATS | {"BOOLEAN"}):
            return None
        raise SqlError.unsupported(f"a cast to {name} as an argument of CALL")


def plain(value: Value) -> Value:
    """An argument as the engine's own procedures take it: a number with a point is a float, and a VARIANT what JSON
    says.
    """
    match value:
        case Decimal():
            return float(value)
        case Variant():
            found: Value = json_text.in_python(json_text.read(value))
            return found
        case _:
            return value


def _is_one(value: Value, name: str) -> bool:
    """Whether a cast to a type without a size changes nothing of a value."""
    match value:
        case None | Variant():
            return False
        case bool():
            return name == "BOOLEAN"
        case int():
            return name in _NUMBERS and abs(value) < 10**MAX_DIGITS
        case float():
            return name in _FLOATS
        case str():
            return name in _TEXTS
        case _:
            return isinstance(value, _DOCUMENTS.get(name, ()))


def _number(text: str) -> Value:
    """A number as it is written: exact where it has a point and no exponent. Raises SqlError: no NUMBER holds it."""
    if "." not in text or "e" in text.lower():
        return number_of(text)
    exact = exact_number(text)
    if exact is None or len(exact.as_tuple().digits) > MAX_DIGITS:
        raise SqlError.unsupported("a number of this many digits as an argument of CALL")
    return exact


class _Exact(float):
    """A NUMBER inside of a document: it was written with a point and without an exponent, and is no FLOAT."""


def _member(value: Value) -> Value:
    """A value inside of a document that Python's JSON is made of. Raises SqlError: a query has to say what it is."""
    match value:
        case Decimal() if "e" not in repr(float(value)) and Decimal(repr(float(value))) == value:
            return _Exact(value)
        case Variant() | Decimal():
            pass
        case None | bool() | int() | float() | str() | list() | dict():
            return value
    raise SqlError.unsupported("this value in a document as an argument of CALL")


def _text(value: Value) -> str:
    """A value as VARCHAR, where that is no matter of its type. Raises SqlError: it is."""
    match value:
        case bool():
            return "true" if value else "false"
        case int():
            return str(value)
        case str() if not isinstance(value, Variant):
            return value
        case Decimal():
            return format(value if value else abs(value), "f")
        case list() | dict():
            return _json(value)
        case _:
            raise SqlError.unsupported("this value as a text in an argument of CALL")


def _json(value: Value) -> str:
    """The text of a document, as a query writes it."""
    return json_text.shown(_as_written(value), indent=None)


def _as_written(value: Value) -> object:
    """A value of a document as one of a VARIANT, where a NUMBER is exact and a FLOAT is marked as one."""
    match value:
        case list():
            return [_as_written(each) for each in value]
        case dict():
            return {key: _as_written(each) for key, each in value.items()}
        case _Exact():
            return Decimal(repr(value))
        case float():
            return json_text.double(value)
        case _:
            return value


def _parsed(text: str) -> Value:
    """What PARSE_JSON makes of a text that says it plainly. Raises SqlError: a query says what it means."""
    if is_too_deep(text):
        raise SqlError.too_deep()
    try:
        parsed: Value = json.loads(
            text,
            parse_float=lambda number: _member(_number(number)),
            parse_constant=_no_json,
            object_pairs_hook=_object_of,
        )
        return parsed
    except ValueError as error:
        raise SqlError.bad_value("Error parsing JSON in an argument of CALL.") from error


def _no_json(text: str) -> Value:
    raise ValueError(text)


def _object_of(pairs: list[tuple[str, Value]]) -> dict[str, Value]:
    """Raises SqlError: a key is there twice."""
    found = dict(pairs)
    if len(found) != len(pairs):
        raise SqlError.unsupported("a key twice in an object as an argument of CALL")
    return found


def _call(source: Source) -> Statement:
    return parse_call(source.whole, source.binds)


FORMS: Final = (Form(("CALL",), _call),)

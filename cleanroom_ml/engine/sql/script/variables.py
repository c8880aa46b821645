"""What a running block knows by name, and how it gets into an expression: bound, never as text."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from cleanroom_ml.engine.sql.binds import Value, Variant
from cleanroom_ml.engine.sql.errors import SqlError
from cleanroom_ml.engine.sql.lex.tokens import PUNCTUATION, QUOTED, WORD, Token
from cleanroom_ml.engine.sql.script.nodes import Tokens
from cleanroom_ml.engine.sql.types.kind import TEXT
from cleanroom_ml.engine.sql.types.sql_type import SqlType, parse_type
from cleanroom_ml.engine.sql.values import json_text


@dataclass(slots=True)
class Variable:
    """A variable: its value, what is known of that one's type, and the type that it was declared with, as written."""

    value: Value = None
    type: SqlType | None = None
    declared: str | None = None


def is_one(value: Value, declared: SqlType) -> bool:
    """Whether a value is one of a type as it is, without being cast."""
    match value:
        case None:
            return True
        case bool():
            return declared.record.python == "bool"
        case int():
            return declared.is_whole and declared.precision == 38
        case float():
            return declared.record.python == "float"
        case Variant():
            return declared.record.python == "any"
        case str():
            return declared.kind == TEXT and declared.length is None
        case _:
            return False


def is_declared(value: Value, found: SqlType | None, declared: str | None) -> bool:
    """Whether a value, of the type that a statement gave it, is one of the type that its variable was declared with."""
    if declared is None:
        return True
    try:
        wanted = parse_type(declared)
    except ValueError:
        return False
    return found == wanted or is_one(value, wanted)


@dataclass(slots=True)
class Row:
    """A row of a FOR over a result: its columns are read as `row.column`."""

    columns: tuple[str, ...]
    values: tuple[Value, ...]

    def get(self, name: str) -> Value:
        """A column's value, by its name or, where none is called so, whatever its case. Raises SqlError."""
        for names in (self.columns, tuple(column.upper() for column in self.columns)):
            if name in names:
                return self.values[names.index(name)]
        raise SqlError.invalid_identifier(name)


@dataclass(slots=True)
class Cursor:
    """A cursor: what it reads, and while it is open the rows and how many were fetched."""

    query: Tokens
    columns: tuple[str, ...] = ()
    types: tuple[SqlType, ...] = ()
    rows: Sequence[tuple[Value, ...]] | None = None
    at: int = 0


@dataclass(slots=True)
class Results:
    """A RESULTSET: what the runner gave for it; None: nothing yet."""

    found: object = None


@dataclass(frozen=True, slots=True)
class Exceptional:
    """An exception that may be raised."""

    number: int
    message: str


Thing = Variable | Row | Cursor | Results | Exceptional


@dataclass(slots=True)
class Names:
    """The names of a block, those of the blocks around it behind them."""

    scopes: list[dict[str, Thing]] = field(default_factory=lambda: [{}])

    def find(self, name: str) -> Thing | None:
        """What the innermost block that knows it means by a name."""
        for scope in reversed(self.scopes):
            if name in scope:
                return scope[name]
        return None

    def put(self, name: str, thing: Thing) -> None:
        """Declares a name in the innermost block."""
        self.scopes[-1][name] = thing

    def values(self) -> dict[str, Value]:
        """All variables, to be bound as `:NAME`."""
        found: dict[str, Value] = {}
        for scope in self.scopes:
            found.update({name: each.value for name, each in scope.items() if isinstance(each, Variable)})
        return found


def bound(
    text: str, tokens: Tokens, names: Names, using: Sequence[Value] = (), *, bare: bool
) -> tuple[str, Mapping[str, Value]]:
    """The text of some tokens, and what is bound in it.

    `:name` is a variable, `row.column` a column of a FOR's row and, where `bare`, `name` a variable as well, as it is
    in expressions; `?` takes the next value of `using`. What is bound has names that no token of a client's has.
    """
    pieces: list[str] = []
    extra: dict[str, Value] = {}

    def bind(value: Value) -> None:
        name = f"_BOUND_{len(extra) + 1}"
        extra[name] = value
        pieces.append(f":{name}")

    last = tokens[0].start
    number = asked = 0
    while number < len(tokens):
        token = tokens[number]
        gap = text[last : token.start]
        pieces.append(gap if not gap.strip() else " ")  # a comment, or what was taken out
        colon = token.text == ":" and token.kind == PUNCTUATION
        at = number + 1 if colon else number
        thing = names.find(tokens[at].value()) if at < len(tokens) and tokens[at].kind in {WORD, QUOTED} else None
        before, after = _text(tokens, number - 1), _text(tokens, at + 1)
        if isinstance(thing, Row) and after == "." and before != "." and at + 2 < len(tokens):
            bind(thing.get(tokens[at + 2].value()))
            number = at + 2
        elif isinstance(thing, Variable) and (colon or (bare and before not in {".", ":"} and after not in {"(", "."})):
            bind(thing.value)
            number = at
        elif token.text == "?" and token.kind == PUNCTUATION and asked < len(using):
            bind(using[asked])
            asked += 1
        else:
            pieces.append(token.text)
        last = tokens[number].end
        number += 1
    return "".join(pieces), extra


def plain(value: Value) -> Value:
    """What a block itself reads of a value: of a VARIANT its text."""
    return json_text.text_of(json_text.read(value)) if isinstance(value, Variant) else value


def whole(value: Value) -> int:
    """A bound of FOR: what SQL made of it may be a text, NULL or no number at all. Raises SqlError."""
    try:
        return int(plain(value))  # type: ignore[arg-type]
    except (TypeError, ValueError, OverflowError):
        raise SqlError.syntax("FOR … IN needs two whole numbers.") from None


def _text(tokens: Sequence[Token], at: int) -> str:
    return tokens[at].text if 0 <= at < len(tokens) else ""

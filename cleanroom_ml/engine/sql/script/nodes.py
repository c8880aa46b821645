"""A scripting block as a tree. Expressions and SQL statements stay tokens: the runner puts variables into them."""

from __future__ import annotations

from dataclasses import dataclass

from cleanroom_ml.engine.sql.lex.tokens import Token

Tokens = tuple[Token, ...]


@dataclass(frozen=True, slots=True)
class Node:
    """A statement or declaration of a block."""


Body = tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Variable(Node):
    """`name [type] [:= value]`; `type` as written, None: that of the value."""

    name: str
    type: str | None
    value: Tokens | None


@dataclass(frozen=True, slots=True)
class CursorOf(Node):
    """`name CURSOR FOR query`, or for the name of a RESULTSET."""

    name: str
    query: Tokens


@dataclass(frozen=True, slots=True)
class ResultSet(Node):
    """`name RESULTSET [:= (query)]`."""

    name: str
    query: Tokens | None


@dataclass(frozen=True, slots=True)
class Exceptional(Node):
    """`name EXCEPTION [(number, 'message')]`."""

    name: str
    number: int
    message: str


@dataclass(frozen=True, slots=True)
class Handler:
    """`WHEN name OR … THEN body`; OTHER is a name too."""

    names: tuple[str, ...]
    body: Body


@dataclass(frozen=True, slots=True)
class Nested(Node):
    """`[DECLARE …] BEGIN … [EXCEPTION …] END`."""

    declared: Body
    body: Body
    handlers: tuple[Handler, ...]


@dataclass(frozen=True, slots=True)
class Assign(Node):
    name: str
    value: Tokens


@dataclass(frozen=True, slots=True)
class Return(Node):
    value: Tokens | None


@dataclass(frozen=True, slots=True)
class ReturnTable(Node):
    """`RETURN TABLE(name | query)`."""

    what: Tokens


@dataclass(frozen=True, slots=True)
class Choice(Node):
    """IF and CASE: the first branch whose condition holds; with a `subject`, that is equal to it."""

    branches: tuple[tuple[Tokens, Body], ...]
    otherwise: Body
    subject: Tokens | None = None
    complete: bool = True
    """Whether no branch need hold: a CASE without an ELSE fails then."""


@dataclass(frozen=True, slots=True)
class Count(Node):
    """`FOR name IN [REVERSE] first TO last DO body`."""

    name: str
    first: Tokens
    last: Tokens
    reverse: bool
    body: Body
    label: str


@dataclass(frozen=True, slots=True)
class Each(Node):
    """`FOR name IN cursor | resultset | (query) DO body`."""

    name: str
    rows: Tokens
    body: Body
    label: str


@dataclass(frozen=True, slots=True)
class Loop(Node):
    """WHILE (`before`), REPEAT (`after`: it ends once that holds) and LOOP (neither)."""

    body: Body
    label: str
    before: Tokens | None = None
    after: Tokens | None = None


@dataclass(frozen=True, slots=True)
class Leave(Node):
    """BREAK and CONTINUE, of the loop with that label, or of the innermost one."""

    again: bool
    label: str


@dataclass(frozen=True, slots=True)
class Raise(Node):
    """`RAISE [name]`: an exception, or again the one that is being handled."""

    name: str | None
    line: int
    column: int


@dataclass(frozen=True, slots=True)
class Open(Node):
    cursor: str
    using: tuple[Tokens, ...]


@dataclass(frozen=True, slots=True)
class Fetch(Node):
    cursor: str
    into: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Close(Node):
    cursor: str


@dataclass(frozen=True, slots=True)
class Immediate(Node):
    """`EXECUTE IMMEDIATE text [USING (…)] [INTO :v …]`."""

    text: Tokens
    using: tuple[Tokens, ...]
    into: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Sql(Node):
    """A statement that is sent as it is, but for its variables; `into`: SELECT … INTO, CALL … INTO."""

    text: Tokens
    into: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Nothing(Node):
    """`NULL;`."""

"""CREATE …: what stands before the kind of object, and the kinds whose rest is `KEY = value` options."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final, TypeVar

from cleanroom_ml.engine.sql.binds import Option
from cleanroom_ml.engine.sql.errors import SqlError
from cleanroom_ml.engine.sql.read import policy_binding
from cleanroom_ml.engine.sql.read.form import Form, Modifiers
from cleanroom_ml.engine.sql.read.registry import named_next, objects
from cleanroom_ml.engine.sql.read.source import Source
from cleanroom_ml.engine.sql.read.statement import Name, Statement

Made = TypeVar("Made", bound="CreateObject")
_MODIFIERS: Final = frozenset(
    {"LOCAL", "GLOBAL", "SCOPED", "TEMP", "TEMPORARY", "VOLATILE", "TRANSIENT", "SECURE", "RECURSIVE", "AGGREGATE"}
)


@dataclass(frozen=True, slots=True)
class CreateObject(Statement):
    """Base of the CREATE … statements whose rest is `KEY = value` options (keys in upper case; values str, int, bool,
    tuple or dict).
    """

    name: Name
    or_replace: bool = False
    if_not_exists: bool = False
    temporary: bool = False
    options: Mapping[str, Option] = field(default_factory=dict)


def read_create(source: Source) -> Statement:
    """CREATE …, by the kind of object. Raises SqlError."""
    cursor = source.cursor
    cursor.expect("CREATE")
    or_replace = cursor.accept("OR", "REPLACE")
    words: set[str] = set()
    while (token := cursor.peek()) is not None and token.upper in _MODIFIERS:
        words.add(cursor.word())
    for kind in objects():
        if kind.create is not None and cursor.accept(*kind.words):
            if kind.words in policy_binding.BINDABLE:
                policy_binding.refuse(source, f"CREATE {kind.name}")
            return kind.create(source, Modifiers(or_replace, frozenset(words)))
    raise SqlError.unsupported(f"CREATE {named_next(source)}".strip())


def read_object(
    source: Source,
    made: type[Made],
    modifiers: Modifiers,
    more: Callable[[Source], Mapping[str, Option]] = lambda _: {},
) -> Made:
    """`[IF NOT EXISTS] name [WITH] KEY = value …`; `more` reads what else of the node stands behind the name."""
    cursor = source.cursor
    if_not_exists = cursor.accept("IF", "NOT", "EXISTS")
    name = source.names.name()
    if_not_exists = cursor.accept("IF", "NOT", "EXISTS") or if_not_exists
    extra = more(source)
    cursor.accept("WITH")
    if cursor.looking_at("CLONE"):
        raise SqlError.unsupported("CLONE")
    options = source.names.options()
    cursor.expect_end()
    return made(name, modifiers.or_replace, if_not_exists, modifiers.temporary, options, **extra)


FORMS: Final = (Form(("CREATE",), read_create),)

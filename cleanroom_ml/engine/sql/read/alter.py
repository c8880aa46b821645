"""ALTER …, by the kind of object, and what is suspended and resumed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from cleanroom_ml.engine.sql.binds import Option
from cleanroom_ml.engine.sql.errors import SqlError
from cleanroom_ml.engine.sql.read import policy_binding
from cleanroom_ml.engine.sql.read.form import Form
from cleanroom_ml.engine.sql.read.registry import named_next, objects
from cleanroom_ml.engine.sql.read.source import Source
from cleanroom_ml.engine.sql.read.statement import Name, Statement


@dataclass(frozen=True, slots=True)
class AlterObject(Statement):
    """ALTER WAREHOUSE | COMPUTE POOL: `action` is SUSPEND, RESUME, STOP ALL, SET or UNSET."""

    kind: str
    name: Name
    action: str
    options: Mapping[str, Option] = field(default_factory=dict)
    if_exists: bool = False


def read_alter(source: Source) -> Statement:
    """ALTER …. Raises SqlError."""
    cursor = source.cursor
    cursor.expect("ALTER")
    for kind in objects():
        if kind.alter is not None and cursor.accept(*kind.words):
            if kind.words in policy_binding.BINDABLE:
                policy_binding.refuse(source, f"ALTER {kind.name}")
            return kind.alter(source)
    raise SqlError.unsupported(f"ALTER {named_next(source)}".strip())


def read_alter_object(source: Source, kind: str) -> AlterObject:
    """`[IF EXISTS] name SUSPEND | RESUME | STOP ALL | SET …`."""
    cursor = source.cursor
    if_exists = cursor.accept("IF", "EXISTS")
    name = source.names.name()
    for words in (("SUSPEND",), ("RESUME",), ("STOP", "ALL"), ("SET",)):
        if cursor.accept(*words):
            if words == ("RESUME",):
                cursor.accept("IF", "SUSPENDED")
            options = source.names.options() if words == ("SET",) else {}
            cursor.expect_end()
            return AlterObject(kind, name, " ".join(words), options, if_exists)
    raise SqlError.unsupported(f"this ALTER {kind}")


FORMS: Final = (Form(("ALTER",), read_alter),)

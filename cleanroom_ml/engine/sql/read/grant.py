"""GRANT and REVOKE."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from cleanroom_ml.engine.sql.errors import SqlError
from cleanroom_ml.engine.sql.read.form import Form
from cleanroom_ml.engine.sql.read.registry import accept_object
from cleanroom_ml.engine.sql.read.source import Source
from cleanroom_ml.engine.sql.read.statement import Name, Statement


@dataclass(frozen=True, slots=True)
class Grant(Statement):
    """GRANT `privileges` ON `kind` `name` TO `grantee_kind` `grantee`; `revoke` for REVOKE … FROM."""

    privileges: tuple[str, ...]
    kind: str
    name: Name
    grantee_kind: str
    grantee: Name
    revoke: bool = False


def _grant(source: Source) -> Statement:
    """GRANT p, q ON kind name TO kind grantee; what is granted is the executor's to judge."""
    cursor = source.cursor
    revoke = cursor.next().upper == "REVOKE"
    privileges = [""]
    while not cursor.looking_at("ON") and not cursor.looking_at("TO"):
        word = cursor.next()
        if word.text == ",":
            privileges.append("")
        else:
            privileges[-1] = f"{privileges[-1]} {word.upper}".strip()
    if not cursor.accept("ON"):
        raise SqlError.unsupported("GRANT of roles")
    kind = accept_object(source)
    if kind is None:
        raise SqlError.unsupported("GRANT on this")
    name = source.names.name()
    cursor.expect("FROM" if revoke else "TO")
    grantee_kind = "ROLE"
    after = cursor.peek(1)
    if after is not None and after.text != ";":
        grantee_kind = cursor.word()
        if grantee_kind in {"DATABASE", "APPLICATION"} and cursor.accept("ROLE"):
            grantee_kind += " ROLE"
    grantee = source.names.name()
    if not cursor.done and cursor.accept("WITH", "GRANT", "OPTION"):
        raise SqlError.unsupported("WITH GRANT OPTION")
    cursor.expect_end()
    return Grant(tuple(privileges), kind, name, grantee_kind, grantee, revoke)


FORMS: Final = (Form(("GRANT",), _grant), Form(("REVOKE",), _grant))

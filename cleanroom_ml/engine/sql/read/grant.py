"""GRANT and REVOKE of privileges, GRANT and REVOKE of roles, SHOW GRANTS."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

from cleanroom_ml.engine.sql.errors import SqlError
from cleanroom_ml.engine.sql.read.form import Form
from cleanroom_ml.engine.sql.read.registry import accept_object, objects
from cleanroom_ml.engine.sql.read.routine import named
from cleanroom_ml.engine.sql.read.source import Source
from cleanroom_ml.engine.sql.read.statement import Name, Statement

_MOST_PRIVILEGES: Final = 50


@dataclass(frozen=True, slots=True)
class Grant(Statement):
    """GRANT `privileges` ON `kind` `name` TO `grantee_kind` `grantee`; `revoke` for REVOKE … FROM.

    Args:
        privileges: in upper case; ("ALL",) for ALL [PRIVILEGES].
        kind: of an object, or ACCOUNT, which has no name.
        every: ON ALL `kind`s IN `every` `name`: DATABASE or SCHEMA.
        future: ON FUTURE `kind`s in there, and not ALL.
        cascade: of a REVOKE, what was passed on goes too.
        option: WITH GRANT OPTION; of a REVOKE, GRANT OPTION FOR.
        current: COPY or REVOKE CURRENT GRANTS, of GRANT OWNERSHIP.
    """

    privileges: tuple[str, ...]
    kind: str
    name: Name
    grantee_kind: str
    grantee: Name
    revoke: bool = False
    every: str | None = None
    option: bool = False
    current: Literal["COPY", "REVOKE"] | None = None
    future: bool = False
    cascade: bool = False


@dataclass(frozen=True, slots=True)
class GrantRole(Statement):
    """GRANT ROLE `role` TO USER | ROLE `grantee`; `revoke` for REVOKE … FROM.

    Args:
        option: WITH GRANT OPTION; of a REVOKE, GRANT OPTION FOR.
        cascade: of a REVOKE, what was passed on goes too.
    """

    role: Name
    grantee_kind: Literal["USER", "ROLE"]
    grantee: Name
    revoke: bool = False
    option: bool = False
    cascade: bool = False


@dataclass(frozen=True, slots=True)
class ShowGrants(Statement):
    """SHOW GRANTS [`word` `kind` `name`]: ON an object or ACCOUNT, TO a ROLE, USER, SHARE or APPLICATION, OF a ROLE."""

    word: Literal["ON", "TO", "OF"] | None = None
    kind: str = ""
    name: Name = ()


def _grant(source: Source) -> Statement:
    """What is granted is the executor's to judge."""
    cursor = source.cursor
    revoke = cursor.next().upper == "REVOKE"
    before = "FROM" if revoke else "TO"
    option = revoke and cursor.accept("GRANT", "OPTION", "FOR")
    if cursor.looking_at("ROLE"):
        return _role(source, before, revoke=revoke, option=option)
    privileges = [""]
    while not cursor.looking_at("ON") and not cursor.looking_at(before):
        word = cursor.next()
        if word.text == ",":
            privileges.append("")
        else:
            privileges[-1] = f"{privileges[-1]} {word.upper}".strip()
    if len(privileges) > _MOST_PRIVILEGES:
        raise SqlError.too_complex()
    if not cursor.accept("ON"):
        raise SqlError.unsupported("GRANT of database roles and applications' roles")
    every: str | None = None
    future = False
    name: Name = ()
    if cursor.accept("ACCOUNT"):
        kind = "ACCOUNT"
    elif cursor.accept("ALL"):
        kind, every, name = _all(source)
    elif cursor.accept("FUTURE"):
        future = True
        kind, every, name = _all(source)
    else:
        found = accept_object(source)
        if found is None:
            raise SqlError.unsupported("GRANT on this")
        kind, name = found, named(source, found)
    cursor.expect(before)
    grantee_kind = _grantee_kind(source)
    grantee = source.names.name()
    option = (not revoke and cursor.accept("WITH", "GRANT", "OPTION")) or option
    current: Literal["COPY", "REVOKE"] | None = None
    if not revoke and cursor.accept("COPY", "CURRENT", "GRANTS"):
        current = "COPY"
    elif not revoke and cursor.accept("REVOKE", "CURRENT", "GRANTS"):
        current = "REVOKE"
    cascade = revoke and _cascade(source)
    cursor.expect_end()
    written = ("ALL",) if privileges in (["ALL"], ["ALL PRIVILEGES"]) else tuple(privileges)
    return Grant(written, kind, name, grantee_kind, grantee, revoke, every, option, current, future, cascade)


def _grantee_kind(source: Source) -> str:
    """ROLE where nothing stands before the name."""
    cursor = source.cursor
    ahead = cursor.peek(1)
    if ahead is None or ahead.text in {";", "."} or ahead.upper in {"WITH", "COPY", "REVOKE", "CASCADE", "RESTRICT"}:
        return "ROLE"
    if cursor.looking_at("IDENTIFIER"):
        return "ROLE"
    kind = cursor.word()
    if kind in {"DATABASE", "APPLICATION"} and cursor.accept("ROLE"):
        kind += " ROLE"
    return kind


def _all(source: Source) -> tuple[str, str, Name]:
    """`TABLES IN SCHEMA s`: the kind of object, where, and its name."""
    cursor = source.cursor
    kind = next((form.name for form in objects() if cursor.accept(*form.displayed)), None)
    if kind is None:
        raise SqlError.unsupported("GRANT on ALL of this")
    cursor.expect("IN")
    if cursor.accept("DATABASE"):
        return kind, "DATABASE", source.names.name(1)
    cursor.expect("SCHEMA")
    return kind, "SCHEMA", source.names.name(2)


def _cascade(source: Source) -> bool:
    cascade = source.cursor.accept("CASCADE")
    if not cascade:
        source.cursor.accept("RESTRICT")
    return cascade


def _role(source: Source, before: str, *, revoke: bool, option: bool) -> GrantRole:
    cursor = source.cursor
    cursor.expect("ROLE")
    role = source.names.name(1)
    cursor.expect(before)
    kind: Literal["USER", "ROLE"] = "USER" if cursor.accept("USER") else "ROLE"
    if kind == "ROLE":
        cursor.expect("ROLE")
    grantee = source.names.name(1)
    option = (not revoke and cursor.accept("WITH", "GRANT", "OPTION")) or option
    cascade = revoke and kind == "ROLE" and _cascade(source)
    cursor.expect_end()
    if option and kind == "USER":  # sql-reference/sql/grant-role, "Parameters"
        raise SqlError.unsupported("GRANT OPTION of a role that is granted to a user: grant it to a role")
    return GrantRole(role, kind, grantee, revoke, option, cascade)


def _show(source: Source) -> ShowGrants:
    cursor = source.cursor
    cursor.expect("SHOW")
    cursor.expect("GRANTS")
    if cursor.done:
        return ShowGrants()
    if cursor.accept("ON"):
        if cursor.accept("ACCOUNT"):
            cursor.expect_end()
            return ShowGrants("ON", "ACCOUNT")
        kind = accept_object(source)
        if kind is None:
            raise SqlError.unsupported("SHOW GRANTS ON this")
        name = named(source, kind)
        cursor.expect_end()
        return ShowGrants("ON", kind, name)
    if cursor.accept("OF"):
        cursor.expect("ROLE")
        name = source.names.name(1)
        cursor.expect_end()
        return ShowGrants("OF", "ROLE", name)
    cursor.expect("TO")
    kind = cursor.word()
    if kind not in {"ROLE", "USER", "SHARE", "APPLICATION"}:
        raise SqlError.unsupported(f"SHOW GRANTS TO {kind[:40]}")
    whose: Name = () if kind == "USER" and cursor.done else source.names.name(1)
    cursor.expect_end()
    return ShowGrants("TO", kind, whose)


@dataclass(frozen=True, slots=True)
class ShowFutureGrants(Statement):
    """SHOW FUTURE GRANTS IN DATABASE | SCHEMA `name`, or TO ROLE `name`: `kind` says which."""

    kind: Literal["DATABASE", "SCHEMA", "ROLE"]
    name: Name


def _show_future(source: Source) -> ShowFutureGrants:
    cursor = source.cursor
    cursor.expect("SHOW", "FUTURE", "GRANTS")
    if cursor.accept("TO"):
        cursor.expect("ROLE")
        made = ShowFutureGrants("ROLE", source.names.name(1))
    else:
        cursor.expect("IN")
        if cursor.accept("DATABASE"):
            made = ShowFutureGrants("DATABASE", source.names.name(1))
        else:
            cursor.expect("SCHEMA")
            made = ShowFutureGrants("SCHEMA", source.names.name(2))
    cursor.expect_end()
    return made


FORMS: Final = (
    Form(("GRANT",), _grant),
    Form(("REVOKE",), _grant),
    Form(("SHOW", "GRANTS"), _show),
    Form(("SHOW", "FUTURE", "GRANTS"), _show_future),
)

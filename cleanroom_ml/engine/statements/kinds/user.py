"""Users: CREATE, ALTER, DROP, DESCRIBE, SHOW (sql-reference/sql/create-user and its like).

A user is its owner's to change, and ACCOUNTADMIN's; who may become ACCOUNTADMIN is ACCOUNTADMIN's alone, or whoever
owns such a user would have all that it has. Of others than oneself one sees nothing, but for who owns or may make them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from cleanroom_ml.engine.contracts.table import Rows
from cleanroom_ml.engine.sql.binds import Option, Value
from cleanroom_ml.engine.sql.errors import SqlError
from cleanroom_ml.engine.sql.read.describe import Describe
from cleanroom_ml.engine.sql.read.drop import Drop
from cleanroom_ml.engine.sql.read.show import Show
from cleanroom_ml.engine.sql.read.user import AlterUser, CreateUser
from cleanroom_ml.engine.statements.kind import Kind, ObjectKind, Roles
from cleanroom_ml.engine.statements.listing import Listed, Listing, texts
from cleanroom_ml.engine.statements.refusals import displayed, insufficient, single, translated
from cleanroom_ml.engine.statements.replies import already_dropped, existed
from cleanroom_ml.engine.statements.results import success
from cleanroom_ml.engine.statements.work import Work
from cleanroom_ml.engine.storage.roles import ADMIN
from cleanroom_ml.engine.storage.users import User

_SECRETS: Final = frozenset({"PASSWORD", "RSA_PUBLIC_KEY"})
_KEPT: Final = frozenset(
    {"COMMENT", "DISPLAY_NAME", "FIRST_NAME", "MIDDLE_NAME", "LAST_NAME", "EMAIL"}
    | {"DEFAULT_ROLE", "DEFAULT_WAREHOUSE", "DEFAULT_NAMESPACE"}
)
_FIXED: Final[Mapping[str, object]] = {"MUST_CHANGE_PASSWORD": False, "TYPE": "PERSON"}
"""What has one meaning here may be said."""
_FOLDED: Final = frozenset({"DEFAULT_ROLE", "DEFAULT_WAREHOUSE", "DEFAULT_NAMESPACE"})
_OWN: Final = _FOLDED | {"PASSWORD"}
"""What everybody may change of itself."""
_LONGEST: Final = 1_000


def create_user(work: Work, statement: CreateUser) -> Rows:
    """CREATE USER [IF NOT EXISTS]. It has PUBLIC and what it is granted; without a password or a key, nobody is it."""
    name = single(statement.name)
    work.require_in_account("CREATE USER")
    _check(statement.options, name)
    reply = success(f"User {name} successfully created.")
    with translated(statement.name), work.recorded(reply):
        made = work.storage.users.create(
            work.session.account, name, owner=work.rights.role, if_exists=statement.if_not_exists
        )
        if made:
            _apply(work, name, statement.options, {})
    return reply if made else existed(name)


def alter_user(work: Work, statement: AlterUser) -> Rows:
    """ALTER USER … SET, UNSET."""
    name = work.session.user if statement.name is None else single(statement.name)
    found = work.storage.users.get(work.session.account, name)
    if found is None or not _seen(work, found):
        if statement.if_exists:
            return success()
        raise SqlError.not_found("User", displayed((name,)))
    said = {*statement.options, *statement.unset}
    if not (name == work.session.user and said <= _OWN):
        _require_owned(work, found)
    _check(statement.options, name)
    if unknown := sorted(set(statement.unset) - _KEPT - _SECRETS - {"DISABLED"}):
        raise SqlError.unsupported(f"ALTER USER UNSET {unknown[0][:40]}")
    disabled = statement.options.get("DISABLED") is True
    if disabled and name == work.session.user:
        raise insufficient("nobody disables himself.")
    reply = success()
    with translated((name,)), work.recorded(reply):
        removed = dict.fromkeys(statement.unset)
        _apply(work, name, {**statement.options, **removed}, found.settings)
    if disabled:
        _end_sessions(work, name)
    return reply


def drop_user(work: Work, statement: Drop) -> Rows:
    """DROP USER, with its sessions and files. What it made is its roles'."""
    name = single(statement.name)
    found = work.storage.users.get(work.session.account, name)
    if found is None or not _seen(work, found):
        if statement.if_exists:
            return already_dropped(name)
        raise SqlError.not_found("User", displayed(statement.name))
    _require_owned(work, found)
    if name == work.session.user:
        raise insufficient("nobody drops himself.")
    reply = success(f"{name} successfully dropped.")
    _end_sessions(work, name)
    with translated(statement.name), work.recorded(reply):
        work.storage.users.drop(work.session.account, name)
    return reply


def describe_user(work: Work, statement: Describe) -> Rows:
    """DESCRIBE USER: its properties, and never a secret."""
    found = work.storage.users.get(work.session.account, single(statement.name))
    if found is None or not _seen(work, found):
        raise SqlError.not_found("User", displayed(statement.name))
    rows: list[tuple[Value, ...]] = [
        (name, str(found.settings[name]) if name in found.settings else "null", "null", "") for name in sorted(_KEPT)
    ]
    rows += [
        ("NAME", found.name, "null", "Name"),
        ("DISABLED", str(found.disabled).lower(), "false", "Whether the user is disabled"),
        ("PASSWORD", "********" if found.has_password else "null", "null", "Password of the user"),
    ]
    return Rows(texts("property", "value", "default", "description"), sorted(rows))


def _check(options: Mapping[str, Option], name: str) -> None:
    """Raises SqlError: an option that nothing here keeps. A value is never told: it may be a password."""
    for option, value in options.items():
        if option in _FIXED or option == "LOGIN_NAME":
            wanted = name if option == "LOGIN_NAME" else _FIXED[option]
            given = value.upper() if isinstance(value, str) else value
            if given != wanted:
                raise SqlError.unsupported(f"this {option} of a user")
        elif option == "DISABLED":
            if not isinstance(value, bool):
                raise SqlError.syntax("DISABLED is TRUE or FALSE.")
        elif option in _KEPT | _SECRETS:
            if not isinstance(value, str) or len(value) > _LONGEST * 10:
                raise SqlError.syntax(f"{option} of a user is a text.")
        else:
            raise SqlError.unsupported(f"option {option[:40]} of a user")


def _apply(work: Work, name: str, options: Mapping[str, Option], before: Mapping[str, str]) -> None:
    users, account = work.storage.users, work.session.account
    settings = dict(before)
    try:
        for option, value in options.items():
            text = None if value is None else str(value)
            if option == "PASSWORD":
                users.set_password(account, name, text)
            elif option == "RSA_PUBLIC_KEY":
                users.set_key(account, name, None if text is None else _pem(text))
            elif option == "DISABLED":
                users.set_disabled(account, name, value is True)
            elif option in _KEPT and text is None:
                settings.pop(option, None)
            elif option in _KEPT and text is not None:
                settings[option] = (text.upper() if option in _FOLDED else text)[:_LONGEST]
    except ValueError as refused:
        raise SqlError.bad_value(f"A password or a key was refused: {refused}.") from None
    users.set_settings(account, name, settings)


def _pem(text: str) -> str:
    """Snowflake takes the key without its first and last line."""
    if "BEGIN PUBLIC KEY" in text:
        return text
    return f"-----BEGIN PUBLIC KEY-----\n{text.strip()}\n-----END PUBLIC KEY-----\n"


def _seen(work: Work, user: User) -> bool:
    return user.name == work.session.user or work.rights.in_account("CREATE USER") or _owned(work, user)


def _owned(work: Work, user: User) -> bool:
    return work.rights.everything or (bool(user.owner) and work.rights.has_role(user.owner))


def _require_owned(work: Work, user: User) -> None:
    admin = ADMIN in work.storage.roles.available(work.session.account, user.name)
    if not _owned(work, user) or (admin and not work.rights.everything):
        raise insufficient(f"user {displayed((user.name,))} is its owner's; one who has {ADMIN} is {ADMIN}'s.")


def _end_sessions(work: Work, name: str) -> None:
    for session in work.storage.sessions.list(work.session.account):
        if session.user == name:
            work.storage.sessions.close(session.id)


def _users(work: Work, statement: Show) -> Listed:
    for each in work.storage.users.list(work.session.account):
        if _seen(work, each):
            said = each.settings
            yield {
                "name": each.name, "created_on": each.created_on, "login_name": each.name,
                "display_name": said.get("DISPLAY_NAME", each.name), "first_name": said.get("FIRST_NAME", ""),
                "last_name": said.get("LAST_NAME", ""), "email": said.get("EMAIL", ""), "mins_to_unlock": "",
                "days_to_expiry": "", "comment": said.get("COMMENT", ""), "disabled": str(each.disabled).lower(),
                "must_change_password": "false", "snowflake_lock": "false",
                "default_warehouse": said.get("DEFAULT_WAREHOUSE", ""),
                "default_namespace": said.get("DEFAULT_NAMESPACE", ""), "default_role": said.get("DEFAULT_ROLE", ""),
                "default_secondary_roles": "", "ext_authn_duo": "false", "ext_authn_uid": "",
                "mins_to_bypass_mfa": "", "owner": each.owner or ADMIN,
                "has_password": str(each.has_password).lower(), "has_rsa_public_key": str(each.has_key).lower(),
            }  # fmt: skip


_USERS: Final = (
    "name", "created_on", "login_name", "display_name", "first_name", "last_name", "email", "mins_to_unlock",
    "days_to_expiry", "comment", "disabled", "must_change_password", "snowflake_lock", "default_warehouse",
    "default_namespace", "default_role", "default_secondary_roles", "ext_authn_duo", "ext_authn_uid",
    "mins_to_bypass_mfa", "owner", "last_success_login", "expires_at_time", "locked_until_time", "has_password",
    "has_rsa_public_key", "type", "has_mfa",
)  # fmt: skip
KINDS: Final = (
    Kind(CreateUser, create_user, roles=Roles.NAMES, commits=True),
    Kind(AlterUser, alter_user, roles=Roles.NAMES, commits=True),
)
OBJECTS: Final = (ObjectKind("USER", drop=drop_user, describe=describe_user),)
LISTINGS: Final = (
    Listing(
        "USERS",
        _USERS,
        _users,
        times=frozenset({"created_on", "last_success_login", "expires_at_time", "locked_until_time"}),
    ),
)

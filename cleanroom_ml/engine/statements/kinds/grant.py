"""GRANT and REVOKE of privileges. What nothing here asks for is not granted: it would promise what nobody keeps."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from cleanroom_ml.engine.contracts.table import SHOW, Rows
from cleanroom_ml.engine.sql.errors import SqlError
from cleanroom_ml.engine.sql.read.grant import Grant, ShowFutureGrants
from cleanroom_ml.engine.statements.granted import everything_of, grantor, is_sample, thing_of
from cleanroom_ml.engine.statements.kind import Kind, Roles
from cleanroom_ml.engine.statements.kinds.role import hand_over_role, require_not_above
from cleanroom_ml.engine.statements.listing import TIME
from cleanroom_ml.engine.statements.refusals import dependent, displayed, single, translated
from cleanroom_ml.engine.statements.registry import object_kinds
from cleanroom_ml.engine.statements.results import VARCHAR, success
from cleanroom_ml.engine.statements.work import Work
from cleanroom_ml.engine.storage.grants import OWNERSHIP, Dependent, Thing
from cleanroom_ml.engine.storage.rights import ACCOUNT
from cleanroom_ml.naming import display

# Asked for by statements here: the first six. Asked for by the clean room's procedures (docs/api-digest.md §3): the
# others, which it needs beside its own privileges.
ON_ACCOUNT: Final = (
    *("CREATE DATABASE", "CREATE WAREHOUSE", "CREATE COMPUTE POOL", "CREATE ROLE", "CREATE USER"),
    "MANAGE GRANTS",
    *("APPLY ROW ACCESS POLICY", "CREATE APPLICATION", "CREATE LISTING", "CREATE SHARE", "IMPORT SHARE"),
    *("MANAGE SHARE TARGET", "EXECUTE TASK"),
)
SHARES: Final = "SCO_DATA_OFFERINGS_"
"""What the shares of a clean room's data offerings are called."""


def grant(work: Work, statement: Grant) -> Rows:
    """GRANT … ON … TO ROLE | SHARE | APPLICATION, and REVOKE. Raises SqlError."""
    if statement.grantee_kind == "APPLICATION":
        return _to_application(work, statement)
    if statement.grantee_kind not in {"ROLE", "SHARE"}:
        raise SqlError.unsupported(f"{_verb(statement)} … {statement.grantee_kind[:40]}")
    grantee = single(statement.grantee)
    if statement.grantee_kind == "ROLE" and not work.storage.roles.exists(work.session.account, grantee):
        raise SqlError.not_found("Role", displayed(statement.grantee))
    if statement.grantee_kind == "SHARE":
        _check_share(statement, grantee)
    if statement.future:
        return _future(work, statement, grantee)
    ownership = statement.privileges == (OWNERSHIP,)
    if ownership:
        _check_ownership(statement)
    if ownership and statement.kind == "ROLE":
        return hand_over_role(work, statement, grantee)
    things = _things(work, statement)
    if ownership:
        return _ownership(work, statement, things, grantee)
    wanted = [(thing, _privileges(statement, thing.kind)) for thing in things]
    for thing, privileges in wanted:
        for privilege in privileges:
            if not work.rights.manages(thing, privilege):
                raise _not_executed(f"{privilege} on {thing.kind} {displayed(thing.parts)}")
    reply = success()
    with work.recorded(reply):
        for thing, privileges in wanted:
            if statement.revoke:
                _revoke(work, statement, thing, privileges, grantee)
            else:
                for privilege in privileges:
                    work.storage.grants.grant(
                        work.session.account,
                        thing,
                        (privilege,),
                        grantee,
                        by=grantor(work, thing, privilege),
                        option=statement.option,
                        grantee_kind=statement.grantee_kind,
                    )
    return reply


def _revoke(work: Work, statement: Grant, thing: Thing, privileges: Sequence[str], grantee: str) -> None:
    """Who manages the account's grants takes back any; others what their roles have given
    (sql-reference/sql/revoke-privilege, "Security requirements"). RESTRICT unless CASCADE.
    """
    try:
        work.storage.grants.revoke(
            work.session.account,
            thing,
            privileges,
            grantee,
            only_option=statement.option,
            grantee_kind=statement.grantee_kind,
            by=None if work.rights.in_account("MANAGE GRANTS") else work.rights.roles,
            cascade=statement.cascade,
        )
    except Dependent as there:
        raise dependent(there.privilege, displayed(there.parts), there.grantee) from None


def _future(work: Work, statement: Grant, grantee: str) -> Rows:
    """ON FUTURE: for who manages the account's grants."""
    kind = object_kinds().get(statement.kind)
    if kind is None or kind.everything is None or statement.every is None:
        raise SqlError.unsupported(f"{_verb(statement)} … ON FUTURE of {statement.kind}")
    if statement.grantee_kind != "ROLE" or statement.privileges == (OWNERSHIP,) or statement.current is not None:
        raise SqlError.unsupported(f"{_verb(statement)} … ON FUTURE of this, or to this")
    place = _named(work.managing(), statement, statement.every)
    if is_sample(work, place):
        raise SqlError.unsupported(f"{_verb(statement)} … ON FUTURE in the sample database, where nothing is made")
    privileges = _privileges(statement, statement.kind)
    # sql-reference/sql/grant-privilege: of a schema's owner too only with managed access, which no schema here has.
    if not work.rights.in_account("MANAGE GRANTS"):
        raise _not_executed("MANAGE GRANTS on the account")
    account, grants = work.session.account, work.storage.future_grants
    reply = success()
    with work.recorded(reply):
        if statement.revoke:
            grants.revoke(account, place, statement.kind, privileges, grantee)
        else:
            grants.grant(
                account, place, statement.kind, privileges, grantee, by=work.rights.role, option=statement.option
            )
    return reply


def show_future_grants(work: Work, statement: ShowFutureGrants) -> Rows:
    """SHOW FUTURE GRANTS IN DATABASE | SCHEMA, TO ROLE. Raises SqlError not found."""
    found = work.storage.future_grants.list(work.session.account)
    if statement.kind == "ROLE":
        role = single(statement.name)
        mine = work.rights.has_role(role) or work.rights.in_account("MANAGE GRANTS")
        if not mine or not work.storage.roles.exists(work.session.account, role):
            raise SqlError.not_found("Role", displayed(statement.name))
        found = [each for each in found if each.grantee == role]
    else:
        kind = object_kinds()[statement.kind]
        assert kind.thing is not None
        place = kind.thing(work.managing(), statement.name)
        found = [each for each in found if each.place == place]
    rows = [
        (
            *(each.granted_on, each.privilege, each.kind.replace(" ", "_")),
            f"{displayed(each.place.parts)}.<{each.kind.replace(' ', '_')}>",
            *("ROLE", each.grantee, str(each.grant_option).lower()),
        )
        for each in found
        if work.rights.in_account("MANAGE GRANTS") or work.rights.has_role(each.grantee) or work.rights.owns(each.place)
    ]
    return Rows(_FUTURE, rows)


def _things(work: Work, statement: Grant) -> Sequence[Thing]:
    """What it is on. Raises SqlError: there is no such object for this session's roles."""
    if statement.kind == "ACCOUNT":
        return (ACCOUNT,)
    work = work.managing()
    if statement.every is None:
        return (_named(work, statement, statement.kind),)
    place = _named(work, statement, statement.every)
    return everything_of(work, statement.kind, place, _verb(statement))


def _named(work: Work, statement: Grant, kind: str) -> Thing:
    thing = thing_of(work, kind, statement.name, f"{_verb(statement)} …")
    _require_found(work, thing, statement)
    return thing


def _require_found(work: Work, thing: Thing, statement: Grant) -> None:
    there = work.rights.finds(thing) if thing.name and thing.database else work.rights.sees(thing)
    if not there:
        raise SqlError.not_found(statement.kind, displayed(statement.name))


def _privileges(statement: Grant, kind: str) -> tuple[str, ...]:
    known = ON_ACCOUNT if kind == "ACCOUNT" else object_kinds()[kind].privileges
    if statement.privileges == ("ALL",) and known:
        return known
    for privilege in statement.privileges:
        if privilege not in known:
            raise SqlError.unsupported(f"{_verb(statement)} {privilege[:60]} ON {kind}: nothing here asks for it")
    return statement.privileges


def _check_ownership(statement: Grant) -> None:
    if statement.revoke or statement.grantee_kind != "ROLE" or statement.kind == "ACCOUNT" or statement.option:
        raise SqlError.unsupported(f"{_verb(statement)} OWNERSHIP of this, or to this: GRANT it to another role")


def _ownership(work: Work, statement: Grant, things: Sequence[Thing], grantee: str) -> Rows:
    """GRANT OWNERSHIP: the thing is another role's from then on, and views read with that role's rights."""
    account, grants = work.session.account, work.storage.grants
    for thing in things:
        if is_sample(work, thing):
            raise SqlError.unsupported(f"GRANT OWNERSHIP of {displayed(thing.parts)}, which every account has")
        if not work.rights.in_account("MANAGE GRANTS") and not work.rights.owns(thing):
            raise _not_executed(f"OWNERSHIP of {thing.kind} {displayed(thing.parts)}")
        # What a role owns acts with its rights: nobody plants code under a role that is not theirs.
        if not work.rights.in_account("MANAGE GRANTS") and not work.rights.has_role(grantee):
            raise _not_executed(f"OWNERSHIP to {displayed((grantee,))}, a role that this session does not have")
        require_not_above(work, grantee)
        dependent = any(each.privilege != OWNERSHIP for each in grants.list(account, thing=thing))
        if dependent and statement.current is None:
            raise SqlError.syntax(
                f"there are grants on {displayed(thing.parts)}. "
                "Say what becomes of them: COPY CURRENT GRANTS or REVOKE CURRENT GRANTS."
            )
    reply = success()
    with work.recorded(reply):
        for thing in things:
            if statement.current == "REVOKE":
                grants.forget(account, thing, keep_owner=True)
            grants.own(account, thing, grantee)
    return reply


def _to_application(work: Work, statement: Grant) -> Rows:
    """GRANT USAGE ON WAREHOUSE | COMPUTE POOL <name> TO APPLICATION <application>."""
    kind = object_kinds().get(statement.kind)
    if (
        statement.revoke
        or kind is None
        or kind.usage is None
        or kind.thing is None
        or statement.privileges != ("USAGE",)
        or statement.option
        or statement.every
        or len(statement.grantee) != 1
    ):
        raise SqlError.unsupported(
            f"{_verb(statement)} {', '.join(statement.privileges)[:100]} ON {statement.kind} … APPLICATION: "
            "only GRANT USAGE ON COMPUTE POOL or WAREHOUSE TO APPLICATION is enforced here"
        )
    name, (application,) = single(statement.name), statement.grantee
    thing = kind.thing(work, statement.name)
    if not work.rights.manages(thing, "USAGE"):
        raise _not_executed(f"USAGE on {thing.kind} {displayed(thing.parts)}")
    if work.storage.namespaces.database_kind(work.session.account, application) != "application":
        raise SqlError.not_found("Application", displayed(statement.grantee))
    if not work.rights.everything:
        if work.applications is None:
            raise SqlError.not_found("Application", displayed(statement.grantee))
        work.applications.describe(work.session, application)
    reply = success()
    with translated(statement.name), work.recorded(reply):
        work.storage.warehouses.grant_usage(work.session.account, kind.usage, name, application)
    return reply


def _check_share(statement: Grant, share: str) -> None:
    """The only shares here are those of clean rooms, and what they need is REFERENCE_USAGE on a database."""
    if (
        statement.kind != "DATABASE"
        or statement.every
        or statement.option
        or statement.privileges != ("REFERENCE_USAGE",)
    ):
        raise SqlError.unsupported(f"{_verb(statement)} of this to a share: only REFERENCE_USAGE ON DATABASE is")
    if not share.startswith(SHARES):
        raise SqlError.not_found("Share", display(share))


def _not_executed(what: str) -> SqlError:
    """Snowflake's own words to whoever may not pass a privilege on."""
    return SqlError(3102, "42501", f"Grant not executed: Insufficient privileges. It needs {what}, to pass on.")


def _verb(statement: Grant) -> str:
    return "REVOKE" if statement.revoke else "GRANT"


_FUTURE: Final = (
    ("created_on", TIME),
    *((name, VARCHAR) for name in ("privilege", "grant_on", "name", "grant_to", "grantee_name", "grant_option")),
)
KINDS: Final = (
    Kind(Grant, grant, roles=Roles.NAMES, commits=True),
    Kind(ShowFutureGrants, show_future_grants, SHOW, roles=Roles.NAMES, columns=show_future_grants),
)

"""What a caller's role must have on the account's own things before the clean room takes them: stages that code is
registered from, tables that are offered, and the right to pass them on.

Source: docs.snowflake.com, cleanrooms/manage-access (REGISTER_DATA_OFFERING, LINK_DATA_OFFERING); how the refusals
read: service-behaviour, "Data grants".
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final

from cleanroom_ml.engine.rooms.ports import Caller
from cleanroom_ml.engine.sql.errors import SqlError, room_error
from cleanroom_ml.engine.storage import samples
from cleanroom_ml.engine.storage.grants import Thing
from cleanroom_ml.engine.storage.keys import Key
from cleanroom_ml.engine.storage.rights import Rights
from cleanroom_ml.engine.storage.storage import Storage
from cleanroom_ml.error_names import ErrorName
from cleanroom_ml.naming import display, split_name

_STAGED: Final = frozenset({"stage_code_dir", "stage_path"})


def require_stages(storage: Storage, caller: Caller, spec: Mapping[str, object]) -> None:
    """Refuses a spec that names a stage which the caller's roles may not read.

    Raises:
        SqlError: CodeSpecStageNotAccessibleError, as for a stage that is not there.
    """
    rights = Rights.of_session(storage, caller)
    if rights.everything:
        return
    for path in _stage_paths(spec):
        name = path.partition("/")[0].removeprefix("@")
        try:
            parts = split_name(name)
        except ValueError:
            continue  # no stage's name, which registration says itself
        if len(parts) == 3 and not rights.reaches("READ", Thing("STAGE", *parts)):
            raise room_error(
                ErrorName.CodeSpecStageNotAccessibleError,
                f"the stage of {path} does not exist or is not authorized.",
            )


def require_offered(storage: Storage, caller: Caller, source: Sequence[str]) -> None:
    """Refuses to offer a table or view that the caller's roles may not read, or whose database they may not share.

    Raises:
        SqlError: not found; DatasetReferenceUsageWithGrantOptionMissingError.
    """
    rights = Rights.of_session(storage, caller)
    if rights.everything or len(source) != 3:
        return
    if not rights.reaches("SELECT", relation(storage, caller.account, source)):
        raise SqlError.not_found("TABLE", ".".join(display(part) for part in source))
    if not rights.has("REFERENCE_USAGE", Thing("DATABASE", source[0]), to_pass_on=True):
        database, role = display(source[0]), display(caller.role)
        raise room_error(
            ErrorName.DatasetReferenceUsageWithGrantOptionMissingError,
            f"The current role '{role}' does not have REFERENCE_USAGE WITH GRANT OPTION on database '{database}'. "
            "To proceed, switch to a role with sufficient privileges (such as the database owner or ACCOUNTADMIN) or "
            f"run: GRANT REFERENCE_USAGE ON DATABASE {database} TO ROLE {role} WITH GRANT OPTION;",
        )


def require_shareable(storage: Storage, caller: Caller, sources: Iterable[Sequence[str]]) -> None:
    """Refuses to share what the caller's roles may read but not pass on.

    Raises:
        SqlError: 003102, as Snowflake says it.
    """
    rights = Rights.of_session(storage, caller)
    if rights.everything:
        return
    for source in sources:
        database, schema, _ = source
        needed = (
            (Thing("DATABASE", database), "USAGE"),
            (Thing("SCHEMA", database, schema), "USAGE"),
            (relation(storage, caller.account, source), "SELECT"),
        )
        for thing, privilege in needed:
            if not rights.has(privilege, thing, to_pass_on=True):
                kind, name = thing.kind, ".".join(display(part) for part in thing.parts)
                raise SqlError(
                    3102,
                    "42501",
                    "Grant not executed: Insufficient privileges. "
                    f"GRANT {privilege} ON {kind} {name} TO ROLE {display(caller.role)} WITH GRANT OPTION",
                )


def share_name(local_key: str) -> str:
    """The share of a collaboration's data offerings in the account that provides them."""
    return f"SCO_DATA_OFFERINGS_{local_key}"


def require_reference_usage(storage: Storage, caller: Caller, share: str, databases: Iterable[str]) -> None:
    """Refuses to share from databases that others own and that the share may not refer to yet.

    Raises:
        SqlError: ReferenceUsageGrantMissingException, with the statement that grants it.
    """
    rights = Rights.of_session(storage, caller)
    missing = []
    for database in sorted(set(databases)):
        thing = Thing("DATABASE", database)
        granted = storage.grants.list(caller.account, thing=thing, grantee=share, grantee_kind="SHARE")
        if not rights.owns(thing) and not any(each.privilege == "REFERENCE_USAGE" for each in granted):
            missing.append(display(database))
    if missing:
        statements = " ".join(f"GRANT REFERENCE_USAGE ON DATABASE {name} TO SHARE {share};" for name in missing)
        listed = ", ".join(f"'{name}'" for name in missing)
        raise room_error(
            ErrorName.ReferenceUsageGrantMissingException,
            f"The share has no REFERENCE_USAGE on databases: [{listed}]. Run: {statements}",
        )


def relation(storage: Storage, account: str, source: Sequence[str]) -> Thing:
    """A table, or else the view of this name."""
    database, schema, name = source
    sampled = samples.find(source) is not None
    table = sampled or storage.tables.get(Key(account, database, schema, name)) is not None
    return Thing("TABLE" if table else "VIEW", database, schema, name)


def _stage_paths(value: object) -> Iterator[str]:
    if isinstance(value, Mapping):
        for name, inner in value.items():
            if name in _STAGED and isinstance(inner, str):
                yield inner
            else:
                yield from _stage_paths(inner)
    elif isinstance(value, list | tuple):
        for inner in value:
            yield from _stage_paths(inner)

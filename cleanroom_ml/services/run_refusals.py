"""Why a run was refused, by what the run itself was given: which key of the project file to correct, and what there is.

The target says whose data a name is, and not what the runner could have meant by it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Final

from cleanroom_ml.connection import Connection
from cleanroom_ml.error_names import ErrorName
from cleanroom_ml.errors import CleanroomError, CommunicationError, ServerError
from cleanroom_ml.services.named import not_there
from cleanroom_ml.services.offerings import is_local, list_offerings
from cleanroom_ml.services.pools import application_of, list_pools
from cleanroom_ml.specs.project import PROJECT_FILE

_NO_TABLE: Final = (
    ErrorName.CollaboratorAliasNotFoundInCollaboration,
    ErrorName.DataProviderWithoutDataOffering,
    ErrorName.DatasetNotFoundInDataOfferingException,
)
_NO_POOL: Final = re.compile(r"(?i)\bcompute pool \S{1,257} does not exist")


_GRANT: Final = re.compile(r'cleanroom-ml grant "VIEW TEMPLATES" --to (?P<role>.+)')


@contextmanager
def granted_whole() -> Iterator[None]:
    """A role that may not see the templates is told all that `run` needs, not one privilege at a time."""
    try:
        yield
    except CleanroomError as error:
        if lacks := _GRANT.fullmatch(error.fix or ""):
            role = lacks["role"]
            error.fix = f"cleanroom-ml grant RUN --to {role} && cleanroom-ml grant VIEW-TEMPLATES --to {role}"
        raise


@contextmanager
def explained(
    connection: Connection,
    collaboration: str,
    key: str,
    tables: Mapping[str, tuple[str, ...]],
    *,
    pool: str | None = None,
    own_pool: str | None = None,
) -> Iterator[None]:
    """A refusal of RUN that is about what it was given names the key to correct.

    Args:
        key: where the project file has the run (`runs.train`, `activate`); empty: it is not from there.
        tables: the names that it was given, by their key (`tables`, `my_tables`).
        pool: the compute pool that it was given.
        own_pool: the project's.
    """
    try:
        yield
    except CommunicationError:
        raise
    except ServerError as error:
        if error.what.startswith(f"{ErrorName.SpecValidationError}: ") and "--arg" in (error.fix or "") and key:
            error.fix = f"correct --arg, or {key}.args in {PROJECT_FILE}"
        elif error.what.startswith(_NO_TABLE):
            _of_a_table(connection, collaboration, key, tables, error)
        elif pool and _NO_POOL.search(error.what):
            _of_a_pool(connection, application_of(collaboration).upper(), pool, own_pool, error)
        raise


def _of_a_table(
    connection: Connection, collaboration: str, key: str, tables: Mapping[str, tuple[str, ...]], error: ServerError
) -> None:
    found = next(((of, name) for of, names in tables.items() for name in names if f"'{name}'" in error.what), None)
    if found is None:
        return
    of, name = found
    try:
        rows = list_offerings(connection, collaboration)
    except ServerError:  # not this role's to see: what the target said of the name is all that is known
        return
    shown = [str(row["template_view_name"]) for row in rows if of == "tables" or is_local(row)]
    if name.upper() in map(str.upper, shown):
        return
    option = "--table, or " if of == "tables" else ""
    where = f"{key}.{of}" if key else of
    error.why = not_there("table", name, shown, fix="").why
    error.fix = f"correct {option}{where} in {PROJECT_FILE}: cleanroom-ml offering list"


def _of_a_pool(connection: Connection, application: str, name: str, own: str | None, error: ServerError) -> None:
    """Whether the pool is there, and for whom: one of another room is nobody's to make again, or to drop."""
    try:
        pools = {pool.name: pool for pool in list_pools(connection)}
    except ServerError:  # not this role's to see: what the target said of the name is all that is known
        return
    found, is_own = pools.get(name.upper()), own is not None and own.upper() == name.upper()
    if found is None:
        error.why = not_there("compute pool", name, pools, fix="").why
        error.fix = "cleanroom-ml pool create" if is_own else f"cleanroom-ml pool create {name} --family CPU_X64_S"
    elif found.application in (None, application):
        nodes = f"--min-nodes {found.min_nodes} --max-nodes {found.max_nodes}"
        error.why = f"{found.name} is there, and this room's application may not use it yet"
        error.fix = f"cleanroom-ml pool create {name} --family {found.instance_family} {nodes}"
    else:
        whose = f"serves {found.application} alone" if found.application else "serves no application"
        error.why = f"{found.name} {whose}, and this room's is {application}"
        mine = [pool.name for pool in pools.values() if pool.application == application]
        if own is not None and not is_own:
            there = own.upper() in pools
            error.fix = (
                f"cleanroom-ml run --pool {own}" if there else "cleanroom-ml pool create, then run without --pool"
            )
        elif mine:
            error.fix = f"cleanroom-ml run --pool {mine[0]}"
        else:
            error.fix = "another name: cleanroom-ml pool create NAME --family CPU_X64_S, then run --pool NAME"

"""Registries of this account: the default one, and those that it has made (docs/api-digest.md §1 and §3)."""

from __future__ import annotations

from dataclasses import dataclass

from cleanroom_ml.connection import Connection
from cleanroom_ml.connection.session import Row
from cleanroom_ml.errors import UsageError
from cleanroom_ml.services.whose import same_name

TYPES = ("TEMPLATE", "DATA OFFERING")


@dataclass(frozen=True, slots=True)
class Created:
    """`new` is False where there was a registry of that name and type before."""

    name: str
    type: str
    new: bool


def create_registry(connection: Connection, name: str, kind: str) -> Created:
    """Make a registry for one kind of thing; repeating is safe.

    Raises:
        UsageError: the kind is none of TYPES; or there is a registry of that name for another kind.
    """
    wanted = kind.upper().replace("_", " ").replace("-", " ")
    if wanted not in TYPES:
        raise UsageError(f"a registry holds one type, not {kind!r}", fix=f"--type {TYPES[0]}, or --type '{TYPES[1]}'")
    there = {same_name(_named(row)): _type(row) for row in list_registries(connection)}.get(same_name(name))
    if there is not None and there not in ("", wanted):
        raise UsageError(f"the registry {name} holds {there}", why="each registry holds one type", fix="another name")
    if there is None:
        connection.call("REGISTRY.CREATE_REGISTRY", name, wanted)
    return Created(name, wanted, there is None)


def list_registries(connection: Connection) -> list[Row]:
    """The registries that this account can see, as the target lists them: its columns are not documented."""
    return connection.call("REGISTRY.VIEW_REGISTRIES")


def _named(row: Row) -> str:
    return str(row.get("registry_name") or row.get("name") or "")


def _type(row: Row) -> str:
    return str(row.get("registry_type") or row.get("type") or "").upper().replace("_", " ")

"""What an account has registered: templates, data offerings and code specs, each in one registry, never overwritten."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, TypeVar

from cleanroom_ml.engine.contracts.table import Rows
from cleanroom_ml.engine.rooms import listing
from cleanroom_ml.engine.rooms.access import key_of
from cleanroom_ml.engine.rooms.ports import Caller
from cleanroom_ml.engine.sql.errors import room_error
from cleanroom_ml.engine.storage.database import Database
from cleanroom_ml.engine.storage.grants import Grants, Thing
from cleanroom_ml.engine.storage.keys import from_micros
from cleanroom_ml.engine.storage.roles import ADMIN
from cleanroom_ml.error_names import ErrorName
from cleanroom_ml.json_values import Document
from cleanroom_ml.naming import fold
from cleanroom_ml.specs.base import SpecModel
from cleanroom_ml.specs.identifiers import spec_id
from cleanroom_ml.specs.parse import parse_as
from cleanroom_ml.specs.problems import SpecProblems

ResourceKind = Literal["TEMPLATE", "DATA OFFERING", "CODE SPEC"]
Model = TypeVar("Model", bound=SpecModel)

DEFAULT = "DEFAULT"
_ANY_TYPE = "ALL"
_VIEW_COLUMNS: Mapping[ResourceKind, tuple[str, str]] = {
    "TEMPLATE": ("TEMPLATE_ID", "TEMPLATE_SPEC"),
    "DATA OFFERING": ("DATA_OFFERING_ID", "DATA_OFFERING_SPEC"),
    "CODE SPEC": ("CODE_SPEC_ID", "CODE_SPEC"),
}
_ALREADY: Mapping[ResourceKind, ErrorName] = {
    "TEMPLATE": ErrorName.TemplateAlreadyExistsException,
    "DATA OFFERING": ErrorName.DataOfferingAlreadyExistsException,
    "CODE SPEC": ErrorName.CodeSpecAlreadyExistsException,
}


_TEMPLATE_IS_USED = """
    EXISTS (SELECT 1 FROM room_requests r WHERE r.collaboration = c.uid AND r.requester = ?1 AND r.template_key = ?2
            AND (r.status IN ('REQUESTED', 'APPROVED')
                 OR EXISTS (SELECT 1 FROM room_templates t WHERE t.request = r.id)))"""
_OFFERING_IS_USED = """
    EXISTS (SELECT 1 FROM room_links l WHERE l.collaboration = c.uid AND l.provider_key = m.alias_key
            AND l.offering_key = ?2)
    OR EXISTS (SELECT 1 FROM room_local_links l WHERE l.collaboration = c.uid AND l.account = ?1
               AND l.offering_key = ?2)"""


@dataclass(frozen=True, slots=True)
class Resource:
    """Something registered. `spec` is the YAML text as it was given; `detail` what registration found out about it."""

    account: str
    kind: ResourceKind
    id: str
    id_key: str
    name: str
    version: str
    registry_key: str
    spec: str
    detail: Document
    created_on: datetime


def read_spec(model: type[Model], text: object) -> Model:
    """A spec out of a procedure's argument.

    Raises:
        SqlError: SpecValidationError, with every problem found.
    """
    if not isinstance(text, str):
        raise room_error(ErrorName.SpecValidationError, "the spec must be YAML text")
    try:
        return parse_as(model, text)
    except SpecProblems as problems:
        raise room_error(ErrorName.SpecValidationError, str(problems)) from None


class Registries:
    """The registries of every account; an account sees its own only."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def create(self, caller: Caller, name: object, kind: object) -> Rows:
        """CREATE_REGISTRY: a registry for one kind of thing (`TEMPLATE` or `DATA OFFERING`)."""
        key = key_of(name, "registry name")
        wanted = str(kind).upper().replace("_", " ") if isinstance(kind, str) else ""
        if wanted not in ("TEMPLATE", "DATA OFFERING"):
            raise room_error(ErrorName.SpecValidationError, "a registry holds one type: TEMPLATE or DATA OFFERING")
        with self._database.transaction() as connection:
            taken = connection.execute(
                "SELECT 1 FROM room_registries WHERE account = ? AND name_key = ?", (caller.account, key)
            ).fetchone()
            if taken or key == DEFAULT:
                raise room_error(ErrorName.RegistryAlreadyExistsException, f"registry '{name}' exists already.")
            connection.execute(
                "INSERT INTO room_registries (account, name, name_key, type, created_on) VALUES (?, ?, ?, ?, ?)",
                (caller.account, name, key, wanted, self._database.now_micros()),
            )
            if caller.role != ADMIN:
                Grants(self._database).own(caller.account, Thing("REGISTRY", name=key), caller.role)
        return Rows.one("CREATE_REGISTRY", f"Registry {name} was created.")

    def view(self, caller: Caller) -> Rows:
        """VIEW_REGISTRIES: the account's default registry, which holds everything, and those that it has made."""
        with self._database.read() as connection:
            rows = connection.execute(
                "SELECT name, type, created_on FROM room_registries WHERE account = ? ORDER BY name_key",
                (caller.account,),
            ).fetchall()
        columns = (("REGISTRY_NAME", "VARCHAR"), ("REGISTRY_TYPE", "VARCHAR"), ("CREATED_ON", "TIMESTAMP_LTZ"))
        made = ((row["name"], row["type"], from_micros(row["created_on"])) for row in rows)
        return Rows.answer(columns, ((DEFAULT.lower(), _ANY_TYPE, None), *made))

    def registry_key(self, caller: Caller, kind: ResourceKind, name: object | None) -> str:
        """The folded name of the registry that something of `kind` goes into. Raises SqlError where it can't."""
        if name is None:
            return DEFAULT
        key = key_of(name, "registry name")
        if key == DEFAULT:
            return DEFAULT
        with self._database.read() as connection:
            row = connection.execute(
                "SELECT type FROM room_registries WHERE account = ? AND name_key = ?", (caller.account, key)
            ).fetchone()
        if row is None:
            raise room_error(ErrorName.RegistryNotFoundException, f"you have no registry '{name}'.")
        if row["type"] != kind:
            raise room_error(ErrorName.SpecValidationError, f"registry '{name}' holds {row['type']}, not {kind}")
        return key

    def check_new(self, caller: Caller, kind: ResourceKind, name: str, version: str) -> str:
        """The id that (name, version) gets. Raises SqlError where the account has registered it already."""
        new_id = spec_id(name, version)
        if self.find(caller.account, kind, new_id) is not None:
            raise room_error(
                _ALREADY[kind],
                f"'{new_id}' is registered already, and what is registered is never overwritten. "
                "Give it another version.",
            )
        return new_id

    def add(
        self,
        caller: Caller,
        kind: ResourceKind,
        *,
        name: str,
        version: str,
        registry_key: str,
        spec: str,
        detail: Document,
    ) -> str:
        """Registers, and returns the id."""
        with self._database.transaction() as connection:
            new_id = self.check_new(caller, kind, name, version)
            connection.execute(
                "INSERT INTO room_resources (account, kind, id, id_key, name, version, registry_key, spec,"
                " detail, created_by, created_on)"
                " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                (
                    caller.account,
                    kind,
                    new_id,
                    fold(new_id),
                    name,
                    version,
                    registry_key,
                    spec,
                    json.dumps(detail, sort_keys=True),
                    caller.user,
                    self._database.now_micros(),
                ),
            )
        return new_id

    def find(self, account: str, kind: ResourceKind, resource_id: str) -> Resource | None:
        """What an account has registered under an id; None: nothing."""
        return self.by_key(account, kind, key_of(resource_id, "id"))

    def by_key(self, account: str, kind: ResourceKind, id_key: str) -> Resource | None:
        """The same, by the folded id."""
        with self._database.read() as connection:
            row = connection.execute(
                "SELECT * FROM room_resources WHERE account = ? AND kind = ? AND id_key = ?", (account, kind, id_key)
            ).fetchone()
        return None if row is None else _resource(row)

    def list(self, caller: Caller, kind: ResourceKind, registries: object | None = None) -> Rows:
        """VIEW_REGISTERED_…: of the named registries (unknown ones are skipped), or of all."""
        keys = _registry_keys(registries)
        query = "SELECT sum(length(spec)) FROM room_resources WHERE account = ? AND kind = ?"
        listing.weigh(self._database, query, caller.account, kind)
        with self._database.read() as connection:
            rows = connection.execute(
                "SELECT * FROM room_resources WHERE account = ? AND kind = ? ORDER BY created_on, id_key",
                (caller.account, kind),
            ).fetchall()
            named = connection.execute(
                "SELECT name_key, name FROM room_registries WHERE account = ?", (caller.account,)
            ).fetchall()
        id_column, spec_column = _VIEW_COLUMNS[kind]
        columns = (
            (id_column, "VARCHAR"),
            ("NAME", "VARCHAR"),
            ("VERSION", "VARCHAR"),
            (spec_column, "VARCHAR"),
            ("REGISTRY", "VARCHAR"),
            ("CREATED_ON", "TIMESTAMP_LTZ"),
        )
        names = {DEFAULT: DEFAULT.lower(), **{row["name_key"]: row["name"] for row in named}}
        found = [_resource(row) for row in rows]
        return Rows.answer(
            columns,
            tuple(
                (item.id, item.name, item.version, _spec_text(item), names[item.registry_key], item.created_on)
                for item in found
                if keys is None or item.registry_key in keys
            ),
        )

    def remove(self, caller: Caller, kind: ResourceKind, resource_id: object) -> Rows:
        """UNREGISTER_…: refused, naming them, while collaborations use it."""
        id_key = key_of(resource_id, "id")
        with self._database.transaction() as connection:
            if self.by_key(caller.account, kind, id_key) is None:
                raise room_error(ErrorName.ResourceNotFoundException, f"you have not registered '{resource_id}'.")
            users = _used_in(connection, caller.account, kind, id_key)
            if users:
                listed = ", ".join(users)
                raise room_error(
                    ErrorName.ResourceInUseException, f"'{resource_id}' is used in: {listed}. Remove it there first."
                )
            connection.execute(
                "DELETE FROM room_resources WHERE account = ? AND kind = ? AND id_key = ?",
                (caller.account, kind, id_key),
            )
        return Rows.one("MESSAGE", f"{resource_id} was unregistered.")


def _spec_text(resource: Resource) -> str:
    """A code spec is shown with its content manifests, as Snowflake shows it; the others as they were given."""
    return str(resource.detail.get("shown", resource.spec))


def _registry_keys(registries: object | None) -> set[str] | None:
    if registries is None:
        return None
    if not isinstance(registries, Sequence) or isinstance(registries, str):
        raise room_error(ErrorName.SpecValidationError, "the registries must be an array of names")
    return {key_of(name, "registry name") for name in registries}


def _used_in(connection: sqlite3.Connection, account: str, kind: ResourceKind, id_key: str) -> list[str]:
    """The collaborations that use a thing of this account, by the names that they have there; none that is over."""
    used = _TEMPLATE_IS_USED if kind == "TEMPLATE" else _OFFERING_IS_USED
    rows = connection.execute(
        f"""SELECT DISTINCT coalesce(m.local_name, c.name) AS name FROM room_collaborations c
            JOIN room_members m ON m.collaboration = c.uid
            WHERE m.account = ?1 AND m.status NOT IN ('LEFT', 'DROPPED') AND ({used}) ORDER BY 1""",
        (account, id_key),
    )
    return [row["name"] for row in rows]


def _resource(row: sqlite3.Row) -> Resource:
    return Resource(
        account=row["account"],
        kind=row["kind"],
        id=row["id"],
        id_key=row["id_key"],
        name=row["name"],
        version=row["version"],
        registry_key=row["registry_key"],
        spec=row["spec"],
        detail=json.loads(row["detail"]),
        created_on=from_micros(row["created_on"]),
    )

"""The CALL surface: which procedure of SAMOOHA_BY_SNOWFLAKE_LOCAL_DB, and of the engine's own database CLEANROOM_ML, is
which method, and how its result is answered.

A procedure is known by its schema and name. What the documentation has and this engine has not yet says so by name;
anything else is unknown. Before each of them its caller's role is asked for (`rooms/role_checks.py`); by the caller's
account every method authorises itself.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from cleanroom_ml.engine.contracts.table import Rows
from cleanroom_ml.engine.jobs.errors import JobsError
from cleanroom_ml.engine.rooms.rooms import Rooms
from cleanroom_ml.engine.sql.binds import Binds, Value
from cleanroom_ml.engine.sql.catalog import Catalog
from cleanroom_ml.engine.sql.compile.queries import compile_query
from cleanroom_ml.engine.sql.errors import SqlError, room_error
from cleanroom_ml.engine.statements.executor import Executor
from cleanroom_ml.engine.statements.like import like as matches
from cleanroom_ml.engine.statements.ports import KnownProcedure, StatementCatalog, Written
from cleanroom_ml.engine.statements.results import StatementResult
from cleanroom_ml.engine.statements.system_relations import VERSION
from cleanroom_ml.engine.storage.sessions import Session
from cleanroom_ml.engine.storage.storage import Storage
from cleanroom_ml.engine.warehouse.pool import Warehouse
from cleanroom_ml.naming import ROOM_DATABASE

DATABASE: Final = ROOM_DATABASE
OWN_DATABASE = "CLEANROOM_ML"
"""What only this engine has."""
Arguments = tuple[Any, ...]
"""The values of a CALL's arguments. Any: they are spread over the methods, each of which checks what it was given."""
Method = Callable[[Rooms, Session, Arguments, str], StatementResult]


@dataclass(frozen=True, slots=True)
class Procedure:
    """One procedure and how many arguments it takes."""

    method: Method
    fewest: int
    most: int


def _registering(method: Callable[[Rooms, Session, Value, Value, str], Rows]) -> Procedure:
    """REGISTER_…(spec) or REGISTER_…(registry, spec)."""
    return Procedure(
        lambda rooms, session, args, query: method(
            rooms, session, args[-1], args[0] if len(args) == 2 else None, query
        ),
        1,
        2,
    )


def _run(rooms: Rooms, session: Session, args: Arguments, query: str) -> StatementResult:
    """RUN(name, …): what a room's executor gave, which is a `StatementRunner`, or rows of the room's own."""
    result = rooms.analyses.run(session, args[0], args[1:], query_id=query)
    assert isinstance(result, StatementResult)
    return result


_REGISTRY: Mapping[str, Procedure] = {
    "REGISTER_TEMPLATE": _registering(lambda r, s, spec, registry, _: r.templates.register(s, spec, registry)),
    "REGISTER_DATA_OFFERING": _registering(
        lambda r, s, spec, registry, q: r.offerings.register(s, spec, registry, query_id=q)
    ),
    "REGISTER_CODE_SPEC": _registering(lambda r, s, spec, registry, _: r.code_specs.register(s, spec, registry)),
    "VIEW_REGISTERED_TEMPLATES": Procedure(lambda r, s, a, _: r.registries.list(s, "TEMPLATE", *a), 0, 1),
    "VIEW_REGISTERED_DATA_OFFERINGS": Procedure(lambda r, s, a, _: r.registries.list(s, "DATA OFFERING", *a), 0, 1),
    "VIEW_REGISTERED_CODE_SPECS": Procedure(lambda r, s, a, _: r.registries.list(s, "CODE SPEC", *a), 0, 1),
    "UNREGISTER_TEMPLATE": Procedure(lambda r, s, a, _: r.registries.remove(s, "TEMPLATE", *a), 1, 1),
    "UNREGISTER_DATA_OFFERING": Procedure(lambda r, s, a, _: r.registries.remove(s, "DATA OFFERING", *a), 1, 1),
    "CREATE_REGISTRY": Procedure(lambda r, s, a, _: r.registries.create(s, *a), 2, 2),
    "VIEW_REGISTRIES": Procedure(lambda r, s, _, __: r.registries.view(s), 0, 0),
}
_COLLABORATION: Mapping[str, Procedure] = {
    "INITIALIZE": Procedure(lambda r, s, a, _: r.collaborations.initialize(s, *a), 1, 2),
    "REVIEW": Procedure(lambda r, s, a, _: r.joining.review(s, *a), 2, 3),
    "JOIN": Procedure(lambda r, s, a, _: r.joining.join(s, *a), 1, 1),
    "EDIT": Procedure(lambda r, s, a, _: r.editing.edit(s, *a), 2, 2),
    "LEAVE": Procedure(lambda r, s, a, _: r.ending.leave(s, *a), 1, 1),
    "TEARDOWN": Procedure(lambda r, s, a, _: r.ending.teardown(s, *a), 1, 1),
    "GET_STATUS": Procedure(lambda r, s, a, _: r.standings.status(s, *a), 1, 1),
    "VIEW_COLLABORATIONS": Procedure(lambda r, s, _, __: r.standings.view(s), 0, 0),
    "LINK_DATA_OFFERING": Procedure(lambda r, s, a, _: r.offerings.link(s, *a), 3, 3),
    "UNLINK_DATA_OFFERING": Procedure(lambda r, s, a, _: r.offerings.unlink(s, *a), 3, 3),
    "LINK_LOCAL_DATA_OFFERING": Procedure(lambda r, s, a, _: r.offerings.link_local(s, *a, linked=True), 2, 2),
    "UNLINK_LOCAL_DATA_OFFERING": Procedure(lambda r, s, a, _: r.offerings.link_local(s, *a, linked=False), 2, 2),
    "VIEW_DATA_OFFERINGS": Procedure(lambda r, s, a, _: r.offerings.view(s, *a), 1, 1),
    "ADD_TEMPLATE_REQUEST": Procedure(lambda r, s, a, _: r.requests.add_template(s, *a), 3, 3),
    "REMOVE_TEMPLATE": Procedure(lambda r, s, a, _: r.requests.remove_template(s, *a), 3, 3),
    "VIEW_TEMPLATES": Procedure(lambda r, s, a, _: r.templates.view(s, *a), 1, 1),
    "VIEW_CODE_SPECS": Procedure(lambda r, s, a, _: r.templates.view_code_specs(s, *a), 1, 1),
    "VIEW_UPDATE_REQUESTS": Procedure(lambda r, s, a, _: r.request_answers.view(s, *a), 1, 1),
    "APPROVE_UPDATE_REQUEST": Procedure(lambda r, s, a, _: r.requests.approve(s, *a), 2, 2),
    "REJECT_UPDATE_REQUEST": Procedure(lambda r, s, a, _: r.requests.reject(s, *a), 3, 3),
    "GET_CONFIGURATION": Procedure(lambda r, s, a, _: r.configuration.get(s, *a), 1, 1),
    "SET_CONFIGURATION": Procedure(lambda r, s, a, _: r.configuration.set(s, *a), 3, 3),
    "ENABLE_TEMPLATE_AUTO_APPROVAL": Procedure(
        lambda r, s, a, _: r.configuration.set(s, a[0], "TEMPLATE_AUTO_APPROVAL", "true"), 1, 1
    ),
    "DISABLE_TEMPLATE_AUTO_APPROVAL": Procedure(
        lambda r, s, a, _: r.configuration.set(s, a[0], "TEMPLATE_AUTO_APPROVAL", "false"), 1, 1
    ),
    "RUN": Procedure(_run, 2, 5),
    "RUN_ML_JOB_ACTION": Procedure(lambda r, s, a, _: r.ml_jobs.action(s, *a), 2, 2),
    "VIEW_ACTIVATIONS": Procedure(lambda r, s, a, _: r.activations.view(s, *a), 1, 1),
    "PROCESS_ACTIVATION": Procedure(lambda r, s, a, q: r.activations.process(s, *a, query_id=q), 1, 2),
    "VIEW_ACTIVITY_HISTORY": Procedure(lambda r, s, a, _: r.history.view(s, *a), 1, 1),
}
_ADMIN: Mapping[str, Procedure] = {
    "GRANT_PRIVILEGE_ON_ACCOUNT_TO_ROLE": Procedure(
        lambda r, s, a, _: r.role_privileges.on_account(s, *a, revoke=False), 2, 2
    ),
    "REVOKE_PRIVILEGE_ON_ACCOUNT_FROM_ROLE": Procedure(
        lambda r, s, a, _: r.role_privileges.on_account(s, *a, revoke=True), 2, 2
    ),
    "GRANT_PRIVILEGE_ON_OBJECT_TO_ROLE": Procedure(
        lambda r, s, a, _: r.role_privileges.on_object(s, *a, revoke=False), 4, 4
    ),
    "REVOKE_PRIVILEGE_ON_OBJECT_FROM_ROLE": Procedure(
        lambda r, s, a, _: r.role_privileges.on_object(s, *a, revoke=True), 4, 4
    ),
    "CHECK_PRIVILEGES": Procedure(lambda r, s, a, _: r.role_privileges.check(s, *a), 1, 3),
}


def _up_to_date(name: str) -> Procedure:
    """What installs a release of the service's: there is the one that this engine has, and its package brings another.

    Source: docs.snowflake.com, cleanrooms/managing-updates.
    """
    told = f"Data Clean Rooms {VERSION} is installed; the package cleanroom-ml brings the next version."
    return Procedure(lambda *_: Rows.one(name, told), 0, 0)


_LIBRARY: Mapping[str, Procedure] = {
    "APPLY_PATCH": _up_to_date("APPLY_PATCH"),
    "ENABLE_LOCAL_DB_AUTO_UPGRADES": _up_to_date("ENABLE_LOCAL_DB_AUTO_UPGRADES"),
    "CHECK_MOUNT_STATUS": Procedure(lambda r, s, _, __: r.role_privileges.mounted(s), 0, 0),
}
PROCEDURES: Mapping[str, Mapping[str, Procedure]] = {
    "REGISTRY": _REGISTRY,
    "COLLABORATION": _COLLABORATION,
    "ADMIN": _ADMIN,
    "LIBRARY": _LIBRARY,
}


def _image_drift(rooms: Rooms, _: Session, args: Arguments, __: str) -> Rows:
    """COMPARE(image_tag or NULL, digest): what has become of an image that a code spec pinned."""
    tag, digest = args
    reported = rooms.environments.drift(None if tag is None else str(tag), str(digest))
    return Rows.one("COMPARE", json.dumps(reported))


_JOBS: Mapping[str, Procedure] = {
    "LIST": Procedure(lambda r, s, a, _: r.own_jobs.list(s, *a), 1, 2),
    "STATUS": Procedure(lambda r, s, a, _: r.own_jobs.status(s, *a), 2, 2),
    "LOGS": Procedure(lambda r, s, a, _: r.own_jobs.logs(s, *a), 2, 3),
    "EVENTS": Procedure(lambda r, s, a, _: r.own_jobs.events(s, *a), 2, 3),
    "USAGE": Procedure(lambda r, s, a, _: r.own_jobs.usage(s, *a), 2, 2),
    "CANCEL": Procedure(lambda r, s, a, _: r.own_jobs.cancel(s, *a), 2, 2),
}
OWN_PROCEDURES: Mapping[str, Mapping[str, Procedure]] = {
    "APPROVALS": {
        "VIEW_DECISIONS": Procedure(lambda r, s, a, _: r.request_answers.decisions(s, *a), 1, 1),
        "DESCRIBE_REQUEST": Procedure(lambda r, s, a, _: r.request_answers.describe(s, *a), 2, 2),
    },
    "CODE_SPECS": {"DESCRIBE": Procedure(lambda r, s, a, _: r.code_specs.describe(s, *a), 1, 1)},
    "IMAGES": {"COMPARE": Procedure(_image_drift, 2, 2)},
    "JOBS": _JOBS,
}

NOT_BUILT: Mapping[str, Mapping[str, str]] = {
    "ADMIN": {"ENABLE_EXTERNAL_TABLE_ANALYSIS_FOR_COLLABORATION": "it has no external and no Iceberg tables"},
    "REGISTRY": {
        "REGISTER_STANDARD_DCR_TEMPLATES": "the text of these templates is not public. Register one of your own: "
        f"CALL {ROOM_DATABASE}.REGISTRY.REGISTER_TEMPLATE($$ … $$)"
    },
}
"""What the documentation has and this engine has not, by schema, and why."""


class ProcedureTable:
    """`statements.ports.Procedures` over the rooms."""

    def __init__(self, rooms: Rooms) -> None:
        self._rooms = rooms

    def call(self, session: Session, name: tuple[str, ...], args: Arguments, *, query_id: str) -> StatementResult:
        """Runs a procedure; `name` is folded.

        Raises:
            SqlError: unknown, not built, a wrong number of arguments, or what the procedure refuses.
        """
        parts = name if len(name) == 3 else _qualified(session, name)
        schema, procedure = parts[-2], parts[-1]
        known = {DATABASE: PROCEDURES, OWN_DATABASE: OWN_PROCEDURES}.get(parts[0]) if len(parts) == 3 else None
        if known is None:
            raise _unknown(name)
        why = NOT_BUILT.get(schema, {}).get(procedure) if known is PROCEDURES else None
        if why is not None:
            raise SqlError(2, "0A000", f"The embedded engine does not support {schema}.{procedure}: {why}.")
        found = known.get(schema, {}).get(procedure)
        if found is None:
            raise _unknown(name)
        if not found.fewest <= len(args) <= found.most:
            counts = str(found.fewest) if found.fewest == found.most else f"{found.fewest} to {found.most}"
            raise SqlError(
                938, "22023", f"SQL compilation error:\n{schema}.{procedure} takes {counts} arguments, got {len(args)}."
            )
        # The engine's own procedures have schemas of their own: none of their names is one of the documentation's.
        place = schema if known is PROCEDURES else f"{OWN_DATABASE}.{schema}"
        args = tuple(self._rooms.role_checks.check(session, place, procedure, args))
        try:
            result = found.method(self._rooms, session, args, query_id)
            return (
                self._rooms.role_checks.shown(session, place, procedure, result) if isinstance(result, Rows) else result
            )
        except JobsError as error:
            raise room_error(error.name, error.what) from None

    def known(self) -> Iterable[KnownProcedure]:
        """Every procedure that is built."""
        for database, schemas in ((DATABASE, PROCEDURES), (OWN_DATABASE, OWN_PROCEDURES)):
            for schema, procedures in schemas.items():
                for name, each in procedures.items():
                    yield KnownProcedure(database, schema, name, each.fewest, each.most)


class RoomApplications:
    """`statements.ports.Applications` over the rooms."""

    def __init__(self, rooms: Rooms) -> None:
        self._rooms = rooms

    def describe(self, session: Session, name: str) -> Rows:
        """DESCRIBE APPLICATION."""
        return self._rooms.describe_application(session, name)

    def show(self, session: Session, like: str | None = None) -> Rows:
        """SHOW APPLICATIONS; `like` is matched by the caller's rules, in any case."""
        found = self._rooms.applications(session)
        if like is None:
            return found
        return Rows(found.columns, [row for row in found.rows if matches(like, str(row[1]))], found.statement_type)


class StatementRunner:
    """`rooms.ports.RoomExecutor` over the statements room and its warehouse. `executor` is set once there is one."""

    def __init__(self, storage: Storage, warehouse: Warehouse) -> None:
        self._storage = storage
        self._warehouse = warehouse
        self.executor: Executor | None = None

    def run(
        self,
        catalog: StatementCatalog,
        session: Session,
        text: str,
        binds: Mapping[str, Value],
        *,
        query_id: str,
        written: Written | None = None,
    ) -> StatementResult:
        """The statement's result. Raises SqlError."""
        assert self.executor is not None  # the engine is assembled before anybody calls
        return self.executor.execute_in(catalog, session, text, Binds.of(**binds), query_id=query_id, written=written)

    def check_packages(self, packages: Sequence[str]) -> None:
        """Raises SqlError: functions in Python cannot have one of them."""
        self._warehouse.check_packages(packages)

    def returned(self, result: object) -> Value:
        """A block's one value."""
        rows: Sequence[tuple[Value, ...]] = result.rows if isinstance(result, Rows) else ()
        return rows[0][0] if len(rows) == 1 and len(rows[0]) == 1 else None

    def values(self, catalog: Catalog, caller: object, text: str, *, query_id: str) -> list[tuple[Value, ...]]:
        """The rows of a small query. Raises SqlError."""
        compiled = compile_query(text, catalog)
        with self._storage.pin(compiled.inputs):
            _, rows = self._warehouse.rows(compiled, query_id=query_id)
        return rows


def _qualified(session: Session, name: tuple[str, ...]) -> tuple[str, ...]:
    """A name of fewer than three parts, completed by the session's database and schema as far as it has them."""
    before = (session.database or "", session.schema or "")
    return (*before[: 3 - len(name)], *name)


def _unknown(name: tuple[str, ...]) -> SqlError:
    return SqlError(2140, "42601", f"SQL compilation error:\nUnknown function {'.'.join(name)[:300]}")

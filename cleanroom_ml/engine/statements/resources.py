"""SHOW and DESCRIBE AS RESOURCE: what Snowpark's `session.catalog` asks for, each row as the JSON of a resource.

No page of the reference has it. The fields are those that the models of `snowflake.core` take (snowpark: `catalog.py`,
`_SqlCatalogBackend`) for databases, schemas, tables, views, functions and procedures; other kinds are refused.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Final

from cleanroom_ml.engine.contracts.table import DESCRIBE, SHOW, Rows
from cleanroom_ml.engine.sql.binds import Value
from cleanroom_ml.engine.sql.errors import SqlError
from cleanroom_ml.engine.sql.read.describe import Describe
from cleanroom_ml.engine.statements import routine_resources
from cleanroom_ml.engine.statements.results import VARCHAR
from cleanroom_ml.engine.statements.work import Work
from cleanroom_ml.engine.storage.keys import Key

_TEXTS: Final = ("name", "created_on", "database_name", "schema_name", "owner", "comment", "options", "owner_role_type")
_TRUTHS: Final = ("is_default", "is_current")
_NUMBERS: Final[Mapping[str, str]] = {"retention_time": "retention_time", "rows": "rows", "bytes": "bytes"}
_TABLE_KINDS: Final[Mapping[str, str]] = {"TABLE": "PERMANENT", "TEMPORARY": "TEMPORARY", "TRANSIENT": "TRANSIENT"}
_KINDS: Final = frozenset({"DATABASES", "SCHEMAS", "TABLES", "VIEWS", "USER FUNCTIONS", "PROCEDURES"})


def resources(work: Work, kind: str, rows: Iterable[Mapping[str, Value]]) -> Rows:
    """The rows of a listing as resources, one column. Raises SqlError: there are none of this kind here."""
    if kind not in _KINDS:
        raise SqlError.unsupported(f"SHOW AS RESOURCE {kind}")
    found = (_resource(work, kind, row) for row in rows)
    return _shown([each for each in found if each is not None], SHOW)


def described(work: Work, statement: Describe) -> Rows:
    """DESCRIBE AS RESOURCE of a function or a procedure. Raises SqlError: it is not there, or of another kind."""
    if statement.kind not in routine_resources.KINDS:
        raise SqlError.unsupported(f"DESCRIBE AS RESOURCE {statement.kind}")
    return _shown([routine_resources.described(work, statement)], DESCRIBE)


def _shown(found: Iterable[Mapping[str, object]], statement_type: int) -> Rows:
    return Rows((("As Resource", VARCHAR),), [(json.dumps(each),) for each in found], statement_type)


def _resource(work: Work, kind: str, row: Mapping[str, Value]) -> dict[str, object] | None:
    if kind in routine_resources.KINDS:
        return routine_resources.listed(work, kind, row)
    made: dict[str, object] = {name: str(row[name]) for name in _TEXTS if row.get(name) not in {None, ""}}
    made |= {name: row[name] == "Y" for name in _TRUTHS if row.get(name) in {"Y", "N"}}
    made |= {name: int(str(row[each])) for each, name in _NUMBERS.items() if str(row.get(each) or "").isdecimal()}
    if kind == "TABLES":
        made["kind"] = _TABLE_KINDS.get(str(row.get("kind")), "PERMANENT")
    if kind == "VIEWS":
        key = Key(work.session.account, *(str(row[each]) for each in ("database_name", "schema_name", "name")))
        view = work.storage.views.get(key, work.session.id)
        made["columns"] = [{"name": each.name} for each in view.columns] if view is not None else []
        made["query"] = str(row.get("text") or "")
        made["secure"] = str(row.get("is_secure")).lower() in {"true", "y"}
    return made

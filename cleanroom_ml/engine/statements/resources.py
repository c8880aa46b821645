"""SHOW AS RESOURCE: what Snowpark's `session.catalog` asks for, each row as the JSON of a resource.

No page of the reference has it. The fields are those that the models of `snowflake.core` take (snowpark: `catalog.py`,
`_SqlCatalogBackend`) for databases, schemas, tables and views; other kinds are refused.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Final

from cleanroom_ml.engine.contracts.table import SHOW, Rows
from cleanroom_ml.engine.sql.binds import Value
from cleanroom_ml.engine.sql.errors import SqlError
from cleanroom_ml.engine.statements.results import VARCHAR
from cleanroom_ml.engine.statements.work import Work
from cleanroom_ml.engine.storage.keys import Key

_TEXTS: Final = ("name", "created_on", "database_name", "schema_name", "owner", "comment", "options", "owner_role_type")
_TRUTHS: Final = ("is_default", "is_current")
_NUMBERS: Final[Mapping[str, str]] = {"retention_time": "retention_time", "rows": "rows", "bytes": "bytes"}
_TABLE_KINDS: Final[Mapping[str, str]] = {"TABLE": "PERMANENT", "TEMPORARY": "TEMPORARY", "TRANSIENT": "TRANSIENT"}
_KINDS: Final = frozenset({"DATABASES", "SCHEMAS", "TABLES", "VIEWS"})


def resources(work: Work, kind: str, rows: Iterable[Mapping[str, Value]]) -> Rows:
    """The rows of a listing as resources, one column. Raises SqlError: there are none of this kind here."""
    if kind not in _KINDS:
        raise SqlError.unsupported(f"SHOW AS RESOURCE {kind}")
    return Rows((("As Resource", VARCHAR),), [(json.dumps(_resource(work, kind, row)),) for row in rows], SHOW)


def _resource(work: Work, kind: str, row: Mapping[str, Value]) -> dict[str, object]:
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

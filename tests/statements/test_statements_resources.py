"""SHOW AS RESOURCE, as Snowpark's `session.catalog` reads it (snowpark: `catalog.py`, `_SqlCatalogBackend`; the fields
are those of `snowflake.core`'s models).
"""

from __future__ import annotations

import json

from statements_client import Client
from statements_foreign import refused


def shown(client: Client, text: str) -> list[dict[str, object]]:
    return [json.loads(value) for (value,) in client.rows(text)]


def test_rows_are_resources_of_what_is_there_for_the_role(admin: Client, reader: Client) -> None:
    admin.result("CREATE TABLE kept (a INT)")
    admin.result("CREATE VIEW seen (x, y) AS SELECT 1, 2")
    [table] = shown(admin, "SHOW AS RESOURCE TABLES LIKE 'KEPT' IN alpha_db.public")
    assert (table["name"], table["database_name"], table["kind"]) == ("KEPT", "ALPHA_DB", "PERMANENT")
    [view] = shown(admin, "SHOW AS RESOURCE VIEWS LIKE 'SEEN' IN alpha_db.public")
    assert view["columns"] == [{"name": "X"}, {"name": "Y"}]
    assert "SELECT 1, 2" in str(view["query"])
    [database] = shown(admin, "SHOW AS RESOURCE DATABASES LIKE 'ALPHA_DB' LIMIT 10")
    assert database["is_current"] is True
    assert shown(reader, "SHOW AS RESOURCE TABLES LIKE 'KEPT' IN alpha_db.public") == []
    assert "AS RESOURCE STAGES" in refused(admin, "SHOW AS RESOURCE STAGES")

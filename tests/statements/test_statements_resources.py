"""SHOW AS RESOURCE, as Snowpark's `session.catalog` reads it (snowpark: `catalog.py`, `_SqlCatalogBackend`; the fields
are those of `snowflake.core`'s models).
"""

from __future__ import annotations

import json

import pytest
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


@pytest.mark.sandbox
def test_functions_and_procedures_are_resources(admin: Client, reader: Client) -> None:
    """snowpark-python, tests/integ/test_catalog_sql_mode.py (`test_get_procedure_sql_mode` and its like)."""
    admin.result("CREATE SECURE FUNCTION twice(x INT) RETURNS NUMBER(10,2) AS 'x * 2'")
    admin.result("CREATE PROCEDURE p(a VARCHAR(10)) RETURNS TABLE (b INT) LANGUAGE SQL AS 'BEGIN RETURN NULL; END'")
    [function] = shown(admin, "DESCRIBE AS RESOURCE FUNCTION alpha_db.public.twice(int)")
    assert function["arguments"] == [{"name": "X", "datatype": "NUMBER"}]
    assert function["return_type"] == {"type": "DATATYPE", "datatype": "NUMBER(10,2)"}
    assert function["language_config"] == {"language": "SQL", "called_on_null_input": True, "is_volatile": True}
    assert (function["name"], function["body"], function["is_secure"]) == ("TWICE", "x * 2", True)
    [procedure] = shown(admin, "SHOW AS RESOURCE PROCEDURES LIKE 'P' IN alpha_db.public")
    assert procedure == shown(admin, "DESCRIBE AS RESOURCE PROCEDURE alpha_db.public.p(varchar)")[0]
    assert procedure["return_type"] == {"type": "TABLE", "column_list": [{"name": "B", "datatype": "NUMBER(38,0)"}]}
    admin.result("GRANT USAGE ON FUNCTION twice(int) TO ROLE reader")
    [seen] = shown(reader, "SHOW AS RESOURCE USER FUNCTIONS LIKE 'TWICE' IN alpha_db.public")
    assert "body" not in seen, "what a secure one is made of is its owner's to know"
    for text in ("DESCRIBE AS RESOURCE PROCEDURE p(varchar)", "DESCRIBE AS RESOURCE FUNCTION nope()"):
        assert "does not exist or not authorized" in refused(reader, text)
    assert "AS RESOURCE TABLE" in refused(admin, "DESCRIBE AS RESOURCE TABLE seen")

"""What a number that does not fit, or a value that is none, is told to a client as: Snowflake's code and SQL state, and
never the value, which the caller may not be allowed to see (sql-reference/functions/to_decimal gives 100039, 100140).
"""

from __future__ import annotations

import duckdb
import pytest

from cleanroom_ml.engine.sql.compiled import Compiled
from cleanroom_ml.engine.warehouse.failing import failure
from cleanroom_ml.engine.warehouse.failures import from_answer

SECRET = "4711471147"
CASES = [
    (f"SELECT CAST(x AS DECIMAL(2,0)) FROM (VALUES ({SECRET})) t(x)", 100039, "22003"),
    (f"SELECT CAST(x AS DECIMAL(2,0)) FROM (VALUES ('-{SECRET}.5')) t(x)", 100039, "22003"),
    (f"SELECT CAST(x AS BIGINT) * 9223372036854775807 FROM (VALUES ({SECRET})) t(x)", 100132, "22003"),
    (f"SELECT CAST(x AS DOUBLE) FROM (VALUES ('{SECRET}x')) t(x)", 100038, "22018"),
    (f"SELECT CAST(x AS DECIMAL(38,0)) FROM (VALUES ('{SECRET}x')) t(x)", 100038, "22018"),
    (f"SELECT CAST(x AS BOOLEAN) FROM (VALUES ('{SECRET}')) t(x)", 100037, "22018"),
    (f"SELECT CAST(x AS DATE) FROM (VALUES ('{SECRET}')) t(x)", 100040, "22007"),
    (f"SELECT CAST(x AS TIMESTAMP) FROM (VALUES ('{SECRET}')) t(x)", 100035, "22007"),
    (f"SELECT {SECRET} // CAST(x AS BIGINT) FROM (VALUES (0)) t(x)", 100051, "22012"),
    ("SELECT error('cleanroom:floating')", 100064, "22000"),
    ("SELECT error('cleanroom:format')", 100140, "22007"),
    ("SELECT error('cleanroom:duplicatekey')", 100072, "22000"),
    ("SELECT error('cleanroom:range')", 100132, "22003"),
]


@pytest.mark.parametrize(("sql", "code", "sqlstate"), CASES)
def test_a_failure_has_snowflakes_code_and_no_value(sql: str, code: int, sqlstate: str) -> None:
    with pytest.raises(duckdb.Error) as failed:
        duckdb.connect().sql(sql).fetchall()
    error = from_answer(failure(failed.value), Compiled(sql, (), "token"), (), "q")
    assert (error.code, error.sqlstate) == (code, sqlstate)
    assert SECRET not in str(error)

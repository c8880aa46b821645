"""COPY INTO with VALIDATION_MODE looks and loads nothing: sql-reference/sql/copy-into-table, "VALIDATION_MODE"."""

from __future__ import annotations

from decimal import Decimal

import pytest
from statements_client import Client

from cleanroom_ml.engine.sql.errors import SqlError

pytestmark = pytest.mark.sandbox


def test_a_load_can_be_tried(alpha: Client) -> None:
    alpha.result("CREATE STAGE s")
    alpha.result("CREATE TABLE t (id INT, name VARCHAR, price NUMBER(5,2))")
    alpha.put("S", "good.csv", b"1,one,1.5\n2,two,2.25\n3,three,3\n")
    alpha.put("S", "bad.csv", b"4,four,4\n5,five,none\n")
    alpha.put("S", "j.json", b'{"a": 1}')
    copy = "COPY INTO t FROM @s"
    wanted = [(1, "one", Decimal("1.50")), (2, "two", Decimal("2.25"))]
    assert alpha.rows(f"{copy} FILES = ('good.csv') VALIDATION_MODE = RETURN_2_ROWS") == wanted
    assert alpha.rows(f"{copy} PATTERN = '.*nothing' VALIDATION_MODE = RETURN_2_ROWS") == []
    assert alpha.rows(f"{copy} FILES = ('bad.csv') VALIDATION_MODE = RETURN_1_ROWS") == [(4, "four", Decimal(4))]
    with pytest.raises(SqlError, match=r"'none' is not recognized[\s\S]*line 2"):
        alpha.rows(f"{copy} FILES = ('bad.csv') VALIDATION_MODE = RETURN_2_ROWS")
    assert alpha.rows(f"{copy} FILES = ('good.csv') VALIDATION_MODE = RETURN_ERRORS") == []
    (told,) = alpha.dicts(f"{copy} FILES = ('good.csv', 'other.csv') VALIDATION_MODE = RETURN_ALL_ERRORS")
    assert (told["FILE"], told["CODE"]) == ("other.csv", 91016)
    assert "The file might not exist." in str(told["ERROR"])
    alpha.put("S", "latin.csv", "1,größer,2\n".encode("latin-1"))
    for text, message in [
        (f"{copy} FILES = ('latin.csv')", "Invalid UTF8"),
        (f"{copy} FILES = ('bad.csv') VALIDATION_MODE = RETURN_ALL_ERRORS", "RETURN_ALL_ERRORS of a file with errors"),
        (f"{copy} VALIDATION_MODE = RETURN_SOME", "Invalid value for VALIDATION_MODE"),
        ("COPY INTO t (id) FROM (SELECT $1 FROM @s) VALIDATION_MODE = RETURN_2_ROWS", "VALIDATION_MODE of a COPY that"),
        ("COPY INTO t (id, name) FROM (SELECT $1 FROM @s)", "list expecting 2 but got 1"),
        (f"{copy} FILES = ('j.json') FILE_FORMAT = (TYPE = JSON)", "JSON file format can produce one and only one"),
    ]:
        with pytest.raises(SqlError, match=message):
            alpha.rows(text)
    assert alpha.rows("SELECT count(*) FROM t") == [(0,)]
    inferred = "SELECT COLUMN_NAME, EXPRESSION FROM TABLE(INFER_SCHEMA(LOCATION => '@s/j.json', FILE_FORMAT => 'f'"
    alpha.result("CREATE FILE FORMAT f TYPE = JSON FILE_EXTENSION = 'json'")
    alpha.put("S", "j.json", b'{"b": 1, "a": "x"}')
    assert alpha.rows(f"{inferred}))") == [("a", '$1:"a"::VARCHAR'), ("b", '$1:"b"::NUMBER(38,0)')]
    alike = alpha.rows(f"{inferred}, IGNORE_CASE => TRUE))")
    assert alike == [("A", "GET_IGNORE_CASE ($1, 'A')::VARCHAR"), ("B", "GET_IGNORE_CASE ($1, 'B')::NUMBER(38,0)")]

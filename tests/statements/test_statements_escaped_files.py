"""What COPY INTO a stage escapes is what COPY INTO a table and a query of the stage read: sql-reference/sql/
create-file-format, ESCAPE_UNENCLOSED_FIELD (a backslash by default) and NULL_IF, and -/copy-into-table, TRIM_SPACE.
"""

from __future__ import annotations

import pytest
from statements_client import Client

pytestmark = pytest.mark.sandbox

TEXTS = ["b,c", None, "x\ny", "C:\\tmp", '"q"', "a"]


def test_an_unloaded_file_is_read_as_it_was(alpha: Client) -> None:
    alpha.result("CREATE STAGE s")
    alpha.result("CREATE TABLE t (id INT, text VARCHAR)")
    listed = ", ".join(f"({number}, ?)" for number in range(len(TEXTS)))
    alpha.result(f"INSERT INTO t VALUES {listed}", *TEXTS)
    alpha.result("COPY INTO @s/out FROM t")
    assert [row[0] for row in alpha.rows("SELECT $2 FROM @s ORDER BY $1")] == TEXTS
    alpha.result("CREATE TABLE u LIKE t")
    alpha.result("COPY INTO u FROM @s")
    assert [row[0] for row in alpha.rows("SELECT text FROM u ORDER BY id")] == TEXTS


def test_escapes_and_spaces_are_what_the_format_says(alpha: Client) -> None:
    alpha.result("CREATE STAGE s")
    alpha.put("S", "f.csv", b'1,"a\\b"\n2,c\\,d\n3 , " e " \n')
    read = "SELECT $2 FROM @s (FILE_FORMAT => {}) ORDER BY $1"
    formats = {
        "both": "TRIM_SPACE = TRUE FIELD_OPTIONALLY_ENCLOSED_BY = '\"'",
        "neither": "ESCAPE_UNENCLOSED_FIELD = NONE",
        "enclosed": "ESCAPE = '\\\\' FIELD_OPTIONALLY_ENCLOSED_BY = '\"' TRIM_SPACE = TRUE",
    }
    for name, options in formats.items():
        alpha.result(f"CREATE FILE FORMAT {name} TYPE = CSV {options}")
    found = {name: [row[0] for row in alpha.rows(read.format(name))] for name in formats}
    assert found == {
        "both": ["a\\b", "c,d", " e "],
        "neither": ['"a\\b"', "c\\", ' " e " '],
        "enclosed": ["ab", "c,d", " e "],
    }

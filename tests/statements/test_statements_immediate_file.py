"""EXECUTE IMMEDIATE FROM: sql-reference/sql/execute-immediate-from, whose example and error codes these are."""

from __future__ import annotations

import pytest
from statements_client import Client
from statements_foreign import ABSENT, refused

from cleanroom_ml.engine.statements.kinds import immediate_file

CREATE = b"""-- The page's example.
CREATE OR REPLACE TABLE my_inventory(
  sku VARCHAR,
  price NUMBER
);

EXECUTE IMMEDIATE FROM './insert-inventory.sql';

SELECT sku, price
  FROM my_inventory
  ORDER BY price DESC;
"""
INSERT = b"INSERT INTO my_inventory VALUES ('XYZ12345', 10.00), ('XYZ81974', 50.00), ('XYZ34985', 30.00);"


@pytest.mark.sandbox
def test_the_pages_example(admin: Client) -> None:
    admin.put("S", "scripts/create-inventory.sql", CREATE)
    admin.put("S", "scripts/insert-inventory.sql", INSERT)
    wanted = [("XYZ81974", 50), ("XYZ34985", 30), ("XYZ12345", 10)]
    assert admin.rows("EXECUTE IMMEDIATE FROM @s/scripts/create-inventory.sql") == wanted
    admin.put(
        "S", "top.sql", b"EXECUTE IMMEDIATE FROM '/scripts/insert-inventory.sql'; SELECT count(*) FROM my_inventory"
    )
    assert admin.rows("EXECUTE IMMEDIATE FROM '@alpha_db.public.s/top.sql'") == [(6,)]
    # Each statement is the last one for the next.
    admin.put(
        "S",
        "last.sql",
        b"\xef\xbb\xbfSHOW TABLES LIKE 'my_inventory';\nSELECT \"name\" FROM TABLE(RESULT_SCAN(LAST_QUERY_ID()))",
    )
    assert admin.rows("EXECUTE IMMEDIATE FROM @s/last.sql") == [("MY_INVENTORY",)]
    admin.put("S", "block.sql", b"BEGIN\n  LET x := 1;\n  RETURN x + 1;\nEND;")
    assert admin.rows("EXECUTE IMMEDIATE FROM @s/block.sql") == [(2,)]
    block = "BEGIN EXECUTE IMMEDIATE FROM @s/scripts/insert-inventory.sql; RETURN 'done'; END"
    assert admin.rows(block) == [("done",)]
    assert admin.rows("SELECT count(*) FROM my_inventory") == [(9,)]
    # In a block what it gives last is the block's, by value, as what a SELECT there gives.
    scan = "LET n := (SELECT * FROM TABLE(RESULT_SCAN(LAST_QUERY_ID())))"
    block = f"BEGIN EXECUTE IMMEDIATE FROM @s/top.sql; {scan}; RETURN n; END"
    assert admin.rows(block) == [(12,)]


def test_what_fails_says_where_and_what_was_done_stays(admin: Client) -> None:
    admin.put(
        "S", "half.sql", b"CREATE TABLE done (a INT);\n\n  CREATE TABLE done (a INT);\nCREATE TABLE later (a INT)"
    )
    said = refused(admin, "EXECUTE IMMEDIATE FROM @s/half.sql")
    where = "Uncaught exception of type 'STATEMENT_ERROR' in file half.sql on line 3 at position 2: "
    assert where in said
    assert "'DONE' already exists" in said
    assert [row["name"] for row in admin.dicts("SHOW TABLES") if row["name"] in {"DONE", "LATER"}] == ["DONE"]
    for text, code in (
        ("EXECUTE IMMEDIATE FROM @s/scripts/", "001501 File 'scripts/' not found in stage 'S'."),
        ("EXECUTE IMMEDIATE FROM @s/none.sql", "001501 "),
        ("EXECUTE IMMEDIATE FROM './half.sql'", "001503 Relative file references like './half.sql' cannot be used"),
        ("EXECUTE IMMEDIATE FROM @none/half.sql", ABSENT),
        ("EXECUTE IMMEDIATE FROM @s/half.sql USING (a => 1)", "000002 "),
        ("EXECUTE IMMEDIATE FROM @s/half.sql DRY_RUN = TRUE", "000002 "),
    ):
        assert refused(admin, text).startswith(code), text
    for name, content, why in (
        ("jinja.sql", b" --!jinja2\nSELECT {{ x }}", "Jinja template (--!jinja): render it where you are"),
        ("packed.sql", b"\x1f\x8b\x08\x00\xff", "no text in UTF-8. PUT compresses a text"),
        ("up.sql", b"EXECUTE IMMEDIATE FROM '../../x.sql'", "Invalid stage path"),
        ("put.sql", b"PUT file:///tmp/x @s", "PUT and GET"),
        ("loop.sql", b"EXECUTE IMMEDIATE FROM './loop.sql'", "more than 5 files"),
    ):
        admin.put("S", name, content)
        assert why in refused(admin, f"EXECUTE IMMEDIATE FROM @s/{name}"), name
    # As PUT leaves a file that it was not told to leave alone (sql-reference/sql/put, AUTO_COMPRESS).
    admin.put("S", "plain.sql.gz", b"\x1f\x8b")
    assert refused(admin, "EXECUTE IMMEDIATE FROM @s/plain.sql").endswith("PUT it again with AUTO_COMPRESS = FALSE")


@pytest.mark.attack
def test_a_file_does_what_its_session_may_and_no_more(
    reader: Client, admin: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    admin.put("S", "steal.sql", b"SELECT 1;\nDESCRIBE TABLE t")
    run = "EXECUTE IMMEDIATE FROM @s/steal.sql"
    assert refused(reader, run).startswith(ABSENT)
    admin.result("GRANT READ ON STAGE s TO ROLE reader")
    said = refused(reader, run)
    assert "in file steal.sql on line 2 at position 0: SQL compilation error:\n" in said
    assert "'T' does not exist or not authorized" in said
    monkeypatch.setattr(immediate_file, "_LARGEST", 10)
    assert "a file of 26 bytes" in refused(admin, run)
    monkeypatch.undo()
    assert len(admin.rows(run)) == 2

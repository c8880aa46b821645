"""COPY FILES: sql-reference/sql/copy-files."""

from __future__ import annotations

import pytest
from statements_client import Client

from cleanroom_ml.engine.sql.errors import SqlError

pytestmark = pytest.mark.sandbox


def test_files_are_copied_from_stage_to_stage(alpha: Client, beta: Client) -> None:
    for name in ("a", "b"):
        alpha.result(f"CREATE STAGE {name}")
    for path in ("one/1.txt", "one/2.txt", "two/3.txt"):
        alpha.put("A", path, path.encode())
    assert alpha.rows("COPY FILES INTO @b/x/ FROM @a/one/") == [("x/1.txt",), ("x/2.txt",)]
    assert alpha.rows("COPY FILES INTO @b FROM @a/two DETAILED_OUTPUT = FALSE") == [(1,)]
    assert alpha.rows("COPY FILES INTO @b/y FROM @a/one/ FILES = ('2.txt')") == [("y/2.txt",)]
    assert alpha.rows("COPY FILES INTO @b/z/ FROM @a PATTERN = '.*3.*'") == [("z/two/3.txt",)]
    named = "COPY FILES INTO @b/q/ FROM (SELECT '@a/one/1.txt', 'new.txt')"
    assert alpha.rows(named) == [("ALPHA_DB.PUBLIC.B/q/new.txt",)]
    assert alpha.rows("COPY FILES INTO @b/q/ FROM (SELECT '@a/two/3.txt')") == [("ALPHA_DB.PUBLIC.B/q/two/3.txt",)]
    listed = {str(row[0]) for row in alpha.rows("LIST @b")}
    assert listed == {
        f"b/{name}"
        for name in ("two/3.txt", "x/1.txt", "x/2.txt", "y/2.txt", "z/two/3.txt", "q/new.txt", "q/two/3.txt")
    }
    for text, message in [
        ("COPY FILES INTO @b FROM (SELECT '@a/one/1.txt', 'x', 'y')", "exceeds maximum allowable number of columns"),
        ("COPY FILES INTO @b FROM (SELECT '@a/one/9.txt')", "does not exist"),
        ("COPY FILES INTO @b FROM (SELECT 1)", "no text"),
        ("COPY FILES INTO @b FROM (SELECT '@a/one/1.txt', '../x')", "."),
        ("COPY FILES INTO @b FROM @a FILES = ('9.txt')", "does not exist"),
        ("COPY FILES INTO @b FROM @never", "does not exist"),
        ("COPY FILES INTO @b FROM @a OTHER = 1", "invalid parameter"),
    ]:
        with pytest.raises(SqlError, match=message):
            alpha.rows(text)
    for text in ("COPY FILES INTO @b FROM @alpha_db.public.a", "COPY FILES INTO @alpha_db.public.b FROM @c"):
        beta.result("CREATE STAGE IF NOT EXISTS b")
        beta.result("CREATE STAGE IF NOT EXISTS c")
        with pytest.raises(SqlError, match="does not exist or not authorized"):
            beta.rows(text)

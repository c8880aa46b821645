"""COMMENT ON (sql-reference/sql/comment), and the forms of SHOW GRANTS (sql-reference/sql/show-grants)."""

from __future__ import annotations

import pytest
from statements_client import Client
from statements_foreign import refused

pytestmark = pytest.mark.sandbox

MADE = (
    "CREATE SCHEMA s",
    "USE SCHEMA public",
    "CREATE TABLE t (a INT)",
    "CREATE VIEW v AS SELECT a FROM t",
    "CREATE TEMPORARY TABLE tt (a INT)",
    "CREATE TEMPORARY VIEW tv AS SELECT a FROM t",
    "CREATE SEQUENCE q",
    "CREATE FUNCTION f() RETURNS INT AS '1'",
)


def comment_of(client: Client, shown: str, name: str) -> object:
    """The comment that a SHOW or DESCRIBE tells of a thing."""
    found = client.result(shown)
    names = [column for column, _ in found.columns]
    (row,) = [row for row in found.rows if row[names.index("name")] == name]
    return row[names.index("comment")]


def test_each_kind_keeps_its_own(alpha: Client) -> None:
    for text in MADE:
        alpha.result(text)
    for kind, name, shown in (
        ("TABLE", "t", "TABLES"),
        ("VIEW", "v", "VIEWS"),
        ("TABLE", "tt", "TABLES"),
        ("VIEW", "tv", "VIEWS"),
        ("SEQUENCE", "q", "SEQUENCES"),
        ("SCHEMA", "s", "SCHEMAS"),
        ("DATABASE", "alpha_db", "DATABASES"),
    ):
        alpha.result(f"COMMENT ON {kind} {name} IS 'of {name}'")
        assert comment_of(alpha, f"SHOW {shown}", name.upper()) == f"of {name}"
    for name in ("t", "v", "tt"):
        alpha.result(f"COMMENT ON COLUMN {name}.a IS 'of a'")
        assert comment_of(alpha, f"DESCRIBE TABLE {name}", "A") == "of a"
        assert "invalid identifier" in refused(alpha, f"COMMENT ON COLUMN {name}.b IS 'x'")
    alpha.result("COMMENT ON FUNCTION f() IS 'of f'")
    assert "of f" in str(alpha.result("SHOW USER FUNCTIONS").rows)


def test_what_is_not_there_is_passed_over_only_where_that_is_asked(alpha: Client) -> None:
    assert "does not exist" in refused(alpha, "COMMENT ON TABLE nowhere IS 'x'")
    assert "does not exist" in refused(alpha, "COMMENT ON COLUMN nowhere.a IS 'x'")
    alpha.result("COMMENT IF EXISTS ON TABLE nowhere IS 'x'")
    assert "table.column" in refused(alpha, "COMMENT ON COLUMN a IS 'x'")


def test_grants_are_shown_by_role_by_user_and_by_account(admin: Client) -> None:
    admin.result("CREATE ROLE shown_role")
    admin.result("GRANT ROLE shown_role TO USER alpha_user")
    admin.result("GRANT CREATE DATABASE ON ACCOUNT TO ROLE shown_role")
    assert "CREATE DATABASE" in str(admin.result("SHOW GRANTS TO ROLE shown_role").rows)
    assert "SHOWN_ROLE" in str(admin.result("SHOW GRANTS TO USER alpha_user").rows)
    assert "SHOWN_ROLE" in str(admin.result("SHOW GRANTS ON ACCOUNT").rows)
    assert "ALPHA_USER" in str(admin.result("SHOW GRANTS OF ROLE shown_role").rows)
    assert admin.result("SHOW GRANTS TO SHARE nothing").rows == []
    assert [row[1] for row in admin.result("SHOW GRANTS ON ROLE shown_role").rows] == ["OWNERSHIP"]

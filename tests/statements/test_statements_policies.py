"""Policies: CREATE, ALTER, DROP, DESCRIBE, SHOW, and whose they are.

Source: user-guide/join-policies, "Showing and describing join policies" and "Summary of DDL commands, operations, and
privileges"; sql-reference/sql/show-aggregation-policies.
"""

from __future__ import annotations

import pytest
from statements_client import Client

from cleanroom_ml.engine.sql.errors import SqlError

JP1 = "CREATE JOIN POLICY jp1 AS () RETURNS JOIN_CONSTRAINT -> JOIN_CONSTRAINT(JOIN_REQUIRED => TRUE)"


def test_a_policy_is_made_shown_changed_and_dropped(alpha: Client) -> None:
    assert alpha.rows(JP1) == [("Join policy JP1 successfully created.",)]
    with pytest.raises(SqlError, match="already exists"):
        alpha.result(JP1)
    alpha.result(JP1.replace("POLICY", "POLICY IF NOT EXISTS"))
    (shown,) = alpha.dicts("SHOW JOIN POLICIES")
    assert list(shown) == [
        *("created_on", "name", "database_name", "schema_name", "kind", "owner", "comment", "owner_role_type"),
        "options",
    ]
    assert (shown["name"], shown["kind"], shown["owner_role_type"]) == ("JP1", "JOIN_POLICY", "ROLE")
    described = {"name": "JP1", "signature": "()", "return_type": "JOIN_CONSTRAINT"}
    assert alpha.dicts("DESCRIBE JOIN POLICY jp1") == [described | {"body": "JOIN_CONSTRAINT(JOIN_REQUIRED => TRUE)"}]
    alpha.result("ALTER JOIN POLICY jp1 SET BODY -> JOIN_CONSTRAINT(JOIN_REQUIRED => FALSE)")
    alpha.result("ALTER JOIN POLICY jp1 SET COMMENT = 'off'")
    alpha.result("ALTER JOIN POLICY jp1 RENAME TO jp2")
    assert alpha.dicts("DESC JOIN POLICY jp2")[0]["body"] == "JOIN_CONSTRAINT(JOIN_REQUIRED => FALSE)"
    assert [(row["name"], row["comment"]) for row in alpha.dicts("SHOW JOIN POLICIES")] == [("JP2", "off")]
    for text in (
        "ALTER JOIN POLICY jp2 SET BODY -> NULL",
        "CREATE OR REPLACE JOIN POLICY jp2 AS () RETURNS JOIN_CONSTRAINT -> own()",
        "DROP MASKING POLICY jp2",
    ):
        with pytest.raises(SqlError):
            alpha.result(text)
    alpha.result("DROP JOIN POLICY jp2")
    assert alpha.rows("SHOW JOIN POLICIES") == []
    alpha.result("DROP JOIN POLICY IF EXISTS jp2")


def test_a_policy_comes_back_with_its_schema_and_is_nobodys_elses(alpha: Client, beta: Client) -> None:
    alpha.result("CREATE SCHEMA kept")
    alpha.result(JP1.replace("jp1", "kept.jp1"))
    alpha.result("DROP SCHEMA kept")
    alpha.result("UNDROP SCHEMA kept")
    assert alpha.dicts("DESC JOIN POLICY kept.jp1")[0]["name"] == "JP1"
    assert beta.rows("SHOW JOIN POLICIES") == []
    with pytest.raises(SqlError, match="does not exist or not authorized"):
        beta.result("DESC JOIN POLICY alpha_db.kept.jp1")


def test_roles_have_what_they_were_granted(admin: Client, reader: Client) -> None:
    admin.result(JP1)
    for text in ("DESC JOIN POLICY jp1", "ALTER JOIN POLICY jp1 SET COMMENT = 'x'", "DROP JOIN POLICY jp1"):
        with pytest.raises(SqlError, match="does not exist or not authorized"):
            reader.result(text)
    with pytest.raises(SqlError, match="Insufficient privileges"):
        reader.result(JP1.replace("jp1", "jp2"))
    admin.result("GRANT APPLY ON JOIN POLICY jp1 TO ROLE reader")
    assert reader.dicts("DESC JOIN POLICY jp1")
    with pytest.raises(SqlError, match="Insufficient privileges"):
        reader.result("ALTER JOIN POLICY jp1 SET BODY -> JOIN_CONSTRAINT(JOIN_REQUIRED => FALSE)")
    admin.result("GRANT CREATE JOIN POLICY ON SCHEMA public TO ROLE reader")
    reader.result(JP1.replace("jp1", "jp2"))
    assert [row["owner"] for row in reader.dicts("SHOW JOIN POLICIES LIKE 'jp2'")] == ["READER"]
    admin.result("DROP JOIN POLICY jp1")
    admin.result(JP1)
    with pytest.raises(SqlError, match="does not exist or not authorized"):
        reader.result("DESC JOIN POLICY jp1")

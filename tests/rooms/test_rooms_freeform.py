"""Free-form SQL: the views that a runner queries directly, and what their policies let a query have.

Source: cleanrooms/free-form-sql; user-guide/aggregation-policies, -/aggregation-policies-entity-privacy,
-/join-policies, -/projection-policies; sql-reference/sql/create-masking-policy, -/create-row-access-policy.
"""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from freeform_world import AGGREGATED, named, offering, rows
from rooms_roles import lesser
from rooms_world import World

from cleanroom_ml.engine.rooms.freeform import FreeformViews
from cleanroom_ml.engine.sql.errors import SqlError

pytestmark = pytest.mark.sandbox


@pytest.mark.parametrize(
    ("query", "wanted"),
    [
        ("SELECT COUNT(*), MAX(income) FROM {free} WHERE city = 'Oslo'", [(6, 15)]),
        # user-guide/aggregation-policies, "Extended example": what is too small is one group, its key NULL.
        ("SELECT city, COUNT(*) AS n FROM {agg} GROUP BY city", [("Oslo", 6), (None, 6)]),
        ("SELECT city, TO_VARCHAR(AVG(income)) FROM {agg} GROUP BY 1", [("Oslo", "12.500000"), (None, "18.500000")]),
        ("SELECT UPPER(city) AS c, SUM(income) FROM {agg} GROUP BY c HAVING SUM(income) < 100", [("OSLO", 75)]),
        ("SELECT COUNT(*), COUNT(DISTINCT city), HLL(city) FROM {agg}", [(12, 4, 4)]),
        ("SELECT IFF(income > 15, 'high', 'low') AS b, COUNT(*) FROM {agg} GROUP BY b", [("high", 6), ("low", 6)]),
        # "A query that does not return enough results … returns a NULL value in every field of the results".
        ("SELECT COUNT(*) FROM {agg} WHERE DATEDIFF(day, '2024-01-01'::DATE, TRY_TO_DATE(city)) IS NULL", [(12,)]),
        (
            "SELECT DATE_PART(epoch_nanosecond, TRY_TO_TIMESTAMP(city)) AS n, COUNT(*) FROM {agg} GROUP BY ALL",
            [(None, 12)],
        ),
        ("SELECT COUNT(*), 'x' FROM {agg} WHERE city = 'Moss'", [(None, None)]),
        ("SELECT city, COUNT(*) FROM {agg} WHERE income > 18 GROUP BY city", [(None, None)]),
        # cleanrooms/free-form-sql, query 5: groups of one, no value of them is shown.
        ("SELECT hashed_email_sha256, COUNT(*) FROM {agg} GROUP BY hashed_email_sha256", [(None, 12)]),
        ("SELECT city FROM {rows} GROUP BY ALL", [("Oslo",), (None,)]),
        # "Joins": rows of the guarded table are counted; what is left (Bergen, of one) is told to nobody.
        (
            "SELECT t.city, COUNT(*) FROM {agg} AS t JOIN mine AS m ON t.hashed_email_sha256 = m.email GROUP BY 1",
            [("Oslo", 6)],
        ),
        (
            "SELECT city, COUNT(*) FROM {agg} JOIN (SELECT email AS hashed_email_sha256 FROM mine) AS m"
            " USING (hashed_email_sha256) GROUP BY city ORDER BY 2 DESC LIMIT 3",
            [("Oslo", 6)],
        ),
        # NO_AGGREGATION_CONSTRAINT: unrestricted access.
        ("SELECT city, income FROM {unagg} WHERE income = 21", [("Moss", 21)]),
        # "Once part of the query properly aggregates data …, these query restrictions do not apply" around it.
        ("SELECT * FROM (SELECT COUNT(*) AS n FROM {agg}) WHERE n > (SELECT COUNT(*) / 2 FROM {agg})", [(12,)]),
        ("WITH c AS (SELECT city, COUNT(*) AS n FROM {agg} GROUP BY city) SELECT MAX(n) FROM c", [(6,)]),
        # user-guide/join-policies, "Left and right outer joins depend on the order of tables".
        ("SELECT t.city FROM {joins} t JOIN mine m ON t.hashed_email_sha256 = m.email WHERE spent = 1", [("Oslo",)]),
        (
            "SELECT t.*, m.spent FROM {joins} t JOIN mine m ON t.hashed_email_sha256 = m.email WHERE spent > 63",
            [("0" * 63 + "6", "Bergen", 16, 64)],
        ),
        ("SELECT COUNT(t.city) FROM mine m LEFT JOIN {joins} t ON t.hashed_email_sha256 = m.email", [(7,)]),
        ("SELECT COUNT(t.city) FROM {joins} t RIGHT JOIN mine m ON t.hashed_email_sha256 = m.email", [(7,)]),
        (
            "SELECT t.city, COUNT(*) FROM {both} t JOIN mine m ON t.hashed_email_sha256 = m.email GROUP BY t.city",
            [("Oslo", 6)],
        ),
        # user-guide/projection-policies, "Overview": not shown in results, so that it may be filtered by.
        ("SELECT * EXCLUDE (hashed_email_sha256) FROM {hidden} WHERE hashed_email_sha256 LIKE '%b'", [("Moss", 21)]),
        ("SELECT COUNT(*) FROM {hidden} GROUP BY hashed_email_sha256 LIMIT 1", [(1,)]),
        ("SELECT COUNT(*) FROM {agghidden} WHERE hashed_email_sha256 > '0'", [(12,)]),
        # ENFORCEMENT => 'NULLIFY', and "any column that derives from that column".
        ("SELECT * FROM {nulled} WHERE income = 21", [(None, "Moss", 21)]),
        ("SELECT 'x' || hashed_email_sha256 AS h, city FROM {nulled} WHERE income = 21", [(None, "Moss")]),
        ("SELECT city, COUNT(*) FROM {masked} GROUP BY city", [("***", 12)]),
        ("SELECT COUNT(*) FROM {masked} WHERE city = 'Oslo'", [(0,)]),
        ("SELECT DISTINCT city FROM {filtered}", [("Bergen",), ("Bodø",), ("Moss",)]),
    ],
)
def test_what_a_query_gives(free: World, query: str, wanted: list[tuple[object, ...]]) -> None:
    assert rows(free, query) == wanted


@pytest.mark.parametrize(
    ("query", "wanted"),
    [
        (
            "SELECT c, COUNT(*) AS n FROM (SELECT UPPER(city) AS c FROM {agg} WHERE income < 100) GROUP BY c",
            [("OSLO", 6), (None, 6)],
        ),
        (
            "SELECT t.c, SUM(i) FROM (SELECT p.city AS c, income AS i FROM {agg} AS p WHERE p.income < 16) AS t"
            " WHERE i > 10 GROUP BY 1 ORDER BY 2",
            [("Oslo", 65)],
        ),
        (
            "SELECT c, COUNT(c) FROM (SELECT city AS c FROM (SELECT * FROM {agg})) GROUP BY ALL",
            [("Oslo", 6), (None, 6)],
        ),
        (
            "SELECT t.c FROM (SELECT hashed_email_sha256 AS e, city AS c FROM {joins}) AS t JOIN mine AS m"
            " ON t.e = m.email WHERE m.spent = 64",
            [("Bergen",)],
        ),
        (
            "SELECT t.c, COUNT(*) FROM mine m JOIN (SELECT hashed_email_sha256 AS e, city AS c FROM {both}) AS t"
            " ON t.e = m.email GROUP BY t.c",
            [("Oslo", 6)],
        ),
    ],
)
def test_a_subquery_hands_rows_on(free: World, query: str, wanted: list[tuple[object, ...]]) -> None:
    """user-guide/aggregation-policies, "Query requirements": a part of the query aggregates."""
    assert rows(free, query) == wanted


@pytest.mark.parametrize(
    ("query", "why"),
    [
        ("SELECT income, COUNT(*) FROM (SELECT city FROM {agg}) GROUP BY income", "invalid identifier"),
        (
            "SELECT COUNT(*) FROM {agg} t JOIN mine m ON t.hashed_email_sha256 = m.email WHERE current_schema = 'main'",
            "invalid identifier 'CURRENT_SCHEMA'",
        ),
        ("SELECT COUNT(*) FROM (SELECT city FROM {agg}) WHERE income = 12", "invalid identifier"),
        ("SELECT COUNT(*) AS income FROM (SELECT city FROM {agg}) HAVING income > 1", "the alias INCOME"),
        ("SELECT x, COUNT(*) FROM (SELECT city AS x, income AS x FROM {agg}) GROUP BY x", "ambiguous"),
        (
            "SELECT e, COUNT(*) FROM (SELECT hashed_email_sha256 AS e FROM {agghidden}) GROUP BY e",
            "may not be projected",
        ),
        ("SELECT t.c FROM (SELECT income AS e, city AS c FROM {joins}) t JOIN mine m ON t.e = m.spent", "join key"),
        ("SELECT c FROM (SELECT city AS c FROM {joins})", "joined with another"),
        ("SELECT COUNT(*) FROM (SELECT city FROM {agg} LIMIT 1)", "Aggregation policy violation"),
        (
            "WITH c AS (SELECT city FROM {agg}) SELECT city, COUNT(*) FROM c GROUP BY city",
            "Aggregation policy violation",
        ),
    ],
)
def test_what_a_subquery_hands_on_is_asked_the_same(free: World, query: str, why: str) -> None:
    with pytest.raises(SqlError, match=why):
        rows(free, query)


def test_a_natural_join_is_one_on_each_common_column(free: World) -> None:
    """user-guide/join-policies, "Join query requirements", "Restricting joins on specific columns"; the columns of `*`:
    sql-reference/constructs/join.
    """
    known = "CREATE OR REPLACE TABLE data.public.{} AS SELECT email AS hashed_email_sha256, {} FROM data.public.mine"
    free.advertiser.sql(known.format("known", "spent"))
    free.advertiser.sql(known.format("cities", "'Oslo' AS city"))
    bergen = [("0" * 63 + "6", "Bergen", 16, 64)]
    for join in ("NATURAL JOIN known", "JOIN known USING (hashed_email_sha256)"):
        assert rows(free, f"SELECT * FROM {{joins}} {join} WHERE spent > 63") == bergen, join
    assert rows(free, "SELECT spent FROM known NATURAL INNER JOIN {joins} WHERE city = 'Bergen'") == [(64,)]
    assert rows(free, "SELECT city, COUNT(*) FROM {agg} NATURAL JOIN known GROUP BY city") == [("Oslo", 6)]
    for text, why in (
        ("SELECT city FROM {joins} NATURAL JOIN cities", "Disallowed join key used"),
        ("SELECT city FROM {joins} NATURAL JOIN mine", "has none of its columns"),
        ("SELECT city FROM {joins} NATURAL LEFT JOIN known", "of an outer join"),
        ("SELECT city FROM {joins} NATURAL JOIN (SELECT * FROM known) AS k", "a subquery or a view"),
        ("WITH k AS (SELECT * FROM known) SELECT city FROM {joins} NATURAL JOIN k", "a subquery or a view"),
        ("SELECT hashed_email_sha256 FROM {hidden} NATURAL JOIN known", "may not be projected"),
    ):
        with pytest.raises(SqlError, match=why):
            rows(free, text)


def test_the_page_s_example_gives_what_the_page_says(free: World) -> None:
    page = (Path(__file__).parents[2] / "docs" / "reference" / "free-form-sql.md").read_text(encoding="utf-8")
    policy, spec, names, query = re.findall(r"```(?:sql|yaml)\n(.+?)```", page, re.S)
    free.publisher.sql(policy)
    free.publisher.call("REGISTER_DATA_OFFERING", spec)
    free.publisher.call("LINK_DATA_OFFERING", "lookalike", "visitors_v1", ["adv"])
    shown = {row["DATA_OFFERING_ID"]: row["FREEFORM_SQL_VIEW_NAME"] for row in free.advertiser.sql(names)}
    assert f"FROM {shown['visitors_v1']} " in query
    table = "".join(f"| {city or 'NULL'} | {count} |\n" for city, count in rows(free, query))
    assert f"| CITY | PEOPLE |\n|---|---|\n{table}\n" in page
    described = free.advertiser.sql(f"DESC VIEW {shown['visitors_v1']}")
    assert [(row["name"], row["type"]) for row in described] == [
        ("HASHED_EMAIL_SHA256", "VARCHAR(16777216)"), ("CITY", "VARCHAR(16777216)")
    ]  # fmt: skip


@pytest.mark.attack
def test_the_views_are_told_of_to_who_may_query_them(free: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """They are views in the collaboration's application (cleanrooms/installed-artifacts): secure ones, whose text and
    whatever else is in there nobody is told.
    """
    told = (
        "SHOW VIEWS IN SCHEMA SFDCR_LOOKALIKE.FREEFORM_SQL",
        "SHOW VIEWS IN DATABASE SFDCR_LOOKALIKE",
        'SELECT TABLE_NAME AS "name" FROM SFDCR_LOOKALIKE.INFORMATION_SCHEMA.VIEWS',
        'SELECT TABLE_NAME AS "name" FROM SFDCR_LOOKALIKE.INFORMATION_SCHEMA.TABLES',
    )
    describe = named("DESCRIBE VIEW {masked}")
    columns = "SELECT * FROM SFDCR_LOOKALIKE.INFORMATION_SCHEMA.COLUMNS"
    for statement in told:
        listed = {row["name"] for row in free.advertiser.sql(statement)}
        assert named("{masked}").rpartition(".")[2] in listed, statement
        assert all(name.startswith("PUB_") for name in listed), statement
    for row in free.advertiser.sql(told[0]):
        assert (row["text"], row["is_secure"], row["schema_name"]) == ("", "true", "FREEFORM_SQL")
    (row,) = free.advertiser.sql(told[0].replace("VIEWS", "VIEWS LIKE '%_MASKED_%'"))
    assert row["name"] == "PUB_MASKED_V1_PEOPLE"
    assert {row["COLUMN_NAME"] for row in free.advertiser.sql(columns)} == {"HASHED_EMAIL_SHA256", "CITY", "INCOME"}
    worker = lesser(free, "ADVERTISER", "LOOKER")
    for party in (worker, free.publisher, free.stranger):  # without RUN; whose data it is; of another account
        for statement in (*told, describe, columns, "SELECT * FROM SFDCR_LOOKALIKE.INFORMATION_SCHEMA.STAGES"):
            with pytest.raises(SqlError, match="does not exist or not authorized"):
                party.sql(statement)
    monkeypatch.setattr(FreeformViews, "_may_run", lambda self, rights, member: True)
    assert len(worker.sql(describe)) == 3


def test_what_is_made_of_a_guarded_view_holds_what_its_query_gave(free: World) -> None:
    free.advertiser.sql(named("CREATE VIEW over AS SELECT city, COUNT(*) AS n FROM {agg} GROUP BY city"))
    free.advertiser.sql(named("CREATE TABLE kept AS SELECT * FROM over"))
    assert rows(free, "SELECT * FROM kept") == [("Oslo", 6), (None, 6)]
    free.advertiser.sql("BEGIN")
    free.advertiser.sql("DELETE FROM mine WHERE spent = 1")
    inside = rows(free, "SELECT COUNT(*) FROM {agg} t JOIN mine m ON t.hashed_email_sha256 = m.email")
    free.advertiser.sql("ROLLBACK")
    assert inside == [(6,)], "a transaction sees its own rows, and the view as it is"


def test_a_policy_counts_as_it_is_now(free: World) -> None:
    """cleanrooms/free-form-sql: policies are linked dynamically; the worksheet of the provider ends so."""
    count = "SELECT COUNT(*) FROM {joins}"
    free.publisher.sql("ALTER JOIN POLICY joins SET BODY -> JOIN_CONSTRAINT(JOIN_REQUIRED => FALSE)")
    assert rows(free, count) == [(12,)]
    free.publisher.sql("ALTER JOIN POLICY joins SET BODY -> JOIN_CONSTRAINT(JOIN_REQUIRED => TRUE)")
    with pytest.raises(SqlError, match="Join Policy violation"):
        rows(free, count)
    free.publisher.sql("ALTER JOIN POLICY joins RENAME TO gone")
    with pytest.raises(SqlError, match="does not exist any more, so that nothing of it can be read"):
        rows(free, count)
    free.publisher.sql("ALTER JOIN POLICY gone RENAME TO joins")
    free.publisher.sql("CREATE OR REPLACE ROW ACCESS POLICY north AS (a STRING, b STRING) RETURNS BOOLEAN -> TRUE")
    with pytest.raises(SqlError, match="takes 2 columns, and is bound to 1"):
        rows(free, "SELECT COUNT(*) FROM {filtered}")
    free.publisher.sql("CREATE OR REPLACE ROW ACCESS POLICY north AS (c STRING) RETURNS BOOLEAN -> c <> 'Oslo'")


def test_what_a_runner_is_told_of_the_views(free: World) -> None:
    """cleanrooms/free-form-sql, the table of VIEW_DATA_OFFERINGS."""
    shown = {row["DATA_OFFERING_ID"]: row for row in free.advertiser.call("VIEW_DATA_OFFERINGS", "lookalike")}
    both = shown["both_v1"]
    assert both["FREEFORM_SQL_VIEW_NAME"] == "SFDCR_LOOKALIKE.FREEFORM_SQL.PUB_BOTH_V1_PEOPLE"
    assert json.loads(both["FREEFORM_SQL_COLUMN_POLICIES"]) == {
        "aggregation_policy": {"entity_keys": ["HASHED_EMAIL_SHA256"]},
        "join_policy": {"columns": ["HASHED_EMAIL_SHA256"]},
        "no_policy": {"columns": ["CITY", "INCOME"]},
    }
    template_only = shown["redeemers_v1"]
    assert template_only["FREEFORM_SQL_VIEW_NAME"] is template_only["FREEFORM_SQL_COLUMN_POLICIES"] is None


@pytest.mark.parametrize(
    ("policies", "message"),
    [
        ("aggregation_policy: {name: data.public.nowhere}", "Aggregation policy 'DATA.PUBLIC.NOWHERE' does not exist"),
        ("aggregation_policy: {name: data.public.joins}", "Aggregation policy 'DATA.PUBLIC.JOINS' does not exist"),
        # cleanrooms/free-form-sql: column names must be the auto-generated ones.
        (
            "join_policy: {name: data.public.joins, columns: [email_hash]}",
            "there is no column 'EMAIL_HASH'; runners see",
        ),
        ("masking_policies: [{name: data.public.masked}]", "masking_policy without columns guards nothing"),
        ("masking_policies: [{name: data.public.masked, columns: [income]}]", "takes a VARCHAR, and INCOME is none"),
        ("projection_policies: [{name: data.public.never}]", "projection_policy without columns guards nothing"),
        ("row_access_policy: {name: data.public.north}", "takes 1 columns, and is bound to 0"),
        (
            "projection_policies: [{name: data.public.never, columns: [city]}, {name: data.public.nulls,"
            " columns: [city]}]",
            "two policies of one kind",
        ),
    ],
)
def test_policies_that_bind_nothing_are_refused(free: World, policies: str, message: str) -> None:
    with pytest.raises(SqlError, match=message.replace(".", r"\.")):
        free.publisher.call("REGISTER_DATA_OFFERING", offering("wrong", policies))


def test_policies_need_free_form_sql_to_be_allowed(free: World) -> None:
    only = offering("wrong", AGGREGATED).replace("template_and_freeform_sql", "template_only")
    with pytest.raises(SqlError, match="need allowed_analyses: template_and_freeform_sql"):
        free.publisher.call("REGISTER_DATA_OFFERING", only)

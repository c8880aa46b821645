"""Policies as they are declared, and what their bodies say to one reader.

Source: sql-reference/sql/create-aggregation-policy, -/create-join-policy, -/create-masking-policy,
-/create-projection-policy, -/create-row-access-policy; user-guide/aggregation-policies, "Example policies".
"""

from __future__ import annotations

import pytest

from cleanroom_ml.engine.sql.errors import SqlError
from cleanroom_ml.engine.sql.policies import constraints, expressions, values
from cleanroom_ml.engine.sql.policies.constraints import Constraint, Reader, constraint_of
from cleanroom_ml.engine.sql.policies.definition import AGGREGATION, JOIN, KINDS, PROJECTION, Policy
from cleanroom_ml.engine.sql.read.classify import classify
from cleanroom_ml.engine.sql.read.policy import AlterPolicy, CreatePolicy
from cleanroom_ml.engine.sql.tree.dialect import parse_ast

CONDITIONAL = (
    "CASE WHEN CURRENT_ROLE() = 'ADMIN' THEN NO_AGGREGATION_CONSTRAINT()"
    " ELSE AGGREGATION_CONSTRAINT(MIN_GROUP_SIZE => 5) END"
)


@pytest.mark.parametrize(
    ("text", "signature", "returned", "body"),
    [
        # cleanrooms/free-form-sql, the provider's worksheet.
        (
            "CREATE OR REPLACE AGGREGATION POLICY d.s.p AS () RETURNS AGGREGATION_CONSTRAINT ->\n"
            "  AGGREGATION_CONSTRAINT(MIN_GROUP_SIZE => 5);",
            *("()", "AGGREGATION_CONSTRAINT", "AGGREGATION_CONSTRAINT(MIN_GROUP_SIZE => 5)"),
        ),
        (
            "CREATE MASKING POLICY IF NOT EXISTS p AS (val STRING) RETURNS STRING -> '***MASKED***' COMMENT = 'x'",
            *("(VAL VARCHAR)", "VARCHAR", "'***MASKED***'"),
        ),
        (
            "CREATE ROW ACCESS POLICY p AS (a STRING, b NUMBER) RETURNS BOOLEAN -> a = 'COMMENT = 1' AND b > 1",
            *("(A VARCHAR, B NUMBER(38,0))", "BOOLEAN", "a = 'COMMENT = 1' AND b > 1"),
        ),
        (f"CREATE AGGREGATION POLICY p AS () RETURNS AGGREGATION_CONSTRAINT -> {CONDITIONAL}", "()",
         "AGGREGATION_CONSTRAINT", CONDITIONAL),
    ],
)  # fmt: skip
def test_a_policy_is_kept_as_it_is_declared(text: str, signature: str, returned: str, body: str) -> None:
    statement = classify(text)
    assert isinstance(statement, CreatePolicy)
    kept = Policy.from_json(statement.policy.to_json())
    assert (kept.signature, kept.returned, kept.body) == (signature, returned, body)
    assert statement.or_replace == ("OR REPLACE" in text)


def test_a_body_is_changed_by_alter() -> None:
    statement = classify("ALTER JOIN POLICY d.s.p SET BODY -> JOIN_CONSTRAINT(JOIN_REQUIRED => TRUE);")
    body = "JOIN_CONSTRAINT(JOIN_REQUIRED => TRUE)"
    assert statement == AlterPolicy(JOIN, ("D", "S", "P"), body=body)


@pytest.mark.parametrize(
    "text",
    [
        "CREATE MASKING POLICY p AS (a STRING) RETURNS NUMBER -> 1",
        "CREATE MASKING POLICY p AS () RETURNS STRING -> 'x'",
        "CREATE ROW ACCESS POLICY p AS (a STRING) RETURNS STRING -> 'x'",
        "CREATE JOIN POLICY p AS (a STRING) RETURNS JOIN_CONSTRAINT -> JOIN_CONSTRAINT(JOIN_REQUIRED => TRUE)",
        "CREATE JOIN POLICY p AS () RETURNS AGGREGATION_CONSTRAINT -> JOIN_CONSTRAINT(JOIN_REQUIRED => TRUE)",
        "CREATE MASKING POLICY p AS (a STRING) RETURNS STRING -> a EXEMPT_OTHER_POLICIES = TRUE",
        "CREATE MASKING POLICY p AS (a STRING, a STRING) RETURNS STRING -> a",
        "CREATE TEMPORARY MASKING POLICY p AS (a STRING) RETURNS STRING -> a",
    ],
)
def test_what_nobody_would_keep_to_is_refused(text: str) -> None:
    with pytest.raises(SqlError):
        classify(text)


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("ALTER TABLE t SET AGGREGATION POLICY p ENTITY KEY (a)", "AGGREGATION POLICY"),
        ("ALTER TABLE t ADD AGGREGATION POLICY p ENTITY KEY (a)", "AGGREGATION POLICY"),
        ("ALTER TABLE t UNSET JOIN POLICY", "JOIN POLICY"),
        ("ALTER TABLE t MODIFY COLUMN c SET MASKING POLICY p", "MASKING POLICY"),
        ("ALTER VIEW v MODIFY COLUMN c SET PROJECTION POLICY p", "PROJECTION POLICY"),
        ("ALTER TABLE t ADD ROW ACCESS POLICY p ON (c)", "ROW ACCESS POLICY"),
        ("ALTER TABLE t DROP ALL ROW ACCESS POLICIES", "ROW ACCESS POLICY"),
        ("CREATE TABLE t (c STRING WITH MASKING POLICY p)", "MASKING POLICY"),
        ("CREATE OR REPLACE TABLE t (c STRING) JOIN POLICY p ALLOWED JOIN KEYS (c)", "JOIN POLICY"),
        ("CREATE VIEW v WITH ROW ACCESS POLICY p ON (c) AS SELECT 1 AS c", "ROW ACCESS POLICY"),
    ],
)
def test_a_policy_on_a_table_is_refused_by_its_name(text: str, kind: str) -> None:
    """Taken and not kept, it would be worse than none."""
    with pytest.raises(
        SqlError, match=f"Unsupported feature '(CREATE|ALTER) (TABLE|VIEW) … {kind}: policies are bound"
    ):
        classify(text)


def test_a_table_may_be_called_policy() -> None:
    assert classify("CREATE VIEW v AS SELECT 1 AS x FROM t JOIN policy ON policy.x = t.x")
    assert classify("CREATE TABLE policy (masking STRING)")


@pytest.mark.parametrize(
    ("kind", "body", "said"),
    [
        (AGGREGATION, "AGGREGATION_CONSTRAINT(MIN_GROUP_SIZE => 5)", Constraint(group_size=5)),
        # The roles of who reads are not told: whoever reads can have one of any name.
        (AGGREGATION, CONDITIONAL, Constraint(group_size=5)),
        (AGGREGATION, CONDITIONAL.replace("= 'ADMIN'", "<> 'ANALYST'"), Constraint(group_size=5)),
        (AGGREGATION, CONDITIONAL.replace("CURRENT_ROLE() = 'ADMIN'", "IS_ROLE_IN_SESSION('A')"), Constraint(5)),
        (AGGREGATION, CONDITIONAL.replace("CURRENT_ROLE() = 'ADMIN'", "CURRENT_ACCOUNT() = 'ME'"), Constraint()),
        (AGGREGATION, CONDITIONAL.replace("= 'ADMIN'", "IN ('X') OR LOWER(CURRENT_ACCOUNT()) = 'me'"), Constraint()),
        (AGGREGATION, CONDITIONAL.replace("CURRENT_ROLE() = 'ADMIN'", "NOT (CURRENT_USER() = 'A')"), Constraint(5)),
        (AGGREGATION, CONDITIONAL.replace("= 'ADMIN'", "IS NULL"), Constraint()),
        (JOIN, "JOIN_CONSTRAINT(JOIN_REQUIRED => FALSE)", Constraint(required=False)),
        (JOIN, "(JOIN_CONSTRAINT(JOIN_REQUIRED => TRUE))", Constraint(required=True)),
        (PROJECTION, "PROJECTION_CONSTRAINT(ALLOW => false)", Constraint(allowed=False)),
        (
            PROJECTION,
            "PROJECTION_CONSTRAINT(ALLOW => false, ENFORCEMENT => 'NULLIFY')",
            Constraint(allowed=False, nullify=True),
        ),
        (PROJECTION, "CASE CURRENT_ACCOUNT() WHEN 'ME' THEN PROJECTION_CONSTRAINT(ALLOW => true) END", Constraint()),
    ],
)
def test_what_a_body_says_to_a_reader(kind: str, body: str, said: Constraint) -> None:
    constraints.check(kind, body)
    assert constraint_of(kind, body, Reader("ME")) == said


@pytest.mark.attack
def test_a_body_that_says_nothing_lets_nothing_be_read() -> None:
    body = "CASE WHEN CURRENT_ACCOUNT() = 'OTHER' THEN NO_AGGREGATION_CONSTRAINT() END"
    constraints.check(AGGREGATION, body)
    with pytest.raises(SqlError, match="says nothing to this reader"):
        constraint_of(AGGREGATION, body, Reader("ME"))


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        (AGGREGATION, "NULL"),
        (AGGREGATION, "JOIN_CONSTRAINT(JOIN_REQUIRED => TRUE)"),
        (AGGREGATION, "AGGREGATION_CONSTRAINT(MIN_GROUP_SIZE => -1)"),
        (AGGREGATION, "AGGREGATION_CONSTRAINT(MIN_GROUP_SIZE => TRUE)"),
        (AGGREGATION, "AGGREGATION_CONSTRAINT(5)"),
        (AGGREGATION, CONDITIONAL.replace("CURRENT_ROLE() = 'ADMIN'", "EXISTS (SELECT 1 FROM t)")),
        (AGGREGATION, CONDITIONAL.replace("CURRENT_ROLE() = 'ADMIN'", "INVOKER_SHARE() = 'S'")),
        (AGGREGATION, CONDITIONAL.replace("CURRENT_ROLE() = 'ADMIN'", "own()")),
        (AGGREGATION, CONDITIONAL.replace("= 'ADMIN'", "= 5 + 1")),
        (AGGREGATION, CONDITIONAL.replace("5", "5.5")),
        (PROJECTION, "PROJECTION_CONSTRAINT(ALLOW => false, ENFORCEMENT => 'MAYBE')"),
        (PROJECTION, "PROJECTION_CONSTRAINT(ALLOW => 'true')"),
        (JOIN, "JOIN_CONSTRAINT(JOIN_REQUIRED => NULL)"),
        (JOIN, "JOIN_CONSTRAINT()"),
    ],
)
def test_a_body_of_anything_else_is_refused_where_it_is_made(kind: str, body: str) -> None:
    with pytest.raises(SqlError):
        constraints.check(kind, body)


def _masking(body: str) -> Policy:
    statement = classify(f"CREATE MASKING POLICY p AS (val STRING) RETURNS STRING -> {body}")
    assert isinstance(statement, CreatePolicy)
    return statement.policy


@pytest.mark.parametrize(
    "body",
    [
        "CASE WHEN CURRENT_ROLE() IN ('ANALYST') THEN VAL ELSE '*********' END",
        "CASE WHEN current_account() IN ('X') THEN val ELSE sha2(val) END",
        "regexp_replace(val, '.+\\\\@', '*****@')",
    ],
)
def test_masking_bodies_of_the_documentation(body: str) -> None:
    values.check(_masking(body))


@pytest.mark.parametrize(
    "body",
    [
        "(SELECT MAX(x) FROM t)",
        "CASE WHEN EXISTS (SELECT 1) THEN val ELSE '' END",
        "mask_udf(val)",
        "d.s.mask_udf(val)",
        "other",
        "GETVARIABLE('X') || val",
        "$x || val",
        "CURRENT_SESSION()",
        "CURRENT_SCHEMA()",
        "LAST_QUERY_ID()",
        "SYSTEM$WAIT(1)",
        "MAX(val)",
        "INVOKER_SHARE()",
        "val) || (SELECT 1",
    ],
)
def test_masking_bodies_that_read_or_ask_anything_else_are_refused(body: str) -> None:
    with pytest.raises(SqlError):
        values.check(_masking(body))


def test_every_kind_has_its_statements() -> None:
    for kind in KINDS:
        assert classify(f"DROP {kind} d.s.p")
        assert classify(f"SHOW {kind.removesuffix('POLICY')}POLICIES LIKE 'p'")
        assert classify(f"DESC {kind} p")


def test_a_date_part_is_no_column_and_a_column_of_its_name_is_one() -> None:
    """functions/datediff: a part need not be in quotes; it is never the value of a column."""
    tree = parse_ast(
        "select datediff(day, day, other), date_part(t.day, a), datediff('day', b, c), upper(day),"
        " date_trunc(x, 'day'), datediff(\"day\", d, e)"
    )
    read = [expressions.named(column) for column in expressions.columns([tree])]
    assert sorted(read, key=str) == sorted(
        [*((None, name) for name in ("DAY", "OTHER", "A", "B", "C", "DAY", "X", "day", "D", "E")), ("T", "DAY")],
        key=str,
    )

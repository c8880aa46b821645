"""Statements of Snowflake's that are not here are refused by their names, and not as errors of syntax (the pages of
sql-reference/sql, by the names of the statements).
"""

from __future__ import annotations

import pytest

from cleanroom_ml.engine.sql.errors import SqlError
from cleanroom_ml.engine.sql.read.classify import classify


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("describe integration i", "DESCRIBE INTEGRATION"),
        ("describe task t", "DESCRIBE TASK"),
        ("describe search optimization on t", "DESCRIBE SEARCH"),
        ("describe result last_query_id()", "DESCRIBE RESULT"),
        ("execute task t", "EXECUTE TASK"),
        ("execute service s", "EXECUTE SERVICE"),
        ("copy into t from 's3://bucket/x'", "a location outside of stages"),
        ("create table t using template (select 1)", "USING TEMPLATE"),
        ("create table t (a int) with row access policy p on (a)", "ROW ACCESS POLICY"),
        ("create table t (a int with masking policy p)", "MASKING POLICY"),
        ("create table t (a array(int))", "the data type ARRAY"),
        ("create table t (a map(varchar, int))", "the data type MAP"),
        ("create database d from share a.b", "a share"),
        ("alter table t add search optimization", "ALTER TABLE ADD"),
    ],
)
def test_a_statement_is_refused_by_its_name(text: str, named: str) -> None:
    with pytest.raises(SqlError, match="Unsupported feature") as refused:
        classify(text)
    assert refused.value.code == 2
    assert named in refused.value.message


@pytest.mark.parametrize("text", ["describe table t", "desc t", "describe t type = stage", "describe result 'x'"])
def test_what_is_described_is(text: str) -> None:
    assert type(classify(text)).__name__ == "Describe"


def test_alter_stands_once_for_several_columns() -> None:
    """sql-reference/sql/alter-table-column: `ALTER TABLE t ALTER a …, b …`; a second ALTER was a column's name."""
    with pytest.raises(SqlError, match="ALTER stands once") as refused:
        classify("alter table t alter a set data type varchar(200), alter b set data type int")
    assert refused.value.code == 1003

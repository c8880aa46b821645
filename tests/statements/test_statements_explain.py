"""EXPLAIN: columns and formats of sql-reference/sql/explain. Its page's plan has an operation JoinFilter besides, which
is Snowflake's own way of making a join fast.
"""

from __future__ import annotations

import json

import pytest
from statements_client import Client

from cleanroom_ml.engine.contracts.table import Rows
from cleanroom_ml.engine.sql.errors import SqlError

QUERY = "SELECT Z1.ID, Z2.ID FROM Z1, Z2 WHERE Z2.ID = Z1.ID"


@pytest.mark.sandbox
def test_a_plan_says_what_would_be_read_and_runs_nothing(alpha: Client) -> None:
    for name in ("Z1", "Z2"):
        alpha.result(f"CREATE TABLE {name} (ID INTEGER)")
        alpha.result(f"INSERT INTO {name} VALUES (1)")
    alpha.result("INSERT INTO Z1 VALUES (100)")
    result = alpha.result(f"EXPLAIN {QUERY}")
    assert isinstance(result, Rows)
    assert [name for name, _ in result.columns] == [
        *("step", "id", "parentOperators", "operation", "objects", "alias", "expressions"),
        *("partitionsTotal", "partitionsAssigned", "bytesAssigned"),
    ]
    rows = alpha.rows(f"EXPLAIN USING TABULAR {QUERY}")
    assert [row[:9] for row in rows[1:]] == [
        (1, 0, None, "Result", None, None, "Z1.ID, Z2.ID", None, None),
        (1, 1, "[0]", "InnerJoin", None, None, "joinKey: (Z2.ID = Z1.ID)", None, None),
        (1, 2, "[1]", "TableScan", "ALPHA_DB.PUBLIC.Z1", None, "ID", 2, 2),
        (1, 3, "[1]", "TableScan", "ALPHA_DB.PUBLIC.Z2", None, "ID", 1, 1),
    ]
    size = rows[3][9] + rows[4][9]
    assert rows[0] == (None, None, None, "GlobalStats", None, None, None, 3, 3, size)

    ((text,),) = alpha.rows(f"EXPLAIN USING JSON {QUERY}")
    told = json.loads(text)
    assert told["GlobalStats"] == {"partitionsTotal": 3, "partitionsAssigned": 3, "bytesAssigned": size}
    assert told["Operations"][0][:2] == [
        {"id": 0, "operation": "Result", "expressions": ["Z1.ID", "Z2.ID"]},
        {"id": 1, "parentOperators": [0], "operation": "InnerJoin", "expressions": ["joinKey: (Z2.ID = Z1.ID)"]},
    ]
    ((text,),) = alpha.rows(f"EXPLAIN USING TEXT {QUERY}")
    assert text.splitlines()[:8] == [
        *(
            "GlobalStats:",
            "    partitionsTotal=3",
            "    partitionsAssigned=3",
            f"    bytesAssigned={size}",
            "Operations:",
        ),
        "1:0     ->Result  Z1.ID, Z2.ID",
        "1:1          ->InnerJoin  joinKey: (Z2.ID = Z1.ID)",
        f"1:2               ->TableScan  ALPHA_DB.PUBLIC.Z1  ID"
        f"  {{partitionsTotal=2, partitionsAssigned=2, bytesAssigned={rows[3][9]}}}",
    ]

    # what WHERE rules out is not assigned; the operations of the other clauses, from the result down to the table
    rows = alpha.rows(
        "EXPLAIN WITH c AS (SELECT id AS i FROM z1 t WHERE id > 50) SELECT i, COUNT(*) AS n, RANK() OVER (ORDER BY i)"
        " FROM c GROUP BY i HAVING COUNT(*) > 1 ORDER BY n DESC LIMIT 5"
    )
    assert [row[3] for row in rows] == [
        *("GlobalStats", "Result", "SortWithLimit", "WindowFunction", "Filter", "Aggregate", "Filter", "TableScan")
    ]
    assert rows[-1][4:9] == ("ALPHA_DB.PUBLIC.Z1", "T", "ID", 2, 1)
    assert [row[3] for row in alpha.rows("EXPLAIN SELECT * FROM z1 LEFT JOIN z2 USING (id) UNION ALL SELECT 1")][
        1:4
    ] == [*("Result", "UnionAll", "LeftOuterJoin")]

    alpha.result("CREATE VIEW v AS SELECT * FROM z1")
    for text, message in [
        ("EXPLAIN SELECT * FROM v", "Unsupported feature 'EXPLAIN of a view'"),
        ("EXPLAIN SELECT * FROM nope", "Object 'NOPE' does not exist or not authorized"),
        ("EXPLAIN SELECT nope FROM z1", "invalid identifier"),
        ("EXPLAIN DELETE FROM z1", "Unsupported feature 'EXPLAIN of DELETE"),
        ("EXPLAIN SELECT * FROM z1 WHERE id IN (SELECT id FROM z2)", "another one inside of an expression"),
        ("EXPLAIN SELECT * FROM information_schema.tables", "EXPLAIN command has insufficient privilege on object"),
        ("EXPLAIN USING HTML SELECT 1", "expected TABULAR, JSON or TEXT"),
    ]:
        with pytest.raises(SqlError, match=message):
            alpha.result(text)


@pytest.mark.attack
def test_a_plan_tells_nothing_of_what_may_not_be_read(reader: Client, beta: Client) -> None:
    """Neither a role without SELECT nor another account learns how large a table is."""
    for client, name in ((reader, "ALPHA_DB.PUBLIC.T"), (beta, "ALPHA_DB.PUBLIC.T")):
        with pytest.raises(SqlError, match="does not exist or not authorized"):
            client.result(f"EXPLAIN SELECT * FROM {name}")

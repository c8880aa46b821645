"""What the runner's own table allows is its own column: never what a statement calls by that name."""

from __future__ import annotations

from typing import Any

import pytest
from rooms_world import HASH, World
from test_rooms_policies import GUARDED, OPEN, THEIRS, add

from cleanroom_ml.engine.rooms.column_guard import ColumnGuard
from cleanroom_ml.engine.sql.errors import SqlError

MINE = "adv.open_v1.people"
NAMES = ("ID", "P", "X", "VALUE", "COLUMN1", "MAX(X.HASHED_EMAIL_SHA256)")
OWN = OPEN[: OPEN.index("      hashed_email")] + "".join(
    f"      {name}: {{category: passthrough, activation_allowed: true}}\n"
    for name in ("id", "p", "x", "value", "column1", "'\"MAX(X.HASHED_EMAIL_SHA256)\"'")
)
V = f"IDENTIFIER('{THEIRS}')"
M = f"IDENTIFIER('{MINE}')"
H = "x.hashed_email_sha256"
# What the runner names, and where the statement has it from: raw data of the provider's by a name of the runner's own.
CELLS = [
    ("p.id", f"(SELECT {H} AS id FROM {V} x) p"),
    ("id", f"(SELECT {H} AS id FROM {V} x) p"),
    ("id", f"(SELECT {H} AS id FROM {V} x)"),
    ("c.id", f"(SELECT {H} AS id FROM {V} x) c"),
    ("p", f"{V} p"),
    ("x", f"{V} x"),
    ("p", f"(SELECT * FROM {V}) p"),
    ("value", f"{V} x, LATERAL FLATTEN(input => ARRAY_CONSTRUCT({H})) f"),
    ("c.value", f"{V} x, LATERAL FLATTEN(input => ARRAY_CONSTRUCT({H})) c"),
    ('c."MAX(X.HASHED_EMAIL_SHA256)"', f"(SELECT MAX({H}) FROM {V} x) c"),
    ('"MAX(X.HASHED_EMAIL_SHA256)"', f"(SELECT MAX({H}) FROM {V} x) c"),
    ("id", f"(SELECT id FROM {M} WHERE 1 = 0 UNION ALL SELECT {H} FROM {V} x) c"),
    ("p.id", f"(SELECT id FROM {M} WHERE 1 = 0 UNION ALL SELECT {H} FROM {V} x) p"),
    ("p.id", f"(WITH t(id) AS (SELECT {H} FROM {V} x) SELECT * FROM t) p"),
    ("id", f"{V} AS p(id, b, c, d)"),
    ("p.id", f"{V} AS p(id, b, c, d)"),
    ("id", f"(SELECT * RENAME hashed_email_sha256 AS id FROM {V}) p"),
    ("p.id", f"(SELECT * RENAME hashed_email_sha256 AS id FROM {V}) p"),
    ("p.id", f"{V} x, LATERAL (SELECT {H} AS id) p"),
    ("p.id", f"{V} x, LATERAL (SELECT {H} AS id, m.value FROM {M} m) p"),
    ("p.id", f"(SELECT (SELECT MAX({H}) FROM {V} x) AS id FROM {M}) p"),
    ("p.id", "cleanroom.kept p"),
    ("id", "cleanroom.kept x"),
]


ONE = (
    "CREATE OR REPLACE TABLE cleanroom.copied (city VARCHAR, h VARCHAR); INSERT INTO cleanroom.copied VALUES ('', '');"
)
RAW = "SELECT x.hashed_email_sha256 FROM IDENTIFIER({{ source_table[1] }}) x"
GIVE = "RETURN TABLE(SELECT {{ column | sqlsafe | column_policy }} AS m FROM cleanroom.copied);"
# How a block gives what it read a name of an internal table's, without an alias.
STEPS = [
    (ONE, f"UPDATE cleanroom.copied SET city = (SELECT MAX(h.hashed_email_sha256) FROM ({RAW}) h)"),
    (ONE, f"UPDATE cleanroom.copied SET city = h.hashed_email_sha256 FROM ({RAW}) h"),
    (
        ONE,
        f"MERGE INTO cleanroom.copied USING ({RAW}) h ON copied.city = ''"
        " WHEN MATCHED THEN UPDATE SET city = h.hashed_email_sha256",
    ),
    (
        f"{ONE} TRUNCATE TABLE cleanroom.copied;",
        f"MERGE INTO cleanroom.copied USING ({RAW}) h ON copied.city = ''"
        " WHEN NOT MATCHED THEN INSERT (city) VALUES (h.hashed_email_sha256)",
    ),
    ("", f"CREATE OR REPLACE TABLE cleanroom.copied (city) AS {RAW}"),
    ("", f"CREATE OR REPLACE TABLE cleanroom.copied (city VARCHAR) AS {RAW}"),
    (
        f"CREATE OR REPLACE TABLE cleanroom.copied AS {RAW};",
        "ALTER TABLE cleanroom.copied RENAME COLUMN hashed_email_sha256 TO city",
    ),
]


@pytest.fixture
def renamed(joined: World) -> World:
    theirs = {"EMAIL_HASH": [HASH], "CITY": ["theirs"], "SPEND": ["theirs"], "SEEN": ["2026-01-01"]}
    joined.table("PUBLISHER", "CUSTOMERS", theirs)
    joined.table("ADVERTISER", "PEOPLE", {name: ["mine"] for name in NAMES})
    joined.publisher.call("REGISTER_DATA_OFFERING", GUARDED)
    joined.publisher.call("LINK_DATA_OFFERING", "lookalike", "guarded_v1", ["adv"])
    joined.advertiser.call("REGISTER_DATA_OFFERING", OWN)
    joined.advertiser.call("LINK_DATA_OFFERING", "lookalike", "open_v1", ["adv"])
    add(joined, "any", "SELECT {{ column | sqlsafe | column_policy }} AS M FROM {{ tables | sqlsafe }}")
    add(
        joined,
        "keep",
        "BEGIN CREATE OR REPLACE TABLE cleanroom.kept AS SELECT x.hashed_email_sha256 AS id"
        " FROM IDENTIFIER({{ source_table[0] }}) x; RETURN 'kept'; END;",
    )
    joined.advertiser.call("RUN", "lookalike", "keep_v1", [THEIRS], [], {})
    return joined


def told(world: World, column: str, tables: str) -> Any:
    arguments = {"column": column, "tables": tables}
    # What different authors write in FROM, in one template.
    return world.advertiser.call("RUN", "lookalike", "any_v1", [MINE, THEIRS], [], arguments)[0]["M"]


@pytest.mark.sandbox
@pytest.mark.attack
def test_a_column_that_the_statement_made_is_not_the_runners_own(
    renamed: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    leaked = []
    for column, tables in CELLS:
        with pytest.raises(SqlError, match=r"^PolicyViolationError|invalid identifier"):
            leaked.append((column, tables, told(renamed, column, tables)))
    monkeypatch.setattr(ColumnGuard, "on_alias", lambda *_: None)
    monkeypatch.setattr(ColumnGuard, "on_column", lambda *_: None)
    for column, tables in (CELLS[0], CELLS[1], CELLS[-1], CELLS[-2]):
        assert told(renamed, column, tables) == HASH, "nobody was asked"


@pytest.mark.sandbox
@pytest.mark.attack
def test_another_dataset_of_the_provider_does_not_answer_for_what_a_statement_made(renamed: World) -> None:
    """The runner chooses which views it gives: one that allows `city` says nothing of a hash that is called so."""
    for column, tables in (
        ("p2.city", f"(SELECT {H} AS city FROM {V} x) p2"),
        ("city", f"(SELECT MAX({H}) AS city FROM {V} x)"),
        ("city", f"{V} AS p2(city, b, c, d)"),
        ("p2.city", f"(SELECT * EXCLUDE (city) RENAME hashed_email_sha256 AS city FROM {V}) p2"),
        ("p2.city", f"(SELECT * REPLACE (hashed_email_sha256 AS city) FROM {V}) p2"),
        (
            "p2.city",
            f"(SELECT * FROM (SELECT hashed_email_sha256 FROM {V}) UNPIVOT (city FOR n IN (hashed_email_sha256))) p2",
        ),
        (
            "p2.city",
            f"(SELECT * FROM (SELECT 1 AS k, hashed_email_sha256 FROM {V})"
            " PIVOT (MAX(hashed_email_sha256) FOR k IN (1 AS city))) p2",
        ),
        ("p2.city", f"(SELECT CONNECT_BY_ROOT hashed_email_sha256 AS city FROM {V} CONNECT BY 1 = 0) p2"),
        (
            "p2.city",
            f"{V} AS q MATCH_RECOGNIZE (MEASURES LAST(q.hashed_email_sha256) AS city PATTERN (a) DEFINE a AS TRUE) p2",
        ),
        ("q.hashed_email_sha256", f"{V} AS q MATCH_RECOGNIZE (ALL ROWS PER MATCH PATTERN (a) DEFINE a AS TRUE) p2"),
    ):
        with pytest.raises(SqlError, match=r"^PolicyViolationError"):
            told(renamed, column, tables)


@pytest.mark.sandbox
def test_a_column_that_keeps_its_name_goes_through_what_a_statement_made(renamed: World) -> None:
    for column, tables in (
        ("p2.city", f"(SELECT * FROM {V}) p2"),
        ("city", f"(SELECT x.city, {H} AS h FROM {V} x)"),
        ("p2.city", f"(WITH t AS (SELECT MAX(city) AS city, COUNT(*) AS n FROM {V}) SELECT * FROM t) p2"),
        ("p2.city", f"(SELECT city FROM {V} UNION ALL SELECT city FROM {V}) p2"),
    ):
        assert told(renamed, column, tables) == "theirs"
    for column, tables in (("c.id", f"(SELECT * FROM {M}) c"), ("id", f"{M}"), ("c.p", f"{M} c"), ("p", f"{M} p")):
        assert told(renamed, column, tables) == "mine"


@pytest.mark.sandbox
@pytest.mark.attack
def test_a_variable_of_a_block_is_a_name_that_the_statement_gave(
    renamed: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number, body in enumerate(
        (
            "LET id := (SELECT MAX(x.hashed_email_sha256) FROM IDENTIFIER({{ source_table[1] }}) x);"
            " RETURN {{ column | sqlsafe | column_policy }};",
            "LET r RESULTSET := (SELECT 1); LET id VARCHAR := '';"
            " SELECT MAX(x.hashed_email_sha256) INTO :id FROM IDENTIFIER({{ source_table[1] }}) x;"
            " RETURN {{ column | sqlsafe | column_policy }};",
            "CREATE OR REPLACE TABLE cleanroom.copied (id VARCHAR, city VARCHAR);"
            " INSERT INTO cleanroom.copied (city)"
            " SELECT x.hashed_email_sha256 FROM IDENTIFIER({{ source_table[1] }}) x;"
            " RETURN TABLE(SELECT {{ column | sqlsafe | column_policy }} AS m FROM cleanroom.copied);",
            *(f"{start} {step}; {GIVE}" for start, step in STEPS),
        )
    ):
        add(renamed, f"block{number}", f"BEGIN {body} END")
        column = "city" if number >= 2 else "id"

        def run(named: str, template: str = f"block{number}_v1") -> Any:
            (row,) = renamed.advertiser.call("RUN", "lookalike", template, [MINE, THEIRS], [], {"column": named})
            return next(iter(row.values()))

        with pytest.raises(SqlError, match=r"^PolicyViolationError"):
            run(column)
        with monkeypatch.context() as patch:
            patch.setattr(ColumnGuard, "on_column", lambda *_: None)
            assert run(column) == HASH, "nobody was asked"

"""Attacks on the policies of free-form SQL, each of which has what it wants once the control is taken away."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pytest
from freeform_world import PEOPLE, named, offering, rows
from rooms_world import World
from sqlglot import exp

from cleanroom_ml.engine.rooms import freeform_policies
from cleanroom_ml.engine.rooms.freeform import FreeformViews
from cleanroom_ml.engine.sql.errors import SqlError
from cleanroom_ml.engine.sql.policies import expressions, sources
from cleanroom_ml.engine.sql.policies.constraints import Reader
from cleanroom_ml.engine.sql.policies.guard import Guard
from cleanroom_ml.engine.sql.policies.nodes import GuardedTable
from cleanroom_ml.engine.sql.policies.sources import Item
from cleanroom_ml.engine.sql.resolve import operators
from cleanroom_ml.engine.sql.resolve.identifiers import quoted

pytestmark = [pytest.mark.sandbox, pytest.mark.attack]
H = "hashed_email_sha256"
BOB = PEOPLE["EMAIL_HASH"][3]
NOBODY = "f" * 64
REFUSED = r"olicy violation|invalid identifier|Unsupported feature|does not exist or not authorized"


ROWS = (
    "SELECT {what} FROM {agg}",
    "SELECT DISTINCT {what} FROM {agg}",
    "SELECT MIN({what}) FROM {agg}",
    "SELECT {what}, COUNT(*) OVER () FROM {agg}",
    "SELECT x FROM (SELECT {what} AS x FROM {agg})",
    "WITH c AS (SELECT {what} AS x FROM {agg}) SELECT x FROM c",
    "SELECT {what} FROM {agg} UNION ALL SELECT {what} FROM {agg}",
    "SELECT {what} FROM {agg} QUALIFY ROW_NUMBER() OVER (ORDER BY 1) = 1",
    "SELECT {what} FROM {agg} AS t SAMPLE (100)",
    "SELECT LISTAGG({what}) FROM {agg}",
    "SELECT ARRAY_AGG({what}) FROM {agg}",
    "SELECT {what} FROM TABLE('{agg}')",
    "SELECT {what} FROM {agg} AT (OFFSET => -1)",
    "SELECT (SELECT MAX({what}) FROM {agg}) AS x",
    "SELECT 1 AS x WHERE EXISTS (SELECT {what} FROM {agg})",
    "SELECT {what}, COUNT(*) FROM {agg} GROUP BY ROLLUP({what})",
    "SELECT {what}, COUNT(*) FROM {agg} GROUP BY CUBE({what})",
    "SELECT {what}, COUNT(*) FROM {agg} GROUP BY GROUPING SETS (({what}))",
    "SELECT COUNT(*) FROM {agg} WHERE {what} IN (SELECT email FROM mine)",
    "SELECT SUM(CASE WHEN {what} = '' THEN 1 ELSE 0 END) FROM {agg}",
    "SELECT t.* FROM {agg} AS t",
    "SELECT $1 FROM {agg}",
    "SELECT t FROM {agg} AS t",
    "SELECT OBJECT_CONSTRUCT(*) FROM {agg}",
    "SELECT HASH(*) FROM {agg}",
    "SELECT IDENTIFIER('{what}') FROM {agg}",
    "SELECT secret, COUNT(*) FROM {agg} GROUP BY secret",
    "CREATE TABLE stolen AS SELECT * FROM {agg}",
    "CREATE VIEW stolen AS SELECT * FROM {agg}",
    "CREATE FUNCTION stolen() RETURNS TABLE (x VARCHAR) AS 'SELECT {what} FROM {agg}'",
    "CREATE TABLE stolen CLONE {agg}",
    "INSERT INTO mine SELECT {what}, 1 FROM {agg}",
    "MERGE INTO mine USING {agg} AS t ON mine.email = t.{what} WHEN MATCHED THEN DELETE",
    "UPDATE mine SET email = t.{what} FROM {agg} AS t",
    "DELETE FROM mine USING {agg} AS t WHERE t.{what} = mine.email",
    "COPY INTO @~/stolen FROM {agg}",
    "COPY INTO @~/stolen FROM (SELECT {what} FROM {agg})",
    "SELECT * FROM {agg} PIVOT (SUM(income) FOR city IN ('Oslo')) AS p",
    "SELECT * FROM {agg} UNPIVOT (v FOR n IN (city))",
    "SELECT {what} FROM {agg} START WITH TRUE CONNECT BY FALSE",
    "SELECT * FROM {agg} MATCH_RECOGNIZE (MEASURES LAST({what}) AS x PATTERN (a) DEFINE a AS TRUE)",
    "SELECT * FROM (SELECT {what} FROM {agg}) MATCH_RECOGNIZE (ALL ROWS PER MATCH PATTERN (a) DEFINE a AS TRUE)",
    "DECLARE c VARCHAR; BEGIN SELECT MAX({what}) INTO :c FROM {agg}; RETURN c; END",
    "BEGIN LET r RESULTSET := (SELECT {what} FROM {agg}); RETURN TABLE(r); END",
    "EXECUTE IMMEDIATE 'SELECT {what} FROM {agg}'",
    "SELECT {what} FROM {agg} ->> SELECT * FROM $1",
    "SELECT m.email FROM mine AS m, LATERAL (SELECT COUNT(*) AS n FROM {agg} AS t WHERE t.{what} = m.email) AS q",
    "SELECT t.x, t.x AS y FROM (SELECT {what} AS x FROM {agg}) AS t",
    "SELECT MIN(x) FROM (SELECT {what} AS x FROM (SELECT * FROM {agg}) AS a) AS b",
    "SELECT x, COUNT(*) OVER () FROM (SELECT {what} AS x FROM {agg})",
    "SELECT (SELECT MAX(x) FROM (SELECT {what} AS x FROM {agg})) AS z",
    "SELECT * FROM (SELECT {what} FROM {agg} WHERE income < 100) AS t",
    "SELECT SUM(CASE WHEN x = '' THEN 1 ELSE 0 END) FROM (SELECT {what} AS x FROM {agg})",
    "SELECT COUNT(*), t.x FROM (SELECT {what} AS x, city AS c FROM {agg}) AS t JOIN mine ON t.x = email GROUP BY c",
)


def test_no_statement_gets_a_row_out_of_an_aggregated_view(free: World, monkeypatch: pytest.MonkeyPatch) -> None:
    texts = [named(text.replace("{what}", H)) for text in ROWS]
    told = []
    for text in texts:
        with pytest.raises(SqlError, match=REFUSED):
            told.append((text, free.advertiser.sql(text)))
    monkeypatch.setattr(Guard, "constrains", property(lambda _: False))
    for text in (texts[0], texts[4], texts[6]):
        assert BOB in str(free.advertiser.sql(text)), "nothing guards it"


@pytest.mark.parametrize(
    "query",
    [
        "SELECT COUNT(*) FROM {agg} WHERE " + H + " = '{who}'",
        "SELECT city, COUNT(*) FROM {agg} WHERE " + H + " = '{who}' GROUP BY city",
        "SELECT COUNT(*) FROM {agg} t JOIN (SELECT '{who}' AS e) m ON t." + H + " = m.e",
        "SELECT COUNT(DISTINCT city), SUM(income) FROM {rows} WHERE " + H + " = '{who}'",
        # Whether it fails, and with what, says nothing either.
        "SELECT COUNT(*) FROM {agg} WHERE city = IFF(" + H + " = '{who}', 1, 2)",
        "SELECT COUNT(*) FROM {agg} WHERE income * IFF(" + H + " = '{who}', 1e37::NUMBER(38,0), 1) > 0 AND income < 13",
    ],
)
def test_whether_somebody_is_there_is_not_told(free: World, query: str) -> None:
    assert rows(free, query.replace("{who}", BOB)) == rows(free, query.replace("{who}", NOBODY))


def test_one_row_makes_no_query_fail(free: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """An error would be one bit of one row, whatever the policy's group size."""
    failing = (
        "SELECT COUNT(*) FROM {agg} WHERE income < 14 AND income + IFF("
        + H
        + " = '{who}', 99999999999999999999999999999999999999, 0) > 0"
    )
    assert rows(free, failing.replace("{who}", BOB)) == [(None,)]
    monkeypatch.setattr(operators, "never_fails", lambda _: True)
    assert rows(free, failing.replace("{who}", NOBODY)) == [(None,)]
    with pytest.raises(SqlError):
        rows(free, failing.replace("{who}", BOB))


def test_what_a_row_policy_leaves_out_is_asked_nothing(free: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """A filter of the query's own would fail on a row that is not there, were it asked of it."""
    probing = "SELECT COUNT(*) FROM {filtered} WHERE 1 / (income - 10) > 0"
    assert rows(free, probing) == [(6,)]
    made = freeform_policies.view_source

    def without(*args: object) -> object:
        source = made(*args)  # type: ignore[arg-type]
        text = source.text.partition(" WHERE ")[0]
        return type(source)(source.columns, text, source.catalog, source.guard)

    monkeypatch.setattr("cleanroom_ml.engine.rooms.freeform.view_source", without)
    with pytest.raises(SqlError):
        rows(free, probing)


HIDING = (
    f"SELECT {H} FROM {{hidden}}",
    "SELECT * FROM {hidden}",
    f"SELECT UPPER({H}) AS x FROM {{hidden}}",
    f"SELECT MAX({H}) FROM {{hidden}}",
    f"SELECT x FROM (SELECT {H} AS x FROM {{hidden}})",
    f"SELECT city FROM {{hidden}} ORDER BY {H}",
    f"SELECT city, COUNT(*) FROM {{hidden}} GROUP BY city HAVING MAX({H}) > '5'",
    f"SELECT s FROM {{hidden}} AS t, (SELECT {H} AS s) AS q",
    f"SELECT s FROM {{hidden}} AS t, LATERAL (SELECT t.{H} AS s) AS q",
    f"SELECT (SELECT t.{H}) AS x FROM {{hidden}} AS t",
    f"SELECT city FROM {{hidden}} WHERE EXISTS (SELECT 1 FROM mine WHERE email = {H})",
    f"SELECT t.* RENAME ({H} AS city2) FROM {{hidden}} AS t",
    f"SELECT UPPER({H}), COUNT(*) FROM {{hidden}} GROUP BY 1",
    f"SELECT {H}, COUNT(*) FROM {{agghidden}} GROUP BY 1",
    f"SELECT COUNT({H}) FROM {{agghidden}}",
    "CREATE TABLE stolen AS SELECT * FROM {hidden}",
)


def test_a_hidden_column_is_in_no_result(free: World, monkeypatch: pytest.MonkeyPatch) -> None:
    for text in HIDING:
        with pytest.raises(SqlError, match=REFUSED):
            rows(free, text)
    monkeypatch.setattr(sources, "hidden", lambda *_: None)
    assert (BOB,) in rows(free, HIDING[0])


def test_a_hidden_column_in_another_case_is_hidden_beside_columns_that_are_not_known(
    free: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """DuckDB takes `"email"` for `"EMAIL"`, and what PIVOT for ANY gives is known after it has run."""
    beside = "(SELECT * FROM (SELECT 1 AS a, 'x' AS b) PIVOT (SUM(a) FOR b IN (ANY))) AS u"
    stealing = f'SELECT "{H}" FROM {{hidden}} AS t, {beside}'
    for text in (
        stealing,
        stealing.replace("{hidden}", "{nulled}"),
        f'SELECT MAX("{H}") FROM {{hidden}} AS t, {beside}',
        f'SELECT city FROM {{hidden}} AS t, {beside} ORDER BY "{H}"',
        f'SELECT COUNT(DISTINCT "{H}") FROM {{agghidden}} AS t, {beside}',
    ):
        with pytest.raises(SqlError, match=REFUSED):
            rows(free, text)
    monkeypatch.setattr(sources, "_in_another_case", lambda *_: False)
    assert (BOB,) in rows(free, stealing)


def test_an_item_of_from_sees_nothing_of_those_before_it(free: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """DuckDB lets a subquery in FROM name the columns of the items before it, without the word LATERAL."""
    with pytest.raises(SqlError, match=REFUSED):
        rows(free, HIDING[7])

    def beside(items: Sequence[Item], _: Callable[[str], str]) -> tuple[exp.From, list[exp.Join], list[exp.CTE]]:
        guarded, other = items
        table = GuardedTable(source=guarded.source, alias=exp.TableAlias(this=quoted(guarded.alias)), row=None)
        return exp.From(this=table), [exp.Join(this=other.node.copy())], []

    monkeypatch.setattr(sources, "rebuilt", beside)
    assert (BOB,) in rows(free, HIDING[7])


JOINS = (
    "SELECT COUNT(*) FROM {joins}",
    f"SELECT city FROM {{joins}} t, mine m WHERE t.{H} = m.email",
    "SELECT city FROM {joins} t CROSS JOIN mine m",
    f"SELECT city FROM {{joins}} t LEFT JOIN mine m ON t.{H} = m.email",
    f"SELECT city FROM mine m RIGHT JOIN {{joins}} t ON t.{H} = m.email",
    f"SELECT city FROM {{joins}} t FULL JOIN mine m ON t.{H} = m.email",
    "SELECT city FROM {joins} t JOIN mine m ON t.income = m.spent",
    f"SELECT city FROM {{joins}} t JOIN mine m ON t.{H} = m.email OR TRUE",
    f"SELECT city FROM {{joins}} t JOIN mine m ON t.{H} = t.{H}",
    f"SELECT city FROM {{joins}} t JOIN mine m ON t.{H} <> m.email",
    "SELECT city FROM {joins} t JOIN mine m ON TRUE",
    "SELECT city FROM {joins} t NATURAL JOIN mine m",
    f"SELECT t.city FROM {{joins}} t JOIN {{joins}} m ON t.{H} = m.{H}",
    f"SELECT t.city FROM {{joins}} t JOIN (SELECT {H} AS e FROM {{joins}}) m ON t.{H} = m.e",
    f"SELECT {H} FROM {{joins}} UNION SELECT email FROM mine",
    "SELECT city, COUNT(*) FROM {both} GROUP BY city",
)


def test_a_view_that_has_to_be_joined_is(free: World, monkeypatch: pytest.MonkeyPatch) -> None:
    for text in JOINS:
        with pytest.raises(SqlError, match=REFUSED):
            rows(free, text)
    monkeypatch.setattr(sources, "check_joins", lambda _: None)
    assert rows(free, JOINS[0]) == [(12,)]


@pytest.mark.parametrize(
    "call", ["SYSTEM$WAIT(1)", "REPEAT(city, 1000000000)", "own(city)", "RANDOM()", "SPLIT(city, '')"]
)
def test_nothing_that_takes_time_or_room_is_computed_of_a_row(free: World, call: str) -> None:
    with pytest.raises(SqlError, match="policy violation"):
        rows(free, f"SELECT COUNT(*) FROM {{agg}} WHERE IFF({H} = '{BOB}', {call}, NULL) IS NULL")


def test_the_list_of_functions_holds_none_that_asks_or_makes_much() -> None:
    assert not expressions._ROW_FUNCTIONS & {"REPEAT", "LPAD", "RPAD", "SPACE", "RANDOM", "GETVARIABLE", "IDENTIFIER"}
    assert not any(name.startswith(("SYSTEM$", "SEQ")) for name in expressions._ROW_FUNCTIONS)


def test_who_reads_is_told_by_the_account_and_by_nothing_a_runner_can_choose(
    free: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """sql-reference/functions/current_role: NULL for a shared object. A runner can make a role of any name."""
    free.publisher.sql(
        "ALTER AGGREGATION POLICY none SET BODY -> CASE WHEN CURRENT_ROLE() = 'ACCOUNTADMIN' OR"
        " CURRENT_ACCOUNT() = 'PUBLISHER' THEN NO_AGGREGATION_CONSTRAINT()"
        " ELSE AGGREGATION_CONSTRAINT(MIN_GROUP_SIZE => 5) END"
    )
    assert rows(free, "SELECT CURRENT_ROLE()") == [("ACCOUNTADMIN",)]
    with pytest.raises(SqlError, match="policy violation"):
        rows(free, "SELECT city FROM {unagg}")
    monkeypatch.setattr("cleanroom_ml.engine.rooms.freeform.Reader", lambda _: Reader("PUBLISHER"))
    assert len(rows(free, "SELECT city FROM {unagg}")) == 12
    assert ("Oslo",) in rows(free, "SELECT DISTINCT city FROM {masked}")
    free.publisher.sql("ALTER AGGREGATION POLICY none SET BODY -> NO_AGGREGATION_CONSTRAINT()")


def test_a_view_is_there_for_who_may_run_alone(free: World, monkeypatch: pytest.MonkeyPatch) -> None:
    count = named("SELECT COUNT(*) FROM {free}")
    for party in (free.publisher, free.stranger):
        with pytest.raises(SqlError, match="does not exist or not authorized"):
            party.sql(count)
    free.advertiser.sql("CREATE ROLE nobody")
    free.advertiser.sql("GRANT ROLE nobody TO USER ann")
    free.advertiser.sql("USE ROLE nobody")
    with pytest.raises(SqlError, match="does not exist or not authorized"):
        free.advertiser.sql(count)
    monkeypatch.setattr(FreeformViews, "_may_run", lambda *_: True)
    assert free.advertiser.sql(count)
    free.advertiser.sql("USE ROLE accountadmin")


def test_a_view_goes_with_its_link_whatever_was_made_of_it(free: World) -> None:
    free.advertiser.sql(named("CREATE VIEW counted AS SELECT COUNT(*) AS n FROM {gone}"))
    assert rows(free, "SELECT n FROM counted") == [(12,)]
    free.publisher.call("UNLINK_DATA_OFFERING", "lookalike", "gone_v1", ["adv"])
    for text in ("SELECT n FROM counted", "SELECT COUNT(*) FROM {gone}"):
        with pytest.raises(SqlError, match="does not exist or not authorized"):
            rows(free, text)


def test_two_views_of_one_name_are_none(free: World) -> None:
    """`PUB_A_B_V1_PEOPLE` is dataset `people` of `a_b_v1`, and `b_v1_people` of `a`: neither is guessed at."""
    free.publisher.call("REGISTER_DATA_OFFERING", offering("one_two"))
    other = offering("one").replace("version: v1", "version: two").replace("alias: people", "alias: v1_people")
    free.publisher.call("REGISTER_DATA_OFFERING", other)
    free.publisher.call("LINK_DATA_OFFERING", "lookalike", "one_two_v1", ["adv"])
    query = "SELECT COUNT(*) FROM SFDCR_LOOKALIKE.FREEFORM_SQL.PUB_ONE_TWO_V1_PEOPLE"
    assert free.advertiser.sql(query)
    free.publisher.call("LINK_DATA_OFFERING", "lookalike", "one_two", ["adv"])
    with pytest.raises(SqlError, match="is the name of 2 views"):
        free.advertiser.sql(query)


def test_a_job_and_a_template_have_no_view_for_free_form_sql(free: World) -> None:
    """A runner's own view over one, offered to a room, would be read there with its provider's catalog."""
    free.advertiser.sql(named("CREATE OR REPLACE VIEW passed AS SELECT COUNT(*) AS n FROM {free}"))
    spec = offering("passed").replace("PEOPLE\n", "PASSED\n").split("      EMAIL_HASH")[0]
    with pytest.raises(SqlError, match="does not exist or not authorized"):
        free.advertiser.call("REGISTER_DATA_OFFERING", spec + "      N: {category: passthrough}\n")


def test_a_format_of_a_moment_shows_no_memory_of_what_is_hidden(free: World) -> None:
    """Of an element that is written shorter than it is long, the rest is what the worker has read before."""
    moment = "dateadd('second', income, '2024-01-01 00:00:00.123456'::timestamp_ntz)"
    shown = f"hex_encode(to_varchar({moment}, '{'FF9' * 80}'))"
    found = rows(free, f"SELECT {shown} FROM {{hidden}} WHERE upper({H}) NOT IN ('X', 'Y')")
    assert {bytes.fromhex(text) for (text,) in found} == {b"123456000" * 80}

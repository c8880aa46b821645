"""Values that the reference prints, each by its page below sql-reference/functions unless another one is named."""

from __future__ import annotations

import datetime
from decimal import Decimal
from pathlib import Path

import pytest
from sql_world import World

from cleanroom_ml.engine.sql.compile.queries import compile_query
from cleanroom_ml.engine.sql.errors import SqlError


@pytest.fixture(scope="module")
def worlds(tmp_path_factory: pytest.TempPathFactory) -> World:
    return World(Path(tmp_path_factory.mktemp("world")))


HOURS = "'2024-04-05 01:02:03'::timestamp"
VALUES = [
    ("to_char", f"to_varchar({HOURS}, 'mm/dd/yyyy, hh24:mi hours')", "04/05/2024, 01:02 hours"),
    ("to_char", f"to_varchar({HOURS}, 'DDTHH24MISS')", "05T010203"),
    ("initcap", "initcap('iqamqinterestedqinqthisqtopic', 'q')", "IqAmqInterestedqInqThisqTopic"),
    ("strtok", "strtok('', '')", None),
    ("try_cast", "try_cast('abcdef' as varchar(3))", None),
    ("try_cast", "try_cast('abc' as string(3))", "abc"),
    ("unicode", "unicode('')", 0),
    ("rtrimmed_length", "rtrimmed_length(' ABCD ')", 5),
    ("months_between", "months_between('2019-03-01'::date, '2019-02-15'::date)", Decimal("0.548387")),
    ("length", "length(to_binary('616263', 'hex'))", 3),
    ("bit_length", "bit_length(to_binary('616263', 'hex'))", 24),
    ("concat", "(to_binary('61') || to_binary('62'))::varchar", "6162"),
    ("next_day", "next_day('2020-08-01'::date, x)::varchar", "2020-08-03"),
    ("previous_day", "previous_day('2020-08-01'::date, x)::varchar", "2020-07-27"),
    ("time_from_parts", "time_from_parts(1, 2, 3, n)::varchar", "01:02:03"),
    ("trunc", "trunc(-0.5::float)::varchar || ceil(-0.5::float)::varchar", "00"),
    ("array_compact", "array_compact(parse_json('[1, null, 3]'))::varchar", "[1,3]"),
    ("array_construct_compact", "array_construct_compact(null, 'a', parse_json('null'))::varchar", '["a",null]'),
    ("array_distinct", "array_distinct(array_construct(1, 1, 2, 3, 2))::varchar", "[1,2,3]"),
    ("array_max", "is_null_value(array_max(parse_json('[null, null]')))", True),
    ("booland", "booland(2, 0.3) or booland(-0.4, 5)", False),
    ("booland", "booland(1, -2) and not boolnot(0.6) and not boolxor(1, 2)", True),
    ("like", "like('a%', 'a^%', '^') and not like('ab', 'a^%', '^')", True),
    ("greatest", "greatest('9', 10)", "9"),
    ("greatest", "greatest(9, '10')", 10),
    ("greatest", "greatest(parse_json('10'), parse_json('9'), 9.5)::int", 10),
    ("least", "least(parse_json('10'), parse_json('9'))::int", 9),
    ("as_integer", "as_integer(1.2345::variant)", 1),
    ("json_extract_path_text", """json_extract_path_text('{"a": {"b": "x"}}', 'a.b')""", "x"),
    ("bitmap_bucket_number", "bitmap_bucket_number(32769)", 2),
    ("bitmap_bit_position", "bitmap_bit_position(32768)", 32767),
    ("current_role_type", "current_role_type()", "ROLE"),
    ("current_schemas", "current_schemas()", '["DB.PUBLIC"]'),
    ("hash", "hash(1) = hash(1.0::number(5,2)) and hash(1) = hash(1::float)", True),
    ("to_variant", f"to_json(object_construct('a', {HOURS}))", '{"a":"2024-04-05 01:02:03.000"}'),
    ("to_variant", "(object_construct('a', '10:00:00.123456'::time):a::time)::varchar", "10:00:00"),
]


@pytest.mark.parametrize(("page", "text", "expected"), VALUES, ids=[text for _, text, _ in VALUES])
def test_a_value_is_what_its_page_prints(worlds: World, page: str, text: str, expected: object) -> None:
    rows = worlds.query(f"select {text} as value from (select 'Monday' x, 987654000 n)")
    assert rows == [(expected,)], page


QUERIES = [
    (
        "ratio_to_report",
        "select 100 * ratio_to_report(x) over (order by x) from values (300), (700) v(x) order by 1",
        [(Decimal("30.000000"),), (Decimal("70.000000"),)],
    ),
    (
        "time_slice",
        """select '2019-02-28'::date as "DATE", time_slice("DATE", 4, 'MONTH', 'END')""",
        [(datetime.date(2019, 2, 28), datetime.date(2019, 5, 1))],
    ),
    (
        "sql/select",
        "select 1.5 a, a / 3 b, b + a c, 'x' d, d || a",
        [(Decimal("1.5"), Decimal("0.5000000"), Decimal("2.0000000"), "x", "x1.5")],
    ),
    ("hash_agg", "select hash_agg(null) from (select 1) where 0 = 1", [(0,)]),
    ("hash_agg", "select hash_agg(a) = hash_agg(b) from values (1, 2), (2, 1) v(a, b)", [(True,)]),
    ("hash_agg", "select hash_agg(a) = hash_agg(distinct a) from values (1), (1) v(a)", [(False,)]),
    (
        "hash_agg",
        "select count(distinct h) from (select hash_agg(a) h from values (1), (null) v(a) group by a)",
        [(2,)],
    ),
    ("hash", "select hash(*) = hash(a, b) from values (1, 2) v(a, b)", [(True,)]),
    (
        "array_agg",
        "select array_agg(distinct a) within group (order by a desc)::varchar from values (1), (3), (1) v(a)",
        [("[3,1]",)],
    ),
    ("sql/select", "select 1 from dual", [(1,)]),
    ("split_to_table", "select value from table(split_to_table('a b', ' ') over ())", [("a",), ("b",)]),
    (
        "constructs/pivot",
        "select * from (values (1, 'a', 10), (1, 'b', 20)) v(k, c, x) pivot (sum(x) for c in ('a', 'b'))",
        [(1, 10, 20)],
    ),
    (
        "constructs/unpivot",
        "select * from (values (1, 10, null)) v(k, a, b) unpivot include nulls (x for c in (a, b)) order by c",
        [(1, "A", 10), (1, "B", None)],
    ),
    (
        "data-type-conversion",
        "select x from (select '2' x union all select 1.25) order by 1",
        [(Decimal("1.25"),), (Decimal("2.00"),)],
    ),
    (
        "operators-arithmetic",
        "select x from (select 1::number(38,0) x union all select 1.25) order by 1",
        [(Decimal("1.00"),), (Decimal("1.25"),)],
    ),
    (
        "operators-arithmetic",
        "select iff(n = 1, n, 1.25), n = 1.25, mod(n * 10, 3.5) from (select 1::number(38,0) n)",
        [(Decimal("1.00"), False, Decimal("3.0"))],
    ),
    (
        "constructs/join",
        "select substr(t.x, 2) al, v.y from (select 'ab' x) t join (select 'b' z, 1 y) v on al = v.z",
        [("b", 1)],
    ),
]


@pytest.mark.parametrize(("page", "query", "expected"), QUERIES, ids=[query for _, query, _ in QUERIES])
def test_rows_are_what_their_page_prints(worlds: World, page: str, query: str, expected: object) -> None:
    assert worlds.query(query) == expected, page


def test_a_cast_cuts_no_text(worlds: World) -> None:
    """functions/cast.md: `CAST('9.8765' AS VARCHAR(4))` fails with 100078."""
    assert worlds.query("select '9.8765'::varchar(6)") == [("9.8765",)]
    with pytest.raises(Exception, match="cleanroom:length"):
        worlds.query("select t::varchar(4) from (select '9.8765' t)")


@pytest.mark.parametrize("text", ["nan", "inf", "-inf"])
def test_what_is_no_number_is_no_truth(worlds: World, text: str) -> None:
    """functions/to_boolean.md."""
    with pytest.raises(Exception, match="cleanroom:floating"):
        worlds.query(f"select '{text}'::float::boolean")
    assert worlds.query("select 0.3::float::boolean, 0::float::boolean, null::float::boolean") == [(True, False, None)]


@pytest.mark.parametrize("name", ["left", "substr", "reverse", "lpad"])
def test_text_functions_do_not_take_the_hexadecimal_digits_of_bytes(worlds: World, name: str) -> None:
    """Snowflake's take a BINARY's bytes: functions/substr.md and others."""
    more = {"left": ", 1", "substr": ", 1, 1", "lpad": ", 3"}.get(name, "")
    with pytest.raises(SqlError, match=f"{name.upper()} of BINARY"):
        worlds.query(f"select {name}(to_binary('6162'){more})")


@pytest.mark.parametrize("text", ["encrypt('a', 'b')", "st_makepoint(1, 2)"])
def test_what_is_not_here_is_refused_by_its_name(worlds: World, text: str) -> None:
    with pytest.raises(SqlError, match=f"Unsupported feature '{text.partition('(')[0].upper().replace('$', '[$]')}'"):
        worlds.query(f"select {text}")


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("[1]", "ARRAY"),
        ("{'a': 1}", "OBJECT"),
        ("split('a', 'b')", "ARRAY"),
        ("object_keys({'a': 1})", "ARRAY"),
        ("parse_json('[1]')", None),
        ("[1]::variant", None),
        ("coalesce([1], {'a': 1})", None),
        ("parse_json('[1]')::array", "ARRAY"),
        ("[1][0]", None),
    ],
)
def test_it_is_known_what_is_an_array_and_what_an_object(worlds: World, text: str, kind: str | None) -> None:
    """The type of a result's column (data-types-semistructured)."""
    [found] = compile_query(f"select {text} as value", worlds).kinds
    assert found == "JSON"
    assert getattr(found, "name", None) == kind

"""Semi-structured values, by the examples of Snowflake's reference: pages sql-reference/functions/<name>, where none
else is named.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from sql_world import World

from cleanroom_ml.engine.sql.errors import SqlError
from cleanroom_ml.engine.sql.functions import arrays, tables, variant
from cleanroom_ml.engine.sql.functions.table import FUNCTIONS
from cleanroom_ml.engine.sql.values.objects import pretty
from cleanroom_ml.engine.sql.values.table import FUNCTIONS as WORKER_FUNCTIONS


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    return World(Path(tmp_path_factory.mktemp("world")))


def value(world: World, text: str) -> Any:
    [(found,)] = world.query(f"select {text} as x")
    return found


SHOWN = [
    # parse_json, typeof: the table of the page
    ("parse_json('null')", "null"),
    ("parse_json('-17')", "-17"),
    ("parse_json('123.12')", "123.12"),
    ("parse_json('1.912e2')", "1.912000000000000e+02"),
    ("parse_json('\"Om ara pa ca na dhih\"  ')", '"Om ara pa ca na dhih"'),
    (
        "parse_json('[-1, 12, 289, 2188, false,]')",
        "[\n  -1,\n  12,\n  289,\n  2188,\n  false,\n  undefined\n]",
    ),
    (
        'parse_json(\'{ "y" : false, "x" : "abc", "z": 10} \')',
        '{\n  "x": "abc",\n  "y": false,\n  "z": 10\n}',
    ),
    ('parse_json(\'{"a":"123","b":"456","a":"789"}\', \'d\')', '{\n  "a": "789",\n  "b": "456"\n}'),
    ("parse_json('{ name: { first: \"John\"}, n: [] }')", '{\n  "n": [],\n  "name": {\n    "first": "John"\n  }\n}'),
    ("to_variant(3.21::double)", "3.210000000000000e+00"),
    ("array_construct(10, 'twenty', null)", '[\n  10,\n  "twenty",\n  undefined\n]'),
    ("array_construct_compact(null, 'hello', 3, null)", '[\n  "hello",\n  3\n]'),
    ("array_construct()", "[]"),
    ("object_construct('b', 2, 'a', null, 'c', parse_json('null'))", '{\n  "b": 2,\n  "c": null\n}'),
    ("object_construct_keep_null('a', null)", '{\n  "a": null\n}'),
    ("object_construct('d', '2024-01-02'::date)", '{\n  "d": "2024-01-02"\n}'),
    ("{'q': 1.50}", '{\n  "q": 1.5\n}'),
    # array_insert
    ("array_insert([0,1,2,3], 5, 'hello')", '[\n  0,\n  1,\n  2,\n  3,\n  undefined,\n  "hello"\n]'),
    ("array_insert([0,1,2,3], -1, 'hello')", '[\n  0,\n  1,\n  2,\n  "hello",\n  3\n]'),
    # array_remove: equal by value, whatever the type
    ("array_remove([1, 5, 5.00, 5.00::double, '5', 5, null], 5)", '[\n  1,\n  "5",\n  undefined\n]'),
    # array_sort
    (
        "array_sort([20, parse_json('null'), 0, null, 10])",
        "[\n  0,\n  10,\n  20,\n  null,\n  undefined\n]",
    ),
    (
        "array_sort([20, parse_json('null'), 0, null, 10], true, true)",
        "[\n  undefined,\n  0,\n  10,\n  20,\n  null\n]",
    ),
    # array_except and array_intersection: multi-sets
    ("array_except(['A', 'B', 'B', 'B', 'C'], ['B'])", '[\n  "A",\n  "B",\n  "B",\n  "C"\n]'),
    ("array_except(['A', null, null], ['B', null])", '[\n  "A",\n  undefined\n]'),
    ("array_intersection(['A','B','B','B','C'], ['B','B'])", '[\n  "B",\n  "B"\n]'),
    ("array_flatten([[1, 2], [null], [5]])", "[\n  1,\n  2,\n  undefined,\n  5\n]"),
    (
        "arrays_zip([1], ['one', 'two'])",
        '[\n  {\n    "$1": 1,\n    "$2": "one"\n  },\n  {\n    "$1": null,\n    "$2": "two"\n  }\n]',
    ),
    ("arrays_zip([], [], [])", "[\n  {}\n]"),
    ("arrays_to_object(['key1', null, 'key3'], ['value1', 'v', null])", '{\n  "key1": "value1",\n  "key3": null\n}'),
    ("object_insert(object_construct('a', 1), 'b', null)", '{\n  "a": 1\n}'),
    ("object_insert({'a': 1}, 'a', 'x', true)", '{\n  "a": "x"\n}'),
    ("object_delete({'a': 1, 'b': 2, 'c': 3}, 'a', 'b')", '{\n  "c": 3\n}'),
    ("object_pick({'a': 1, 'b': 2, 'c': 3}, array_construct('a', 'b'))", '{\n  "a": 1,\n  "b": 2\n}'),
    ("object_keys({'b': 1, 'a': 2})", '[\n  "a",\n  "b"\n]'),
    ("split('127.0.0.1', '.')", '[\n  "127",\n  "0",\n  "0",\n  "1"\n]'),
    ("strtok_to_array('user@snowflake.com', '.@')", '[\n  "user",\n  "snowflake",\n  "com"\n]'),
    ("to_array(parse_json('3'))", "[\n  3\n]"),
    ("array_generate_range(2, 10, 3)", "[\n  2,\n  5,\n  8\n]"),
    ("parse_json('[12345678901234567.123456]')[0]", "12345678901234567.123456"),
]


@pytest.mark.parametrize(("text", "shown"), SHOWN, ids=[text for text, _ in SHOWN])
def test_a_variant_is_shown_as_the_page_shows_it(world: World, text: str, shown: str) -> None:
    assert pretty(value(world, text)) == shown


VALUES = [
    ("typeof(parse_json('123.12'))", "DECIMAL"),
    ("typeof(parse_json('1.912e2'))", "DOUBLE"),
    ("typeof(parse_json('-17'))", "INTEGER"),
    ("typeof(parse_json('null'))", "NULL_VALUE"),
    ("typeof('2024-01-17 19:00:00'::timestamp_ntz::variant)", "TIMESTAMP_NTZ"),
    ("typeof('2024-01-17'::date::variant)", "DATE"),
    ("typeof('x'::variant)", "VARCHAR"),
    ("to_json('null'::variant)", '"null"'),
    ('to_json(parse_json(\'{"b":1,"a":2}\'))', '{"a":2,"b":1}'),
    ('parse_json(\'{"b":1,"a":2}\') = parse_json(\'{"a":2,"b":1.0}\')', True),
    ("parse_json('{\"PI\":3.14}') = to_variant('{\"PI\":3.14}')", False),
    ("parse_json('') is null", True),
    ('try_parse_json(\'{"a":1,"a":2}\') is null', True),
    ("check_json('[1,')", "unexpected character or end, pos 4"),
    # as, is
    ("as_integer(parse_json('\"1\"'))", None),
    ("as_varchar(parse_json('1'))", None),
    # sql-reference/data-type-conversion: NUMBER, FLOAT and BOOLEAN become VARIANTs by themselves, text does not
    ("as_boolean(1)", None),
    ("as_double(1.5::float)", 1.5),
    ("is_boolean(true)", True),
    # sql-reference/data-types-semistructured: a VARIANT keeps a value as it is; text of a FLOAT has 15 digits
    ("to_variant(0.1::float + 0.2::float)::float", 0.1 + 0.2),
    ("parse_json('1.7976931348623157e308')::double", 1.7976931348623157e308),
    ("to_double(parse_json('[0.30000000000000004e0]')[0]) + 0", 0.30000000000000004),
    ("to_variant(0.1::float + 0.2::float)::varchar", "0.3"),
    ("as_real(parse_json('1.912e2'))", 191.2),
    ("as_date('2018-10-10'::date::variant)::varchar", "2018-10-10"),
    ("is_decimal(parse_json('-17'))", True),
    ("is_integer(parse_json('123.12'))", False),
    ("is_integer(null::variant)", False),
    ("is_null_value(parse_json('null'))", True),
    ("strip_null_value(parse_json('null')) is null", True),
    # get, get_path, get_ignore_case
    ("get([1, null], 1) is null", True),
    ("get_ignore_case({'aB': 1}, 'AB')::int", 1),
    ("get_path(parse_json('{\"a\":[{\"b c\":7}]}'), 'a[0][\\'b c\\']')::int", 7),
    ("parse_json('{\"name\":\"x\"}'):name || '!'", "x!"),
    ("parse_json('{\"v\":null}'):v::varchar is null", True),
    ("parse_json('\"10\"') > 9", True),
    # arrays
    ("array_contains('hello'::variant, array_construct('hello', 'hi'))", True),
    ("array_contains(1, [[1]])", False),
    ("array_position('hi'::variant, array_construct('hello', 'hi'))", 1),
    ("array_to_string(['A', null, 'B'], ', ')", "A, , B"),
    ("array_size(parse_json('{\"a\":1}'))", None),
    ("array_cat([1], null)", None),
    ("array_append(null, 1)", None),
    ("array_flatten([[1], null])", None),
    ("array_max([null, 1, 20, 3])::int", 20),
    ("array_min([])", None),
    ("arrays_overlap([1], [1, 2])", True),
]


@pytest.mark.parametrize(("text", "expected"), VALUES, ids=[text for text, _ in VALUES])
def test_a_value_is_what_the_page_says(world: World, text: str, expected: object) -> None:
    assert value(world, text) == expected


QUERIES = [
    # numbers are ordered, compared and counted by value (data-types-semistructured)
    ("select max(parse_json(column1))::int from values ('10'), ('9')", [(10,)]),
    ("select column1 from values ('10'), ('9'), ('100') order by parse_json(column1)", [("9",), ("10",), ("100",)]),
    ('select count(distinct parse_json(column1)) from values (\'{"a":1,"b":2}\'), (\'{"b":2,"a":1}\')', [(1,)]),
    ("select min_by(column1, parse_json(column2)) from values ('a', '10'), ('b', '9')", [("b",)]),
    ("select sum(parse_json(column1)) from values ('10'), ('9')", [(19.0,)]),
    (
        "select column1 from values ('9'), ('10') where parse_json(column1) in (10)",
        [("10",)],
    ),
    # flatten
    (
        'select key, path, index, value::varchar from table(flatten(input => parse_json(\'{"b":1,"a":2}\')))',
        [("a", "a", None, "2"), ("b", "b", None, "1")],
    ),
    ("select index, value::int from table(flatten(input => parse_json('[1, ,77]'))) f", [(0, 1), (2, 77)]),
    (
        "select path, value::int from table(flatten(input => parse_json('{\"a\":1, \"b\":[77,88]}'), path => 'b')) f",
        [("b[0]", 77), ("b[1]", 88)],
    ),
    ("select count(*) from table(flatten(input => parse_json('[]'))) f", [(0,)]),
    (
        "select key, path, index, value, this::varchar from table(flatten(input => parse_json('[]'), outer => true)) f",
        [(None, "", None, None, "[]")],
    ),
    (
        'select path from table(flatten(input => parse_json(\'{"a":1, "b":[77,88], "c": {"d":"X"}}\'),'
        " recursive => true))",
        [("a",), ("b",), ("b[0]",), ("b[1]",), ("c",), ("c.d",)],
    ),
    (
        'select path from table(flatten(input => parse_json(\'{"a":1, "b":[77,88], "c": {"d":"X"}}\'),'
        " recursive => true, mode => 'object'))",
        [("a",), ("b",), ("c",), ("c.d",)],
    ),
    ("select path from table(flatten(input => parse_json('{\"a b\":1}')))", [("['a b']",)]),
    # the compound is there in each row, and is not copied for each: that would be 12 GB
    (
        "select count(*), max(length(this::varchar)) from (select array_generate_range(0, 50000) v) t,"
        " lateral flatten(t.v)",
        [(50000, 288891)],
    ),
    # two records have two numbers, also where they are equal (flatten, split_to_table)
    ("select count(distinct f.seq) from values ('[1]'), ('[1]') v, lateral flatten(parse_json(v.column1)) f", [(2,)]),
    ("select index, value from table(split_to_table('a.b', '.'))", [(1, "a"), (2, "b")]),
    ("select index, value from table(strtok_split_to_table('a.b', '.'))", [(1, "a"), (2, "b")]),
    # filter, transform
    ("select to_json(filter([1, 2, 3], x -> x > 1))", [("[2,3]",)]),
    (
        "select to_json(filter([{'name': 'a', 'v': 50}, {'name': 'b', 'v': 100}], i -> i:v >= 100))",
        [('[{"name":"b","v":100}]',)],
    ),
    ("select to_json(transform([1, 2, 3], a int -> a * 2))", [("[2,4,6]",)]),
    ("select to_json(transform(['a', null], Item -> ITEM::varchar || '!'))", [('["a!",undefined]',)]),
    # object_agg leaves NULLs out; object_construct(*), {*} (object_construct)
    (
        "select to_json(object_agg(column1, column2)) from values ('a', null), ('b', 1)",
        [('{"b":1}',)],
    ),
    ("select to_json(object_construct(*)), to_json({*}) from (select 1 a, 'x' b)", [('{"A":1,"B":"x"}',) * 2]),
    (
        "select to_json(array_union_agg(column1)) from (select parse_json(c) column1 from (select column1 c"
        " from values ('[1,1,2]'), ('[1,3]')))",
        [("[1,1,2,3]",)],
    ),
]


@pytest.mark.parametrize(("text", "rows"), QUERIES, ids=[text for text, _ in QUERIES])
def test_a_query_of_variants_gives_what_the_page_says(world: World, text: str, rows: list[tuple[object, ...]]) -> None:
    assert world.query(text) == rows


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ('parse_json(\'{"a":1,"a":2}\')', "json"),
        ("parse_json('{\"a\" 1}')", "json"),
        ("object_construct('a', 1, 'a', 2)", "duplicatekey"),
        ("object_insert({'a': 1}, 'a', 2)", "duplicatekey"),
        ("array_flatten([[1], 4])", "notanarray"),
        ("to_object(parse_json('[1]'))", "notanobject"),
    ],
)
def test_what_is_none_fails_by_name(world: World, text: str, kind: str) -> None:
    with pytest.raises(Exception, match=f"cleanroom:{kind}$"):
        value(world, text)


def test_an_array_is_not_made_of_a_text(world: World) -> None:
    with pytest.raises(SqlError, match="VARIANT is sought"):
        value(world, "array_size('[1]')")


def test_a_text_with_a_mark_of_ours_stays_a_text(world: World) -> None:
    """Nobody makes a DATE of a VARCHAR, or hides a value, by the character that the engine writes types with."""
    [(kind, text, shown)] = world.query(
        "select typeof(v), v::varchar, to_json(v) from (select (chr(1) || 'D2024-01-01')::variant v)"
    )
    assert (kind, text, json.loads(str(shown))) == ("VARCHAR", "\x01D2024-01-01", "\x01D2024-01-01")
    [(kind, size)] = world.query("select typeof(v[0]), array_size(v) from (select parse_json('[\"\\\\u0001U\"]') v)")
    assert (kind, size) == ("VARCHAR", 1)


def test_every_function_that_compiled_sql_calls_is_there() -> None:
    """A template may only name functions that workers have."""
    texts = [str(vars(module)) for module in (arrays, tables, variant)] + [repr(entry) for entry in FUNCTIONS.values()]
    named = set(re.findall(r"_sf_[a-z_]+(?=\()", " ".join(texts)))
    assert named
    assert named <= WORKER_FUNCTIONS.keys()

"""HLL, MINHASH and APPROX_TOP_K with their states. Expected values are of the pages sql-reference/functions/<name>,
user-guide/querying-approximate-cardinality, …-frequent-values and …-similarity.
"""

from __future__ import annotations

import json
import math

import pytest
from sql_world import World

from cleanroom_ml.engine.sql.errors import SqlError
from cleanroom_ml.engine.sql.values import digests, sketches

ONE_TO_EIGHT = "(select column1 c1 from values (1), (2), (3), (4), (5), (6), (7), (8))"
FIVE_TO_TWELVE = f"(select c1 + 4 as c1 from {ONE_TO_EIGHT})"
TA = "(select column1 i from values (1), (2), (3), (4), (5), (6), (7), (8), (9), (10))"
TB = "(select column1 i from values (1), (2), (3), (4), (5), (6), (7), (8), (9), (11))"
TC = "(select column1 i from values (-1), (-20), (-300), (-4000))"
SPARSE = (
    '{"version":3,"precision":12,"sparse":'
    '{"indices":[1131,1241,1256,1864,2579,2699,3730],"maxLzCounts":[2,4,2,1,3,2,1]}}'
)


def states(function: str, *sources: str) -> str:
    return " union all ".join(f"select {function} s from {source}" for source in sources)


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    """One for all of them: none changes anything."""
    return World(tmp_path_factory.mktemp("world"))


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        # functions/hll_combine, functions/hll_accumulate
        (f"select hll_estimate(hll_combine(s)) from ({states('hll_accumulate(c1)', ONE_TO_EIGHT, FIVE_TO_TWELVE)})", 12),  # noqa: E501
        # functions/hll_export: the estimate of what was exported and imported is HLL's
        (f"select hll(c1) = hll_estimate(hll_import(hll_export(hll_accumulate(c1)))) from {ONE_TO_EIGHT}", True),
        (f"select hll_export(hll_accumulate(c1)):precision::int from {ONE_TO_EIGHT}", 12),
        (f"select hll_export(hll_accumulate(c1)):version::int from {ONE_TO_EIGHT}", 3),
        (f"select array_size(hll_export(hll_accumulate(c1)):sparse:maxLzCounts) from {ONE_TO_EIGHT}", 8),
        (f"select hll_estimate(hll_import(parse_json('{SPARSE}')))", 7),
        # "HLL_ESTIMATE(HLL_ACCUMULATE(…)) is equivalent to HLL(…)"; NULLs are no values; no rows are no distinct value
        ("select hll(column1), hll_estimate(hll_accumulate(distinct column1)) from values (1), (null), (1)", 1),
        (f"select hll_estimate(hll_accumulate(c1)) from {ONE_TO_EIGHT} where c1 > 100", 0),
        ("select hll(column1, column2) from values (1, 'a'), (1, 'b'), (1, 'a'), (null, 'a')", 2),
        ("select hll(*) from values (1, 'a'), (1, 'b'), (1, 'a')", 2),
        ("select max(hll(column1)) over () from values (1.0), (2) group by column1 limit 1", 1),
        ("select hll(column1) over (partition by column2) from values (1, 0), (2, 0), (2, 0) limit 1", 2),
        ("select hll(column1) filter (where column1 > 1) from values (1), (2), (3)", 2),
        # functions/approx_top_k_combine
        (
            "select approx_top_k_estimate(approx_top_k_combine(s), 4)::varchar from"
            f" ({states('approx_top_k_accumulate(c1, 50)', ONE_TO_EIGHT, FIVE_TO_TWELVE)})",
            "[[5,2],[6,2],[7,2],[8,2]]",
        ),
        # "APPROX_TOP_K_ESTIMATE(APPROX_TOP_K_ACCUMULATE(…)) is equivalent to APPROX_TOP_K(…)"; k is 1 by default
        ("select approx_top_k_estimate(approx_top_k_accumulate(column1, 9))::varchar from values ('a'), ('b'), ('b')",
         '[["b",2]]'),
        ("select approx_top_k(column1)::varchar from values ('a'), ('b'), ('b')", '[["b",2]]'),
        ("select approx_top_k(column1, 3)::varchar from values (2), (1), (2), (3), (1)", "[[1,2],[2,2],[3,1]]"),
        ("select approx_top_k(column1, 2)::varchar from values (1.50), (1.5), (null)", "[[1.5,2]]"),
        # functions/minhash: its form; states of several sets; a set is like itself, and like no other
        (f"select minhash(5, distinct i):type::varchar || array_size(minhash(5, i):state) from {TA}", "minhash5"),
        (f"select approximate_similarity(s) from ({states('minhash(9, i)', TA, TA)})", 1.0),
        (f"select approximate_similarity(s) from ({states('minhash(9, i)', TA, TC)})", 0.0),
        (f"select approximate_jaccard_index(a, b) from (select minhash(9, i) a from {TA}), (select minhash(9, i) b from {TA})",  # noqa: E501
         1.0),
        # "producing the same output state as a single run of MINHASH over the entire table"
        (
            f"select minhash_combine(s)::varchar = max(t) from ({states('minhash(9, i)', TA, TB)}),"
            f" (select minhash(9, i)::varchar t from (select i from {TA} union all select i from {TB}))",
            True,
        ),
        # user-guide/querying-approximate-similarity: all columns of a row together
        (
            "select approximate_similarity(s) from (select minhash(9, *) s from (select 1 a, 'x' b)"
            " union all select minhash(9, *) from (select 1 a, 'y' b))",
            0.0,
        ),
    ],
)  # fmt: skip
def test_states_mean_what_their_pages_say(world: World, query: str, expected: object) -> None:
    assert world.query(query)[0][0] == expected


@pytest.mark.parametrize("size", [1_000, 20_000])
def test_hll_is_within_its_documented_error(world: World, size: int) -> None:
    """user-guide/querying-approximate-cardinality: 1.62338 % on average; here within four times that."""
    (found,) = world.query(
        f"select hll(seq8()), hll_estimate(hll_accumulate(seq8())) from table(generator(rowcount => {size}))"
    )
    assert found[0] == found[1]
    assert abs(float(str(found[0])) - size) < 4 * 0.0162338 * size


def test_the_state_of_many_values_is_dense_and_no_longer_than_documented(world: World) -> None:
    """functions/hll_accumulate: "a binary of at most 4096 Bytes"; the dense form of the guide."""
    query = "select hll_accumulate(seq8()), hll_export(hll_accumulate(seq8()))::varchar from table(generator(rowcount => 20000))"  # noqa: E501
    ((state, exported),) = world.query(query)
    assert isinstance(state, bytes)
    assert len(state) == 4096
    dense = json.loads(str(exported))["dense"]
    assert len(dense) == 4096
    assert all(0 <= each <= 53 for each in dense)
    assert sketches.imported(str(exported)) == state


def test_minhash_is_near_the_similarity(world: World) -> None:
    """9 of 12, which the pages estimate as 0.75 by 100 functions."""
    both = f"select i from {TA} union all select 12"
    query = states("minhash(100, i)", f"({both})", TB)
    ((found,),) = world.query(f"select approximate_similarity(s) from ({query})")
    assert math.isclose(float(str(found)), 9 / 12, abs_tol=0.13)


def test_a_full_summary_may_have_forgotten_what_another_has() -> None:
    """The parallel Space-Saving algorithm (arXiv:1401.0702): what a full summary lacks may have been there as often as
    its least frequent value.
    """
    first = sketches.top_k_state(['"a"', '"b"'], [9, 4], 2)
    second = sketches.top_k_state(['"a"', '"c"'], [1, 5], 3)
    combined = sketches.top_k_combine([first, second], 3)
    assert combined is not None
    assert sketches.top_k_estimate(combined, 3) == '[["a",10],["c",9],["b",4]]'


def test_percentiles_of_many_values_are_of_a_state_that_is_bounded() -> None:
    """user-guide/querying-approximate-percentile-values: t-Digest, whose error is smallest at the ends."""
    values = [float(number * 7919 % 30_011) for number in range(30_011)]
    halves = [digests.gathered(values[:15_000]), digests.gathered(values[15_000:])]
    state = digests.combined(halves)
    assert len(json.loads(state)["state"]) <= 2 * digests.MOST
    for fraction in (0, 0.001, 0.1, 0.5, 0.9, 0.999, 1):
        found = digests.estimate(state, fraction)
        assert found is not None
        assert abs(found - fraction * 30_010) <= 30_011 * 0.0005
    assert digests.estimate(digests.combined([digests.gathered([1.0, 2.0]), digests.gathered([10.0])]), 0.5) == 2.0


@pytest.mark.parametrize(
    "query",
    [
        "select approx_percentile_estimate(parse_json('{\"type\":\"tdigest\",\"state\":[1]}'), 0.5)",
        "select hll_estimate(to_binary('00'))",
        "select hll_estimate(to_binary('4D00000100'))",
        "select hll_import(parse_json('{\"version\":3,\"precision\":12,\"sparse\":{\"indices\":[1,1],\"maxLzCounts\":[1,1]}}'))",  # noqa: E501
        "select hll_import(parse_json('{\"version\":3,\"precision\":12,\"sparse\":{\"indices\":[4096],\"maxLzCounts\":[1]}}'))",  # noqa: E501
        "select hll_import(parse_json('{\"version\":3,\"precision\":11,\"sparse\":{\"indices\":[1],\"maxLzCounts\":[1]}}'))",  # noqa: E501
        "select hll_import(parse_json('[1]'))",
        # counts that no hashes have: the estimate would be endless, or beyond what a number of rows is
        "select hll_estimate(hll_import(object_construct('precision',12,'version',3,'dense',(select array_agg(53) from table(generator(rowcount=>4096))))))",  # noqa: E501
        "select hll_estimate(hll_import(object_construct('precision',12,'version',3,'dense',(select array_agg(52) from table(generator(rowcount=>4096))))))",  # noqa: E501
        # a state of another hash, as Snowflake exports it, together with one of ours
        f"select hll_combine(s) from (select hll_import(parse_json('{SPARSE}')) s union all select hll_accumulate(1))",
        f"select approximate_similarity(s) from (select minhash(5, i) s from {TA} union all select minhash(6, i) from {TA})",  # noqa: E501
        f"select minhash_combine(s) from (select minhash(5, i) s from {TA} union all select minhash(6, i) from {TA})",
        f"select approx_top_k_combine(s) from (select approx_top_k_accumulate(i, 5) s from {TA} union all"
        f" select approx_top_k_accumulate(i, 6) from {TA})",
        "select approx_top_k_estimate(parse_json('{\"state\":[1]}'))",
        "select approximate_similarity(parse_json('{\"type\":\"minhash\",\"state\":[]}'))",
    ],
)  # fmt: skip
def test_what_is_no_state_is_refused(world: World, query: str) -> None:
    with pytest.raises(SqlError, match="no state of its kind, or two that differ"):
        world.answer(query)


@pytest.mark.parametrize(
    ("query", "message"),
    [
        (f"select minhash(1025, i) from {TA}", "argument 1 of MINHASH is a constant between 1 and 1024"),
        (f"select minhash(i, i) from {TA}", "not a constant whole number"),
        (f"select approx_top_k(i, 100001) from {TA}", "argument 2 of APPROX_TOP_K is a constant between 1 and 100000"),
        (f"select hll_accumulate(i) over () from {TA}", "Unsupported feature 'HLL_ACCUMULATE with OVER"),
        ("select hll_estimate('abc')", "a state of HLL_ACCUMULATE is a BINARY"),
    ],
)
def test_what_the_pages_do_not_allow_is_refused(world: World, query: str, message: str) -> None:
    with pytest.raises(SqlError, match=message):
        world.query(query)


def test_a_state_is_the_same_in_every_release(world: World) -> None:
    """States are kept in tables: their hash is MD5's, and of nothing that may change."""
    assert world.query(f"select hll_accumulate(i) = to_binary('{HLL_OF_TA}') from {TA}") == [(True,)]
    assert world.query(f"select minhash(2, i):state::varchar from {TA}") == [(MINHASH_OF_TA,)]


HLL_OF_TA = "4D00DC02045A0104A80304AA0104C80105ED0807F2010CA3010D09010DC001"
MINHASH_OF_TA = "[593965231848813,198629857035020]"

"""One lexer: the splitter, the readers of commands and the parser of queries read the same tokens."""

from __future__ import annotations

import contextlib
import time

import pytest
from sqlglot import exp
from sqlglot.dialects.snowflake import Snowflake

from cleanroom_ml.engine.sql.binds import Binds
from cleanroom_ml.engine.sql.errors import SqlError
from cleanroom_ml.engine.sql.lex.for_parser import for_parser
from cleanroom_ml.engine.sql.lex.split import split
from cleanroom_ml.engine.sql.lex.tokens import first_word, tokenize
from cleanroom_ml.engine.sql.read.call import Call
from cleanroom_ml.engine.sql.read.classify import classify
from cleanroom_ml.engine.sql.read.copy_into import CopyInto
from cleanroom_ml.engine.sql.read.query import Query
from cleanroom_ml.engine.sql.tree.dialect import parse_ast

SAME = [
    "select \"a\"\"b\", 'it''s', 'a\\'b\\n', '\\x41\\101\\u0041\\z', $$a'b$$, x'4142', 0x41, n'c' from t",
    "select 1e5, 1.5E-3, .5, 5., 1..2, 1_000, 1.2.3, a.5, $1, $2:b.c[0]::int, $v from t",
    "select a -- c\n, b /* d */ , // e\n c from t group by a order\tby b",
    "select sum(a) over (partition by b order by c rows between unbounded preceding and current row)",
    "select a <> b, a != b, a >= b, a <= b, a || b, a::varchar(3), f(x => 1), x -> x + 1, a ->> b",
    "with recursive a as (select 1) select * from a where not b like '%' escape '!' qualify row_number() over () = 1",
    'select system$typeof(a$b), é.ü from "T" as t, lateral flatten(input => t.x) f, u join v on a.k = b.k(+)',
    "merge into t using u on t.a = u.a when matched then update set b = 1 when not matched then insert values (1)",
]


@pytest.mark.parametrize("text", SAME)
def test_the_parser_gets_what_its_own_tokenizer_would_give_it(text: str) -> None:
    ours = for_parser(text, tokenize(text))
    theirs = Snowflake().tokenize(text)
    assert [(each.token_type, each.text, each.start, each.end, each.line) for each in ours] == [
        (each.token_type, each.text, each.start, each.end, each.line) for each in theirs
    ]


def test_what_is_no_comment_is_none_to_anybody() -> None:
    """`{# … #}` was one to the parser, and tokens to who looks for the end of the statement."""
    assert len(split("select 1 {# ; #}")) == 2
    with pytest.raises(SqlError, match="syntax error"):
        parse_ast("select 1 {# x #}")
    with pytest.raises(SqlError):
        classify("select 1 {# from t #} from u")


@pytest.mark.parametrize(
    ("text", "numbers"),
    [
        ("select ?::int, ?", ["1", "2"]),
        ("select ?, ? + ? from t -- ?\n where a = ? /* ? */ and b = '?' and \"?\" = ?", ["1", "2", "3", "4", "5"]),
    ],
)
def test_a_placeholder_has_one_number(text: str, numbers: list[str]) -> None:
    """`?::` was one token to the parser: its placeholder was not counted there, and counted elsewhere."""
    statement = classify(text)
    assert isinstance(statement, Query)
    assert sorted(str(node.this) for node in statement.ast.find_all(exp.Placeholder)) == numbers


def test_commands_and_the_queries_in_them_count_alike() -> None:
    copied = classify("copy into identifier(?) from (select $1:a + ? from ?) pattern = ?", Binds.of("t", 1, "@s", "x"))
    assert isinstance(copied, CopyInto)
    assert (copied.target, copied.source.parts, copied.source.pattern) == (("T",), ("S",), "x")
    called = classify("call p(?, [?, {'a': ?}], ?)", Binds.of(1, 2, 3, 4))
    assert isinstance(called, Call)
    assert called.args == (1, [2, {"a": 3}], 4)


@pytest.mark.parametrize("literal", [r"'\x41\101\u0041'", r"'a\'b\\c\n'", "'it''s'", r"'\z\0'", "$$a\\'b$$"])
def test_a_literal_says_the_same_everywhere(literal: str) -> None:
    called = classify(f"call p({literal})")
    statement = classify(f"select {literal}")
    assert isinstance(called, Call)
    assert isinstance(statement, Query)
    assert called.args == (statement.ast.expressions[0].this,)


@pytest.mark.parametrize("path", ['"d b".x."s"/p-1/a.csv', "~/in--put//x.csv", "s/a=1/b"])
def test_a_stage_is_one_token(path: str) -> None:
    statement = classify(f"select $1 from @{path} (file_format => f)")
    assert isinstance(statement, Query)
    assert statement.ast.args["from_"].this.this.name == f"@{path}"


HOSTILE = [
    *("(", "a,", "ab ", "GROUP ", "NOT    ", "BEGIN REMOVE ", "1a", "1e", "1é", "/**/", "/*", "'' ", "'\\a',", "$a "),
    *('"a" ', "$$ $$", "x'41' ", "--\n", ":", "@", "?,", "{#", "0x", "a.", "case ", "\n", "file://", "~~", "$1", "(+)"),
]


def cost(text: str) -> float:
    before = time.process_time()
    with contextlib.suppress(SqlError):
        classify(text)
    first_word(text)
    return time.process_time() - before


@pytest.mark.attack
@pytest.mark.slow
@pytest.mark.parametrize("piece", HOSTILE)
def test_a_hostile_text_costs_what_its_length_costs(piece: str) -> None:
    """200 KB of it. What grows with the square of the length would be minutes."""
    assert cost(piece * (200_000 // len(piece))) < 10
    assert cost("select " + piece * (200_000 // len(piece))) < 10


@pytest.mark.attack
def test_the_bounds_hold_before_the_end_of_the_text() -> None:
    """What is too large is read up to the bound, and no further: 64 MB of commas are gigabytes of tokens."""
    with pytest.raises(SqlError, match="too large"):
        tokenize("wordwordwordwordword " * 51_000 + "'never closed")

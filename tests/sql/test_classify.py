"""Statements as the front sees them."""

from __future__ import annotations

import pytest

from cleanroom_ml.engine.sql.binds import Binds
from cleanroom_ml.engine.sql.catalog import StageReference
from cleanroom_ml.engine.sql.errors import SqlError
from cleanroom_ml.engine.sql.lex.split import split
from cleanroom_ml.engine.sql.read.call import parse_call
from cleanroom_ml.engine.sql.read.classify import classify
from cleanroom_ml.engine.sql.read.copy_into import CopyInto
from cleanroom_ml.engine.sql.read.drop import Drop
from cleanroom_ml.engine.sql.read.grant import Grant
from cleanroom_ml.engine.sql.read.pool import CreateComputePool
from cleanroom_ml.engine.sql.read.query import InferSchema, Query
from cleanroom_ml.engine.sql.read.session import AlterSession
from cleanroom_ml.engine.sql.read.show import Show
from cleanroom_ml.engine.sql.read.stage import CreateStage
from cleanroom_ml.engine.sql.read.stage_files import Put
from cleanroom_ml.engine.sql.read.table import CreateTable
from cleanroom_ml.engine.sql.read.use import Use
from cleanroom_ml.engine.sql.types.sql_type import parse_type


def test_what_snowpark_and_the_connector_send():
    stage = classify(
        "CREATE /* Python:snowflake.connector.pandas_tools.write_pandas() */ TEMP STAGE IDENTIFIER(?) FILE_FORMAT=(TYPE=PARQUET COMPRESSION=auto)",  # noqa: E501
        Binds.of('"DB"."S"."tmp"'),
    )
    assert stage == CreateStage(
        ("DB", "S", "tmp"), temporary=True, options={"FILE_FORMAT": {"TYPE": "PARQUET", "COMPRESSION": "AUTO"}}
    )
    inferred = classify(
        "SELECT COLUMN_NAME, TYPE FROM table(infer_schema(location=>?, file_format=>?))", Binds.of("@st", "ff")
    )
    assert inferred == InferSchema(StageReference(("ST",), file_format=("FF",)), ("COLUMN_NAME", "TYPE"))
    copied = classify(
        'COPY INTO t /* x */ (A) FROM (SELECT $1:"A" FROM ?) FILE_FORMAT=(TYPE=PARQUET) PURGE=TRUE ON_ERROR=?',
        Binds.of("@st", "continue"),
    )
    assert isinstance(copied, CopyInto)
    assert (
        copied.target,
        copied.columns,
        copied.source.parts,
        copied.options["PURGE"],
        copied.options["ON_ERROR"],
    ) == (("T",), ("A",), ("ST",), True, "continue")
    made = classify(
        'CREATE  OR  REPLACE  SCOPED TEMPORARY  TABLE  X("A" BIGINT, "b" STRING(10) NOT NULL)    AS  SELECT  *  FROM ( SELECT 1, 2)'  # noqa: E501
    )
    assert isinstance(made, CreateTable)
    assert (made.kind, [(column.name, str(column.type), column.nullable) for column in made.columns]) == (
        "TEMPORARY",
        [("A", "NUMBER(38,0)", True), ("b", "VARCHAR(10)", False)],
    )
    assert classify("DROP  TABLE If  EXISTS x") == Drop("TABLE", ("X",), if_exists=True)
    assert classify("alter session set query_tag = 'a;b'") == AlterSession({"QUERY_TAG": "a;b"})
    assert isinstance(classify("select * from table(result_scan('0-1'))"), Query)
    assert classify("PUT 'file:///tmp/a b' '@\"d\".s.st/p' parallel=4 overwrite=true") == Put(
        "/tmp/a b", StageReference(("d", "S", "ST"), "p"), {"PARALLEL": 4, "OVERWRITE": True}
    )
    assert classify("put file:///tmp/x @~/in") == Put("/tmp/x", StageReference(("~",), "in"))
    assert classify("use schema a.b") == Use("SCHEMA", ("A", "B"))
    assert classify("show terse tables like 'x%' in schema a.b") == Show("TABLES", "x%", "SCHEMA", ("A", "B"), True)
    assert classify("grant usage on compute pool p to application app") == Grant(
        ("USAGE",), "COMPUTE POOL", ("P",), "APPLICATION", ("APP",)
    )
    pool = classify("create compute pool p for application app min_nodes = 1 max_nodes = 2 instance_family = cpu_x64_s")
    assert pool == CreateComputePool(
        ("P",), options={"MIN_NODES": 1, "MAX_NODES": 2, "INSTANCE_FAMILY": "CPU_X64_S"}, application="APP"
    )


def test_statements_are_cut_outside_of_literals_comments_and_blocks():
    text = "select ';' -- ;\n; begin let x := 1; if (x = 1) then return 2; end if; end; /* ; */ begin; insert into t values ($$;$$); commit;;"  # noqa: E501
    assert split(text) == [
        "select ';'",
        "begin let x := 1; if (x = 1) then return 2; end if; end",
        "begin",
        "insert into t values ($$;$$)",
        "commit",
    ]


def test_call_arguments_are_values():
    call = parse_call(
        "call db.s.\"p\"('it''s', $$a'b$$, [1, {'k': true}], null, -1.5, array_construct('x'), ?, parse_json('[1]')::variant, n => 'v')",  # noqa: E501
        Binds.of("bound"),
    )
    assert call.name == ("DB", "S", "p")
    assert call.args == ("it's", "a'b", [1, {"k": True}], None, -1.5, ["x"], "bound", [1])
    assert call.named == {"N": "v"}


@pytest.mark.parametrize(
    "text",
    [
        "call p(1 + 1)",
        "call p(select 1)",
        "call p(f(1))",
        "call p('a' || 'b')",
        "call p(x)",
        "call p(1) + 1",
        "call p(",
        "call identifier(1)('x')",
    ],
)
def test_what_a_call_would_have_to_compute_is_no_value(text):
    with pytest.raises(SqlError):
        assert parse_call(text).args


def test_an_argument_that_is_an_expression_is_kept_as_it_was_written():
    """sql-reference/sql/call: arguments may be expressions. Who calls computes them; rooms take values only."""
    call = parse_call("call p(1, upper('a,b') || ',', n => greatest(1, (2)))")
    assert call.given[0] == 1
    assert [each.text for each in (call.given[1], call.given_by_name["N"])] == [
        "upper('a,b') || ','",
        "greatest(1, (2))",
    ]
    assert parse_call("call p(to_varchar(parse_json('{\"a\": 1}')))").args == ('{"a":1}',)


def test_a_number_in_a_call_is_what_it_is_written_as():
    """sql-reference/data-types-numeric.md; a cast that changes a value is an expression, `?` in it by its number."""
    call = parse_call(
        "call p(1.50, 1e1, -0.1, [1.5], ?, ?::int, 1.6::int, {'k': 12345678901234567890.12})", Binds.of(1, 2.5)
    )
    assert [str(each) for each in call.given[:5]] == ["1.50", "10.0", "-0.1", "[1.5]", "1"]
    assert [getattr(each, "text", None) for each in call.given[5:]] == [
        ":2::int",
        "1.6::int",
        "{'k': 12345678901234567890.12}",
    ]


def test_a_number_of_a_document_is_written_in_a_text_as_a_query_writes_it():
    """A template hands a job its arguments so: a NUMBER in a VARIANT has no zeros at its end, a FLOAT 15 digits
    (functions/parse_json, functions/to_json).
    """
    call = parse_call(
        "call p(object_construct('a', 0.7, 'b', 1.0, 'c', [-1.50])::varchar, 1.50::varchar, -0.0::varchar)"
    )
    assert call.args == ('{"a":0.7,"b":1,"c":[-1.5]}', "1.50", "0.0")
    call = parse_call("call p({'a': ?, 'b': 1e0, 'c': 'x'}::varchar)", Binds.of(0.7))
    assert call.args == ('{"a":7.000000000000000e-01,"b":1.000000000000000e+00,"c":"x"}',)


@pytest.mark.parametrize(
    "text",
    ["put 'file:///x' @%", "ls @../x", "ls '@s/../../etc'", "put '/etc/passwd' @s", "get @s 'http://x'", "list s"],
)
def test_stage_paths_that_lead_out_are_refused(text):
    with pytest.raises(SqlError):
        classify(text)


@pytest.mark.parametrize(
    ("text", "canonical"),
    [
        ("int", "NUMBER(38,0)"),
        ("number(10, 2)", "NUMBER(10,2)"),
        ("string", "VARCHAR"),
        ("varchar(16777216)", "VARCHAR"),
        ("char", "VARCHAR(1)"),
        ("double precision", "FLOAT"),
        ("timestamp_ntz(9)", "TIMESTAMP_NTZ"),
        ("TIMESTAMP WITH TIME ZONE", "TIMESTAMP_LTZ"),
        ("binary(8)", "BINARY(8)"),
    ],
)
def test_types_have_one_canonical_text(text, canonical):
    assert str(parse_type(text)) == canonical
    assert parse_type(canonical) == parse_type(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "evil",
        "number(39)",
        "number(3,4)",
        "varchar(0)",
        "varchar(199999999)",
        "int; drop",
        "date(1,2)",
        "struct(a int)",
    ],
)
def test_other_types_do_not_exist(text):
    with pytest.raises(ValueError):
        parse_type(text)


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("CREATE OR REPLACE NETWORK POLICY p ALLOWED_IP_LIST = ('1.1.1.1')", "CREATE NETWORK POLICY"),
        ("DROP EXTERNAL TABLE t", "DROP EXTERNAL TABLE"),
        ("CREATE DYNAMIC TABLE t TARGET_LAG = '1 day' WAREHOUSE = w AS SELECT 1", "CREATE DYNAMIC TABLE"),
        ("CREATE FOO BAR", "CREATE FOO"),
    ],
)
def test_a_kind_of_object_that_is_not_here_is_refused_by_its_whole_name(text: str, named: str) -> None:
    with pytest.raises(SqlError, match=f"Unsupported feature '{named}'"):
        classify(text)

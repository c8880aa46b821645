"""The warehouse through the real sandbox: results on disk, writes, limits, and what a hostile statement reaches."""

from __future__ import annotations

import hashlib
import os
import threading
import time
from pathlib import Path

import duckdb
import pyarrow as pa
import pytest

from cleanroom_ml.engine.load.cancellation import Cancellation
from cleanroom_ml.engine.load.owners import Owner
from cleanroom_ml.engine.sql.catalog import ContextValues, FileOptions, StagedFile, StagedSource, TableSource
from cleanroom_ml.engine.sql.compile.copies import compile_copy
from cleanroom_ml.engine.sql.compile.queries import compile_query
from cleanroom_ml.engine.sql.compile.updates import compile_update
from cleanroom_ml.engine.sql.compiled import Compiled
from cleanroom_ml.engine.sql.errors import SqlError
from cleanroom_ml.engine.sql.read.classify import classify
from cleanroom_ml.engine.sql.types.sql_type import parse_type
from cleanroom_ml.engine.warehouse.pool import Warehouse

pytestmark = pytest.mark.sandbox

SECRET = "another-party-s-row"


class Store:
    """Files by hash under a 0700 directory: what the warehouse needs of an object store."""

    def __init__(self, root: Path) -> None:
        root.mkdir(mode=0o700)
        self.root = root
        self.count = 0

    def open(self, sha256: str) -> int:
        return os.open(self.root / sha256, os.O_RDONLY | os.O_CLOEXEC)

    def create_output(self) -> tuple[int, Path]:
        self.count += 1
        path = self.root / f"output-{self.count}"
        fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
        os.fchmod(fd, 0o666)
        return fd, path

    def adopt(self, path: Path) -> str:
        digest = hashlib.sha256(path.read_bytes()).hexdigest()
        path.chmod(0o444)
        path.rename(self.root / digest)
        return digest

    def put(self, data: bytes) -> str:
        digest = hashlib.sha256(data).hexdigest()
        (self.root / digest).write_bytes(data)
        (self.root / digest).chmod(0o444)
        return digest


class Names:
    """A catalog of tables and one stage."""

    def __init__(self) -> None:
        self.tables: dict[str, TableSource] = {}
        self.files: StagedSource | None = None

    def source(self, parts: tuple[str, ...]) -> TableSource | None:
        return self.tables.get(".".join(parts))

    def context(self) -> ContextValues:
        return ContextValues("ACME", "ANN", "PUBLIC")

    def staged(self, reference: object) -> StagedSource | None:
        return self.files

    def directory(self, parts: tuple[str, ...]) -> None:
        return None


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    return Store(tmp_path_factory.mktemp("warehouse") / "objects")


@pytest.fixture(scope="module")
def warehouse(store, tmp_path_factory):
    made = Warehouse(store, tmp_path_factory.mktemp("spool") / "results", size=1)
    yield made
    made.close()


@pytest.fixture(scope="module")
def names(warehouse, store):
    found = Names()
    columns = tuple(
        (name, parse_type(text))
        for name, text in (
            ("A", "INT"),
            ("B", "VARCHAR"),
            ("T", "TIMESTAMP_NTZ"),
            ("Z", "TIMESTAMP_LTZ"),
            ("M", "TIME"),
            ("J", "VARIANT"),
            ("X", "BINARY"),
            ("F", "FLOAT"),
            ("N", "NUMBER(10,2)"),
        )
    )
    text = """select seq4(), 'b' || seq4(), iff(seq4() = 1, null, '2024-02-03 04:05:06'::timestamp), '2024-02-03
    04:05:06'::timestamp_ltz, '10:11:12'::time,
     object_construct('k', seq4()), to_binary('ab'), 'NaN'::float, 1.25 from table(generator(rowcount => 3))"""
    written = warehouse.write(compile_query(text, found), columns, query_id="fixture")
    assert written.sha256 is not None
    found.tables["T"] = TableSource(columns, (written.sha256,), True)
    return found


def tables(result):
    data = result.path.read_bytes()
    return [pa.ipc.open_stream(data[batch.offset : batch.offset + batch.length]).read_all() for batch in result.batches]


def test_what_was_written_comes_back_as_the_connector_expects_it(warehouse, names):
    result = warehouse.query(compile_query("select * from t order by a", names), query_id="all")
    (table,) = tables(result)
    assert [str(column.type) for column in result.columns] == [
        "NUMBER(38,0)",
        "VARCHAR",
        "TIMESTAMP_NTZ",
        "TIMESTAMP_LTZ",
        "TIME",
        "VARIANT",
        "BINARY",
        "FLOAT",
        "NUMBER(10,2)",
    ]
    assert table.schema.field("T").metadata[b"logicalType"] == b"TIMESTAMP_NTZ"
    assert table.schema.field("T").metadata[b"scale"] == b"9"
    assert table.column("T").to_pylist()[1] is None
    assert table.column("T").to_pylist()[0] == 1706933106000000000
    assert table.column("M").to_pylist()[0] == (10 * 3600 + 11 * 60 + 12) * 1_000_000_000
    assert table.column("J").to_pylist()[0] == '{\n  "k": 0\n}'
    assert table.column("X").to_pylist()[0] == b"\xab"
    assert str(table.column("F").to_pylist()[0]) == "nan"
    assert (table.column("N").to_pylist()[0], table.schema.field("N").metadata[b"scale"]) == (125, b"2")


def test_a_result_is_cut_into_streams_that_can_be_served_as_they_lie(warehouse, names):
    result = warehouse.query(
        compile_query("select seq4() a from table(generator(rowcount => 300000))", names), query_id="many"
    )
    assert [batch.rows for batch in result.batches] == [2048, 122_880, 122_880, 52_192]
    assert result.rows == 300_000
    assert pa.concat_tables(tables(result)).column("A").to_pylist() == list(range(300_000))


def test_no_rows_no_batches(warehouse, names):
    result = warehouse.query(compile_query("select a, b from t where a > 99", names), query_id="none")
    assert (result.rows, result.batches) == (0, ())
    assert [column.name for column in result.columns] == ["A", "B"]


def test_an_update_counts_its_rows(warehouse, names):
    mutation = compile_update(classify("update t set b = 'x' where a > 0"), names)
    written = warehouse.write(mutation.compiled, mutation.target.columns, query_id="update")
    assert (written.rows, written.updated, written.deleted) == (3, 2, 0)


def test_files_are_copied_by_position_and_by_name(warehouse, names, store):
    names.files = StagedSource(
        (StagedFile("a.csv", store.put(b"h1,h2\n1,one\n2,\n3,'q,x'\n")),),
        FileOptions(skip_header=1, field_optionally_enclosed_by="'"),
    )
    names.tables["C"] = TableSource((("A", parse_type("INT")), ("B", parse_type("VARCHAR"))), (), True)
    mutation = compile_copy(classify("copy into c from @s"), names.files, names)
    written = warehouse.write(mutation.compiled, mutation.target.columns, query_id="copy")
    names.tables["C"] = TableSource(mutation.target.columns, (written.sha256,), True)
    _, rows = warehouse.rows(compile_query("select * from c order by a", names), query_id="read")
    assert rows == [(1, "one"), (2, None), (3, "q,x")]
    _, rows = warehouse.rows(
        compile_query("select $2, $1, metadata$filename from @s order by 2 limit 1", names), query_id="read"
    )
    assert rows == [("one", "1", "a.csv")]
    parquet = StagedSource((StagedFile("t.parquet", names.tables["T"].objects[0]),), FileOptions(type="PARQUET"))
    mutation = compile_copy(classify('copy into c from (select $1:"A"::int, $1:"B"::varchar from @s)'), parquet, names)
    assert warehouse.write(mutation.compiled, mutation.target.columns, query_id="copy").rows == 3
    mutation = compile_copy(classify("copy into c from @s match_by_column_name = case_insensitive"), parquet, names)
    assert warehouse.write(mutation.compiled, mutation.target.columns, query_id="copy").rows == 3


def test_schemas_are_inferred(warehouse, names, store):
    found = warehouse.infer_schema(
        [("t.parquet", names.tables["T"].objects[0])], FileOptions(type="PARQUET"), query_id="infer"
    )
    assert [(column.name, str(column.type)) for column in found][:3] == [
        ("A", "NUMBER(38,0)"),
        ("B", "VARCHAR"),
        ("T", "TIMESTAMP_NTZ"),
    ]
    csv = store.put(b"id,name\n1,x\n")
    found = warehouse.infer_schema([("a.csv", csv)], FileOptions(parse_header=True), query_id="infer")
    assert [(column.name, str(column.type)) for column in found] == [("id", "NUMBER(38,0)"), ("name", "VARCHAR")]


def test_a_structure_of_a_file_is_an_object_whatever_its_members(warehouse, store, tmp_path):
    """functions/infer_schema: a Parquet group is an OBJECT; those with these members are how we keep moments."""
    path = tmp_path / "own.parquet"
    own = ["{'moment_us': now()::TIMESTAMP, 'moment_ns': 1::SMALLINT} AS n",
           "{'utc': now()::TIMESTAMP, 'shift': 1::SMALLINT} AS z"]  # fmt: skip
    duckdb.sql(f"COPY (SELECT {', '.join(own)}) TO '{path}' (FORMAT parquet)")
    found = warehouse.infer_schema(
        [("own.parquet", store.put(path.read_bytes()))], FileOptions(type="PARQUET"), query_id="infer"
    )
    assert [str(column.type) for column in found] == ["OBJECT", "OBJECT"]


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("select 1 / 0", 100051),
        ("select b::int from t", 100038),
        ("select nope from t", 904),
        ("select a, count(*) from t", 979),
        ("select parse_json(b) from t", 100069),
    ],
)
def test_errors_say_no_value_and_no_path(warehouse, names, text, code):
    with pytest.raises(SqlError) as caught:
        warehouse.query(compile_query(text, names), query_id="error")
    assert caught.value.code == code
    for hidden in ("b0", "b1", "/proc", "fd/", "duckdb", "read_parquet", "LINE 1"):
        assert hidden not in str(caught.value)


def test_what_does_not_fit_a_column_names_the_column(warehouse, names):
    for text, declared, words in (
        ("select 100", "NUMBER(2,0)", "out of representable range in column 'C'"),
        ("select 'ab'", "VARCHAR(1)", "too long and would be truncated in column 'C'"),
    ):
        with pytest.raises(SqlError, match=words):
            warehouse.write(compile_query(text, names), [("C", parse_type(declared))], query_id="fit")


def test_a_write_of_other_columns_is_refused(warehouse, names):
    with pytest.raises(SqlError):
        warehouse.write(compile_query("select 1, 2", names), [("C", parse_type("INT"))], query_id="fit")


ENDLESS = "select count(*) from table(generator(rowcount => 10000000000)) a, table(generator(rowcount => 10000000)) b"


def test_time_limits_and_cancelling_end_a_statement(warehouse, names):
    with pytest.raises(SqlError) as caught:
        warehouse.query(compile_query(ENDLESS, names), query_id="slow", timeout=1.5)
    assert caught.value.code == 630
    token = Cancellation(Owner("ACME"))
    threading.Timer(0.5, token.cancel, (SqlError.cancelled(),)).start()
    with token.entered(), pytest.raises(SqlError) as caught:
        warehouse.query(compile_query(ENDLESS, names), query_id="slow")
    assert caught.value.code == 604
    assert warehouse.rows(compile_query("select 1", names), query_id="after")[1] == [(1,)]


def test_looking_into_many_files_ends_where_it_was_ended(warehouse, names, store):
    """Each file is a call of its own: the next one does not begin."""
    (sha256,) = names.tables["T"].objects
    token = Cancellation(Owner("ACME"))
    files = [(f"{number}.parquet", sha256) for number in range(2000)]
    threading.Timer(0.3, token.cancel, (SqlError.cancelled(),)).start()
    began = time.monotonic()
    with token.entered(), pytest.raises(SqlError) as caught:
        warehouse.infer_schema(files, FileOptions("PARQUET"), query_id="many")
    assert caught.value.code == 604
    assert time.monotonic() - began < 4
    assert warehouse.rows(compile_query("select 1", names), query_id="after")[1] == [(1,)]


HOSTILE = [
    "SELECT * FROM read_text('{path}')",
    "SELECT * FROM read_blob('{path}')",
    "SELECT * FROM read_csv('{path}')",
    "SELECT * FROM read_parquet('{path}')",
    "SELECT * FROM '{path}'",
    "SELECT * FROM glob('{parent}/*')",
    "SELECT * FROM read_text('/proc/self/environ')",
    "SELECT * FROM read_text('/proc/self/fd/0')",
    "SELECT * FROM read_text('/proc/self/root{path}')",
    "SELECT * FROM read_text('/proc/1/environ')",
    "SELECT * FROM read_text('/etc/passwd')",
    "ATTACH '{parent}/x.db' AS x",
    "COPY (SELECT 1) TO '{parent}/written'",
    "COPY (SELECT 1) TO '/tmp/written'",
    "INSTALL httpfs",
    "LOAD '{path}'",
    "SET enable_external_access = true",
    "SET allowed_paths = ['{path}']",
    "RESET lock_configuration",
    "EXPORT DATABASE '{parent}/dump'",
    "SELECT * FROM read_csv('http://127.0.0.1:1/x')",
]


@pytest.mark.attack
@pytest.mark.parametrize("text", HOSTILE)
def test_sql_past_the_resolver_still_reaches_only_what_it_was_handed(warehouse, names, store, text):
    """The resolver is taken away: the worker is given DuckDB's own SQL."""
    secret = store.root / "secret.csv"
    secret.write_text(f"x\n{SECRET}\n")
    secret.chmod(0o644)
    sql = text.format(path=secret, parent=store.root)
    handed = names.tables["T"].objects
    before = sorted(path.name for path in store.root.iterdir())
    with pytest.raises(SqlError) as caught:
        warehouse.rows(Compiled(sql, handed, "token"), query_id="hostile")
    assert SECRET not in str(caught.value)
    assert str(store.root) not in str(caught.value)
    assert sorted(path.name for path in store.root.iterdir()) == before


@pytest.mark.attack
def test_the_same_sql_reads_the_file_where_nothing_stops_it(store):
    """The control of the test above is real: in an ordinary DuckDB the attack works."""
    secret = store.root / "secret.csv"
    secret.write_text(f"x\n{SECRET}\n")
    assert SECRET in str(duckdb.connect().sql(f"SELECT * FROM read_text('{secret}')").fetchall())


@pytest.mark.attack
def test_a_handed_object_cannot_be_changed(warehouse, names, store):
    digest = names.tables["T"].objects[0]
    before = (store.root / digest).read_bytes()
    for number in range(3, 12):
        with pytest.raises(SqlError):
            warehouse.rows(
                Compiled(
                    f"COPY (SELECT 1) TO '/proc/self/fd/{number}' (FORMAT csv, USE_TMP_FILE false)", (digest,), "token"
                ),
                query_id="hostile",
            )
    assert (store.root / digest).read_bytes() == before

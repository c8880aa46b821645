"""Tables with nanoseconds: nine digits of a second (sql-reference/data-types-datetime), written, read and changed."""

from __future__ import annotations

import datetime as dt
import io
import uuid

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from statements_client import Client

from cleanroom_ml.engine.queries.answers import outcome_of
from cleanroom_ml.engine.sql.binds import Binds, FineMoment
from cleanroom_ml.engine.sql.errors import SqlError
from cleanroom_ml.engine.storage.keys import Key

pytestmark = pytest.mark.sandbox

FORM = "'YYYY-MM-DD HH24:MI:SS.FF9'"
SHOWN = f"to_char(a, {FORM}), to_char(b, {FORM}), to_char(c, 'YYYY-MM-DD HH24:MI:SS.FF9 TZHTZM'), to_char(d, 'SS.FF9')"
ALL = "a TIMESTAMP_NTZ, b TIMESTAMP_LTZ, c TIMESTAMP_TZ, d TIME"
FINE = "2024-03-10 22:00:00.123456789"
FAR = "9999-12-31 23:59:59.999999999"
PLAIN = "2024-03-10 22:00:00.5"


def shown(text: str) -> tuple[str, str, str, str]:
    digits = f"{text}00000000"[:29] if "." in text else text
    return digits, digits, f"{digits} +0000", digits[17:]


def nanos(alpha: Client, table: str = "t", column: str = "a") -> list[int | None]:
    return [found for (found,) in alpha.rows(f"SELECT date_part(ns, {column}) FROM {table} ORDER BY {column}")]


def test_every_way_into_a_table_keeps_every_digit(alpha: Client) -> None:
    alpha.result(f"CREATE TABLE t ({ALL})")
    alpha.result(f"INSERT INTO t VALUES ('{PLAIN}', '{PLAIN}', '{PLAIN}', '22:00:00.5'), (NULL, NULL, NULL, NULL)")
    alpha.result(f"INSERT INTO t VALUES ('{FINE}', '{FINE}', '{FINE}', '22:00:00.123456789')")
    far = ", ".join(f"'{FAR}'::{each}" for each in ("timestamp", "timestamp_ltz", "timestamp_tz"))
    alpha.result(f"INSERT INTO t SELECT {far}, '23:59:59.999999999'::time")
    alpha.result("CREATE TABLE texts (x VARCHAR)")
    alpha.result("INSERT INTO texts VALUES ('2024-01-01 00:00:00.000000001')")
    alpha.result("INSERT INTO t SELECT x, x, x, x::time FROM texts")
    first = "2024-01-01 00:00:00.000000001"
    everything = [shown(first), shown(FINE), shown(PLAIN), shown(FAR), (None, None, None, None)]
    assert alpha.rows(f"SELECT {SHOWN} FROM t ORDER BY a") == everything
    assert alpha.rows(f"SELECT {SHOWN} FROM t WHERE a > '{FINE}' ORDER BY a") == everything[2:4]
    assert alpha.rows(f"SELECT {SHOWN} FROM t WHERE a = '{FINE}'") == [everything[1]]
    alpha.result("CREATE TABLE copied AS SELECT * FROM t")
    assert alpha.rows(f"SELECT {SHOWN} FROM copied ORDER BY a") == everything
    alpha.result("CREATE TABLE cloned CLONE t")
    assert alpha.rows(f"SELECT {SHOWN} FROM cloned ORDER BY a") == everything
    alpha.result("ALTER TABLE cloned ADD COLUMN n INT DEFAULT 7")
    assert alpha.rows(f"SELECT {SHOWN} FROM cloned WHERE n = 7 ORDER BY a") == everything
    alpha.result("CREATE VIEW v AS SELECT a, count(*) AS n FROM t GROUP BY a")
    assert alpha.rows("SELECT count(*), max(n) FROM v") == [(5, 1)]
    assert alpha.rows("SELECT count(*) FROM t x JOIN texts y ON x.a = y.x::timestamp") == [(1,)]


@pytest.mark.slow
def test_a_default_has_them_and_no_change_of_a_type_cuts_them(alpha: Client) -> None:
    """sql-reference/sql/alter-table-column lists no change of the digits of a moment, only a synonymous type."""
    default = "TIMESTAMP_NTZ DEFAULT '2024-01-01 00:00:00.00000000{}'::TIMESTAMP_NTZ"
    alpha.result(f"CREATE TABLE t (a {default.format(1)}, i INT)")
    alpha.result("INSERT INTO t (i) VALUES (1)")
    alpha.result("MERGE INTO t USING (SELECT 2 AS k) s ON t.i = s.k WHEN NOT MATCHED THEN INSERT (i) VALUES (s.k)")
    alpha.result(f"ALTER TABLE t ADD COLUMN m {default.format(2)}")
    with pytest.raises(SqlError, match="cannot change column A"):
        alpha.result("ALTER TABLE t ALTER a SET DATA TYPE TIMESTAMP_NTZ(3)")
    alpha.result("ALTER TABLE t ALTER a SET DATA TYPE TIMESTAMP_NTZ(9)")
    assert alpha.rows("SELECT i, date_part(ns, a), date_part(ns, m) FROM t ORDER BY i") == [(1, 1, 2), (2, 1, 2)]


@pytest.mark.slow
def test_a_digit_that_a_column_does_not_have_is_cut(alpha: Client) -> None:
    alpha.result("CREATE TABLE t (a TIMESTAMP_NTZ(8), b TIMESTAMP_NTZ(3), c TIME(7))")
    alpha.result(f"INSERT INTO t VALUES ('{FINE}', '{FINE}', '{FINE[11:]}')")
    alpha.result(f"INSERT INTO t SELECT '{FINE}'::timestamp, '{FINE}'::timestamp, '{FINE[11:]}'::time")
    assert (
        alpha.rows("SELECT date_part(ns, a), date_part(ns, b), date_part(ns, c) FROM t")
        == [(123456780, 123000000, 123456700)] * 2
    )


@pytest.mark.slow
def test_changes_of_rows_keep_the_digits_of_all(alpha: Client) -> None:
    alpha.result(f"CREATE TABLE t ({ALL}, k INT)")
    alpha.result(f"INSERT INTO t SELECT '{PLAIN}', '{PLAIN}', '{PLAIN}', '10:00:00', 1")
    alpha.result(f"UPDATE t SET a = '{FINE}', d = '10:00:00.000000001' WHERE k = 1")
    assert alpha.rows("SELECT date_part(ns, a), date_part(ns, b), date_part(ns, d) FROM t") == [
        (123456789, 500000000, 1)
    ]
    alpha.result("UPDATE t SET b = a, c = dateadd(ns, 1, a)")
    assert alpha.rows("SELECT date_part(ns, b), date_part(ns, c) FROM t") == [(123456789, 123456790)]
    alpha.result(
        f"MERGE INTO t USING (SELECT 1 AS k UNION ALL SELECT 2) s ON t.k = s.k"
        f" WHEN MATCHED THEN UPDATE SET a = '{PLAIN}' WHEN NOT MATCHED THEN INSERT (a, k) VALUES ('{FAR}', 2)"
    )
    assert nanos(alpha) == [500000000, 999999999]
    alpha.result(f"DELETE FROM t WHERE a = '{FAR}'")
    assert nanos(alpha) == [500000000]
    assert nanos(alpha, column="b") == [123456789]
    alpha.result("UPDATE t SET b = NULL, c = NULL, d = NULL")
    assert alpha.rows("SELECT a, b FROM t") == [(1710108000500000000, None)]


@pytest.mark.slow
def test_a_transaction_and_the_past_have_them(alpha: Client) -> None:
    alpha.result("CREATE TABLE t (a TIMESTAMP_NTZ)")
    alpha.result("INSERT INTO t VALUES ('2024-01-01 00:00:00.000000001')")
    alpha.result("BEGIN")
    alpha.result("INSERT INTO t VALUES ('2024-01-01 00:00:00.000000002')")
    assert nanos(alpha) == [1, 2]
    alpha.result("UPDATE t SET a = dateadd(ns, 1, a)")
    assert nanos(alpha) == [2, 3]
    alpha.result("ROLLBACK")
    assert nanos(alpha) == [1]
    alpha.result("INSERT OVERWRITE INTO t VALUES ('2024-01-01')")
    assert nanos(alpha) == [0]
    alpha.result("INSERT ALL INTO t VALUES (x) SELECT '2024-01-01 00:00:00.000000009' AS x")
    assert nanos(alpha) == [0, 9]


@pytest.mark.slow
def test_what_a_result_scan_reads_has_them(alpha: Client) -> None:
    alpha.result(f"CREATE TABLE t ({ALL})")
    alpha.result(f"INSERT INTO t VALUES ('{FINE}', '{FINE}', '{FINE}', '22:00:00.123456789'), (NULL, NULL, NULL, NULL)")
    query_id = str(uuid.uuid4())  # recorded as the front does it
    alpha.storage.queries.start(query_id, alpha.session.id, None, "hash")
    outcome = outcome_of(alpha.result("SELECT * FROM t", query_id=query_id), alpha.session, alpha.storage)
    alpha.storage.queries.finish(query_id, outcome.response, outcome.spool)
    rows = alpha.rows(f"SELECT {SHOWN} FROM TABLE(RESULT_SCAN('{query_id}')) ORDER BY a")
    assert rows == [shown(FINE), (None, None, None, None)]


CSV = f"1,{FINE},{FINE},{FINE},22:00:00.123456789\n2,{PLAIN},{PLAIN},{PLAIN},22:00:00.5\n".encode()


@pytest.mark.slow
@pytest.mark.parametrize("more", ["", " ON_ERROR = CONTINUE"])
def test_copy_keeps_them_and_leaves_no_row_out_for_them(alpha: Client, more: str) -> None:
    alpha.result("CREATE STAGE s")
    alpha.put("S", "x.csv", CSV)
    alpha.result(f"CREATE TABLE t (k INT, {ALL})")
    [row] = alpha.rows(f"COPY INTO t FROM @s FILE_FORMAT = (TYPE = CSV){more}")
    assert row[1:4] == ("LOADED", 2, 2)
    assert alpha.rows(f"SELECT {SHOWN} FROM t ORDER BY k") == [shown(FINE), shown(PLAIN)]


@pytest.mark.slow
def test_what_pandas_writes_is_kept(alpha: Client) -> None:
    """connector: `write_pandas` puts datetime64[ns] as Parquet's nanoseconds."""
    file = io.BytesIO()
    count = 1710108000123456789
    moments = pa.array([count, None, -1], pa.timestamp("ns"))
    utc = pa.array([count, None, -1], pa.timestamp("ns", tz="UTC"))
    times = pa.array([count % 86_400_000_000_000, None, 1], pa.time64("ns"))
    pq.write_table(pa.table({"A": moments, "B": utc, "C": utc, "D": times}), file)
    alpha.result("CREATE STAGE s")
    alpha.put("S", "x.parquet", file.getvalue())
    alpha.result(f"CREATE TABLE t ({ALL})")
    copy = "COPY INTO t FROM {} FILE_FORMAT = (TYPE = PARQUET)"
    alpha.result(copy.format("@s") + " MATCH_BY_COLUMN_NAME = CASE_INSENSITIVE")
    before = (*shown("1969-12-31 23:59:59.999999999")[:3], "00.000000001")
    everything = [before, shown(FINE), (None, None, None, None)]
    assert alpha.rows(f"SELECT {SHOWN} FROM t ORDER BY a") == everything
    alpha.result("TRUNCATE TABLE t")
    alpha.result(copy.format("(SELECT $1:A, $1:B, $1:C, $1:D FROM @s)") + " FORCE = TRUE")
    assert alpha.rows(f"SELECT {SHOWN} FROM t ORDER BY a") == everything


def test_a_batch_of_bound_values_keeps_them(alpha: Client) -> None:
    alpha.result("CREATE TABLE t (a TIMESTAMP_NTZ)")
    moment = dt.datetime(2024, 1, 1)
    binds = Binds(rows=((FineMoment(moment, 1),), (moment,), (None,)))
    alpha.result("INSERT INTO t VALUES (?)", binds=binds)
    assert nanos(alpha) == [0, 1, None]


def test_what_has_none_is_stored_and_sent_as_ever(alpha: Client) -> None:
    alpha.result("CREATE TABLE t (a TIMESTAMP_NTZ)")
    alpha.result("INSERT INTO t SELECT iff(false, '2024-01-01 00:00:00.000000001'::timestamp, '2024-01-01'::timestamp)")
    session = alpha.session
    table = alpha.storage.tables.get(Key(session.account, session.database or "", session.schema or "", "T"), None)
    assert table is not None
    assert pq.read_schema(alpha.storage.objects.path(table.objects[0].sha256)).field(0).type == pa.timestamp("us")


def test_a_script_and_a_file_refuse_them_by_name(alpha: Client) -> None:
    with pytest.raises(SqlError, match="nanoseconds in"):
        alpha.result(f"SET x = '{FINE}'::timestamp")
    alpha.result("CREATE STAGE s")
    with pytest.raises(SqlError, match="nanoseconds in COPY INTO a stage"):
        alpha.result(f"COPY INTO @s FROM (SELECT '{FINE}'::timestamp AS a) FILE_FORMAT = (TYPE = PARQUET)")

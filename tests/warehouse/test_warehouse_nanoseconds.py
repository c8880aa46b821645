"""Moments with nanoseconds on their way out and back: what the connector's readers expect (`converter.py`,
nanoarrow's `TimeStampConverter`), and that what is no nanosecond is none.
"""

from __future__ import annotations

import json

import pyarrow as pa
import pytest

from cleanroom_ml.engine.sql import bounds
from cleanroom_ml.engine.sql.types.sql_type import parse_type
from cleanroom_ml.engine.warehouse import json_out, unspool
from cleanroom_ml.engine.warehouse.arrow_out import convert, narrowed, wire_schema
from cleanroom_ml.engine.warehouse.arrow_types import fine_type
from cleanroom_ml.engine.warehouse.parquet_out import TooWide, _stored

TYPES = ("TIMESTAMP_NTZ", "TIMESTAMP_LTZ", "TIMESTAMP_TZ", "TIME")
NANOS = 1_710_108_000_123_456_789
BEFORE = -1
FAR = 253_402_300_799_999_999_999
"""9999-12-31 23:59:59.999999999: 64 bits do not hold it."""


def given(name: str, counts: list[int | None]) -> pa.Array:
    """A column as DuckDB gives it."""
    moment = parse_type(name).record.moment
    assert moment is not None
    shift = {"shift": 60} if moment == "TZ" else {}
    rows = [None if each is None else {"moment_us": each // 1000, "moment_ns": each % 1000, **shift} for each in counts]
    plain = pa.struct(
        [(field.name, pa.int64() if field.name == "moment_us" else field.type) for field in fine_type(moment)]
    )
    return pa.array(rows, plain).cast(fine_type(moment))


def sent(name: str, counts: list[int | None]) -> pa.Table:
    array = given(name, counts)
    kind = parse_type(name)
    batch = pa.record_batch([array], names=["A"])
    schema = wire_schema(["A"], [kind], batch.schema)
    return narrowed(pa.Table.from_batches([convert(batch, schema)], schema))


def _decimal(count: int) -> str:
    whole, rest = divmod(abs(count), 10**9)
    return f"{'-' if count < 0 else ''}{whole}.{rest:09d}"


@pytest.mark.parametrize("name", TYPES)
def test_what_is_sent_has_every_digit(name: str) -> None:
    counts = [NANOS % 86_400_000_000_000, None, 1] if name == "TIME" else [NANOS, None, BEFORE, FAR]
    table = sent(name, counts)
    kind = parse_type(name)
    exact = [None if each is None else _decimal(each) for each in counts]
    zone = " 1500" if name == "TIMESTAMP_TZ" else ""
    texts = [each if each is None else each + zone for each in exact]
    assert json_out.texts(table.column(0).combine_chunks(), kind) == texts
    back = unspool._undone(table.column(0).combine_chunks(), kind)
    assert back.to_pylist() == given(name, counts).to_pylist()


def test_a_moment_without_a_zone_is_of_two_parts() -> None:
    """nanoarrow's `convertTimestampColumn_nanoarrow` makes microseconds, where a caller asks for them, of no other."""
    table = sent("TIMESTAMP_NTZ", [NANOS, BEFORE])
    fraction = NANOS % 10**9
    assert table.column(0).to_pylist() == [
        {"epoch": NANOS // 10**9, "fraction": fraction},
        {"epoch": -1, "fraction": 999_999_999},
    ]


@pytest.mark.parametrize("name", TYPES)
def test_an_object_has_nanoseconds_only_where_a_value_has_some(name: str) -> None:
    moment = parse_type(name).record.moment
    plain = pa.time64("us") if name == "TIME" else unspool.stored_type(parse_type(name))
    assert _stored(given(name, [1000, None]), plain, 0).type == plain
    with pytest.raises(TooWide):
        _stored(given(name, [1000, 1]), plain, 0)
    assert moment is not None
    assert _stored(given(name, [1000, 1]), fine_type(moment), 0).to_pylist() == given(name, [1000, 1]).to_pylist()


@pytest.mark.attack
@pytest.mark.parametrize("nanos", [1000, -1, 32767])
def test_a_file_cannot_say_that_it_has_more(nanos: int) -> None:
    """Columns of a Parquet file may be called as ours are: of a thousand nanoseconds nothing would be equal."""
    array = pa.array(
        [{"moment_us": 0, "moment_ns": nanos}], pa.struct([("moment_us", pa.int64()), ("moment_ns", pa.int16())])
    )
    made = array.cast(fine_type("NTZ"))
    with pytest.raises(pa.ArrowInvalid, match="nanoseconds"):
        _stored(made, fine_type("NTZ"), 0)
    batch = pa.record_batch([made], names=["A"])
    with pytest.raises(pa.ArrowInvalid, match="nanoseconds"):
        convert(batch, wire_schema(["A"], [parse_type("TIMESTAMP_NTZ")], batch.schema))


@pytest.mark.attack
@pytest.mark.parametrize("places", [[2], [-1], [True], ["0"], [1], "0", [0] * 4, {"0": 0}])
def test_a_worker_cannot_say_it_of_what_has_none(places: object) -> None:
    """What it says of an object decides how everybody reads its table (engine/sql/bounds.py)."""
    columns = [("A", parse_type("TIMESTAMP_NTZ")), ("B", parse_type("TIMESTAMP_NTZ(6)"))]
    assert bounds.fine_columns(bounds.checked(bounds.written({}, [0]), columns)) == {0}
    with pytest.raises(ValueError, match="nanoseconds"):
        bounds.checked(json.dumps({"\x01": places}), columns)

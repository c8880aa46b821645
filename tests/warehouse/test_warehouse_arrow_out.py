"""Decimals on the wire: in the narrowest form that holds a chunk, as the connector's pandas reader needs them; and how
documents are shown."""

from __future__ import annotations

from decimal import Decimal

import pyarrow as pa
import pytest

from cleanroom_ml.engine.sql.settings import CHECKS, Settings
from cleanroom_ml.engine.sql.types.sql_type import SqlType
from cleanroom_ml.engine.warehouse.arrow_out import convert, narrowed, wire_schema

LARGEST = 2**63 - 1


def column(*values: str | None, scale: int = 2) -> pa.Table:
    decimals = [None if value is None else Decimal(value) for value in values]
    field = pa.field("D", pa.decimal128(38, scale), metadata={"scale": str(scale)})
    return pa.Table.from_arrays([pa.array(decimals, field.type)], schema=pa.schema([field]))


def test_what_fits_becomes_whole_numbers_of_the_last_digit() -> None:
    table = narrowed(column("1.50", None, "-0.05", "0"))
    assert table.schema.field("D").type == pa.int64()
    assert table.schema.field("D").metadata == {b"scale": b"2"}
    assert table.column("D").to_pylist() == [150, None, -5, 0]


def test_one_value_too_large_keeps_them_all() -> None:
    assert narrowed(column(str(LARGEST), scale=0)).column("D").to_pylist() == [LARGEST]
    for too_large in (str(LARGEST + 1), str(-LARGEST - 2)):
        table = column("1", too_large, scale=0)
        assert narrowed(table).equals(table)


def test_slices_keep_their_rows() -> None:
    table = pa.concat_tables([column("1.00", "2.00", "3.00").slice(1, 1), column("4.00", None).slice(1)])
    assert narrowed(table).column("D").to_pylist() == [200, None]


@pytest.mark.parametrize(("indent", "text"), [(2, '{\n  "a": 1\n}'), (4, '{\n    "a": 1\n}'), (None, '{"a":1}')])
def test_documents_are_shown_with_their_sessions_indent(indent: int | None, text: str) -> None:
    """sql-reference/parameters, JSON_INDENT: 0 to 16; 0 is compact."""
    given = pa.record_batch([pa.array(['{"a":1}', "1", None])], names=["V"])
    schema = wire_schema(["V"], [SqlType("VARIANT")], given.schema)
    assert convert(given, schema, indent).column(0).to_pylist() == [text, "1", None]
    assert Settings({"JSON_INDENT": str(indent or 0)}).indent == indent
    for wrong in ("17", "-1", "x"):
        assert not CHECKS["JSON_INDENT"](wrong)

"""A NUMBER has up to 38 digits (sql-reference/data-types-numeric); Python's own arithmetic rounds to 28."""

from __future__ import annotations

from decimal import Decimal

import pytest

from cleanroom_ml.engine.sql.tree.literals import literal
from cleanroom_ml.engine.warehouse.avro import _Bytes, _reader
from cleanroom_ml.engine.warehouse.python_values import _number

LONG = "9" * 38
LONG_TENTHS = "1234567890123456789012345678901234567.8"


@pytest.mark.parametrize("sign", ["", "-"])
@pytest.mark.parametrize("text", [LONG, LONG_TENTHS, "0." + "7" * 37])
def test_a_value_of_a_session_has_all_its_digits_in_a_query(text: str, sign: str) -> None:
    assert literal(Decimal(sign + text)).sql().replace("(", "").replace(")", "") == sign + text


@pytest.mark.parametrize("text", [LONG, "-" + LONG])
def test_a_function_may_give_the_largest_number(text: str) -> None:
    assert _number(Decimal(text), 38, 0, decimal=True) == Decimal(text)
    with pytest.raises(ValueError, match="out of the range"):
        _number(Decimal(text), 37, 0, decimal=True)


def test_a_number_of_an_avro_file_has_all_its_digits() -> None:
    units = int(LONG_TENTHS.replace(".", "")).to_bytes(16, "big", signed=True)
    read = _reader({"type": "bytes", "logicalType": "decimal", "precision": 38, "scale": 1}, {}, 0)
    assert read(_Bytes(bytes([len(units) * 2]) + units)) == Decimal(LONG_TENTHS)

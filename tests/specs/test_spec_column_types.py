"""The format of each column type, in Python and in DuckDB alike."""

from __future__ import annotations

import base64
import hashlib
import re

import pytest

from cleanroom_ml.specs.column_types import COLUMN_TYPES, SQL_CHECKS, forms_of


def conforms(column_type: str, value: str) -> bool:
    return re.fullmatch(SQL_CHECKS[column_type], value) is not None


HASH = hashlib.sha256(b"x")
HEX = HASH.hexdigest()
BASE64 = base64.b64encode(HASH.digest()).decode()

VALUES: list[tuple[str, list[str], list[str]]] = [
    (
        "email",
        ["a@b.co", "é.x+tag@sub.example.org"],
        ["a", "a@b", "a b@c.de", "@b.co", "a@b..co", "a@b.co\n", "a@@b.co", ""],
    ),
    ("phone", ["2015551212", "442071838750"], ["+1 201", "201-555-1212", "123", "", "２０１５５５１２１２"]),
    ("device_id", ["6D92078A-8246-4BA4-AE5B-76104861E7DC", "AEBE52E7-03EE"], ["", "a b", "-x", "a'b", "a" * 256]),
    ("ip_address", ["0.0.0.0", "255.249.1.10"], ["256.1.1.1", "1.2.3", "01.2.3.4", "::1", "1.2.3.4 ", "1.2.3.4.5"]),
    ("first_name", ["Ada", "Mary Ann", "O'Neil", "李"], ["", " Ada", "Ada ", "A\nb", "a" * 256]),
    ("last_name", ["de la Cruz"], [""]),
    *[
        (name, [HEX, HEX.upper()], [HEX[:-1], HEX + "0", "g" * 64, BASE64, HEX + "\n"])
        for name in COLUMN_TYPES
        if name.endswith("sha256")
    ],
    *[
        (name, [BASE64], [HEX, BASE64[:-1], BASE64[:-2] + "B=", BASE64.replace("=", "A")])
        for name in COLUMN_TYPES
        if name.endswith("encoded")
    ],
]


def test_every_column_type_has_a_check_and_a_case() -> None:
    assert set(SQL_CHECKS) == set(COLUMN_TYPES) == {name for name, _, _ in VALUES}
    assert len(COLUMN_TYPES) == 18


@pytest.mark.parametrize(("column_type", "good", "bad"), VALUES)
def test_values(column_type: str, good: list[str], bad: list[str]) -> None:
    assert [value for value in good if not conforms(column_type, value)] == []
    assert [value for value in bad if conforms(column_type, value)] == []


def test_duckdb_reads_the_expressions_the_same_way() -> None:
    duckdb = pytest.importorskip("duckdb")
    connection = duckdb.connect()
    for column_type, good, bad in VALUES:
        for value in (*good, *bad):
            sql = "select regexp_full_match(?, ?)"
            assert connection.execute(sql, [value, SQL_CHECKS[column_type]]).fetchone() == (
                conforms(column_type, value),
            ), (
                column_type,
                value,
            )


def test_the_forms_of_one_thing_are_its_value_and_its_two_hashes() -> None:
    for column_type in COLUMN_TYPES:
        forms = forms_of(column_type)
        assert column_type in forms
        assert sorted(each.partition("_")[0] == "hashed" for each in forms) == [False, True, True]

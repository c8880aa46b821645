from __future__ import annotations

import datetime
import decimal
import json

import numpy as np
import pandas as pd
import pytest

from cleanroom_ml.runtime.result import NotJson, to_json, write


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ({"a": [1, 2.5, "x", None, True]}, {"a": [1, 2.5, "x", None, True]}),
        ((1, 2), [1, 2]),
        ({3, 1}, [1, 3]),
        ({1: "a", None: "b", False: "c"}, {"1": "a", "null": "b", "false": "c"}),
        (np.float64(0.5), 0.5),
        (np.float32(0.5), 0.5),
        (np.int8(3), 3),
        (np.bool_(True), True),
        (np.str_("x"), "x"),
        (np.arange(4).reshape(2, 2), [[0, 1], [2, 3]]),
        (np.datetime64("2026-01-02"), "2026-01-02"),
        (pd.Series([1, 2]), [1, 2]),
        (pd.Index(["a"]), ["a"]),
        (pd.DataFrame({"a": [1], "b": ["x"]}), [{"a": 1, "b": "x"}]),
        (pd.Timestamp("2026-01-02"), "2026-01-02T00:00:00"),
        (pd.NaT, None),
        (pd.NA, None),
        ({np.int64(1): np.float64(2)}, {"1": 2.0}),
        (datetime.date(2026, 1, 2), "2026-01-02"),
        (decimal.Decimal("1.5"), 1.5),
        ("é\u001b[31m", "é\u001b[31m"),
    ],
    ids=lambda value: repr(value)[:30],
)
def test_what_can_be_returned(value, expected):
    text, nulls = to_json(value)
    assert json.loads(text) == expected
    assert nulls == ()


def test_numbers_that_json_does_not_have_become_null_and_are_told():
    text, nulls = to_json({"auc": float("nan"), "loss": [1.0, np.float32("inf")], "s": pd.Series([float("nan")])})
    assert json.loads(text) == {"auc": None, "loss": [1.0, None], "s": [None]}
    assert nulls == ("__return__['auc']", "__return__['loss'][1]", "__return__['s'][0]")


class Model:
    pass


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (Model(), r"__return__ is a .*\.Model, which cannot be written as JSON"),
        ({"m": [Model()]}, r"__return__\['m'\]\[0\] is a"),
        (b"bytes", "__return__ is a bytes"),
        (1j, "__return__ is a complex"),
        (print, "builtin_function_or_method"),
        ({Model: 1}, "has a key that is a type"),
        ({(1, 2): 1}, "has a key that is a tuple"),
    ],
)
def test_what_cannot_is_named_by_type_and_place(value, message):
    with pytest.raises(NotJson, match=message):
        to_json(value)


def test_a_value_inside_itself_is_refused():
    value: list[object] = []
    value.append(value)
    with pytest.raises(NotJson, match="nested more than 100 deep"):
        to_json(value)


def test_what_is_written_replaces_what_lay_there(tmp_path, capfd):
    path = tmp_path / "result.json"
    path.symlink_to(tmp_path / "elsewhere")
    write('{"a":1}', 3, path)
    assert path.read_text() == '{"a":1}'
    assert not path.is_symlink()
    assert "__return__ has 7 bytes; at most 3 bytes may leave the room" in capfd.readouterr().err

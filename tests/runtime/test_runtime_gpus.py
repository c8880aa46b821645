from __future__ import annotations

import pytest

from cleanroom_ml.runtime import gpus


@pytest.mark.parametrize(
    ("value", "seen"),
    [
        (None, ()),
        ("", ()),
        ("-1", ()),
        ("0", ("0",)),
        ("0,1, 2", ("0", "1", "2")),
        ("1,-1,2", ("1",)),
        ("GPU-a", ("GPU-a",)),
    ],
)
def test_what_the_environment_says(monkeypatch, value, seen):
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    if value is not None:
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", value)
    assert (gpus.visible(), gpus.count()) == (seen, len(seen))


def test_nodes_have_equal_shares(monkeypatch):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "0,1,2,3")
    assert [gpus.of_node(rank, 2) for rank in range(2)] == [("0", "1"), ("2", "3")]
    assert gpus.of_node(0, 8) == ()

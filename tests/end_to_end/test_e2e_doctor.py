"""`doctor -c NAME` on an account of the embedded engine: what it does not answer is told, and is no crash."""

from __future__ import annotations

import pytest
from e2e_parties import NewProject

pytestmark = pytest.mark.sandbox


def test_the_engine_is_asked_like_every_target(new_project: NewProject) -> None:
    pair = new_project("doctored")
    found = {
        each["name"]: each for each in pair.publisher.quickly("doctor", "-c", "publisher", "--format", "json").json
    }
    for name in ("connection", "role", "secondary roles", "warehouse", "clean rooms", "pool families"):
        assert found[name]["ok"] is True, found[name]
    assert all(each["ok"] is not False for each in found.values()), found
    assert found["application"]["ok"] is None, "the room is not there yet"

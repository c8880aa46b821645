"""An ML job as it is pinned: what is written of it is read back as it was, and nothing else is."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from cleanroom_ml.evidence.pinned_job import PinnedJob

PINNED = PinnedJob("train", "train.py", "a" * 64, ("pandas", "numpy==2"), "local", allow_monitoring=True)


@dataclass(frozen=True, slots=True)
class Told(PinnedJob):
    """One with a field that is not pinned, as reviews and runs have."""

    nodes: int = 1


def test_it_is_read_back_as_it_was_written() -> None:
    assert PinnedJob.of(PINNED.pinned()) == PINNED
    assert PINNED.pinned().keys() == PinnedJob.names()
    assert PINNED.pinned()["pip_requirements"] == ["pandas", "numpy==2"]


def test_what_was_pinned_before_there_was_a_field_does_without() -> None:
    assert PinnedJob.of({"name": "train", "image": None, "content_manifest": []}) == PinnedJob("train")


def test_what_a_subclass_has_beside_is_not_pinned() -> None:
    told = Told.of({**PINNED.pinned(), "nodes": 3, "entrypoint": "other.py"}, entrypoint="mine.py")
    assert (told.nodes, told.entrypoint) == (3, "mine.py"), "what the caller gives wins"
    assert told.pinned() == {**PINNED.pinned(), "entrypoint": "mine.py"}


@pytest.mark.attack
def test_a_value_that_is_none_of_its_field_is_refused() -> None:
    with pytest.raises(TypeError):
        PinnedJob.of({"pip_requirements": 7})
    with pytest.raises(ValueError, match="many"):
        Told.of({"nodes": "many"})

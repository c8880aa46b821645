"""One person with one engine for all samples of a test process; the accounts are made as the samples need them."""

from __future__ import annotations

import contextlib
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "end_to_end"))

from e2e_parties import Party, Person
from samples_run import SampleRun

StartSample = Callable[..., SampleRun]


@contextlib.contextmanager
def somebody() -> Iterator[StartSample]:
    place = Path(tempfile.mkdtemp(prefix="cr-samples-"))
    person = Person(place / "person")
    person.root.mkdir()

    def start(name: str, size: str = "small") -> SampleRun:
        run = SampleRun(name, place / name, person, size=size)
        run.prepare()
        return run

    try:
        yield start
    finally:
        Party(place, person).types("engine", "stop")
        shutil.rmtree(place, ignore_errors=True)


@pytest.fixture(scope="session")
def start_sample() -> Iterator[StartSample]:
    """`start_sample(name)`: the sample from `init --from NAME`, with its small data loaded (see samples_run)."""
    with somebody() as start:
        yield start


@pytest.fixture
def start_alone() -> Iterator[StartSample]:
    """The same on an engine of the test's own; `start_alone(name, "full")` has all the data."""
    with somebody() as start:
        yield start

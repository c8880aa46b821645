"""One engine with both parties' accounts and tables, shared by all of these tests; projects in it as needed."""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from e2e_parties import NewProject, Pair, Party, Person, Ran, copy_project

ROWS = "60000"


@pytest.fixture(scope="session")
def place() -> Iterator[Path]:
    directory = Path(tempfile.mkdtemp(prefix="cr-e2e-"))
    yield directory
    shutil.rmtree(directory, ignore_errors=True)


@pytest.fixture(scope="session")
def person(place: Path) -> Iterator[Person]:
    """Somebody with an engine of their own, in which both parties have accounts and their tables."""
    with somebody(place, ROWS) as someone:
        yield someone


@contextmanager
def somebody(place: Path, rows: str) -> Iterator[Person]:
    """A person with an engine, both parties' accounts and tables of that many rows."""
    someone = Person(place / "person")
    someone.root.mkdir()
    anywhere = Party(place, someone)
    try:
        for party in ("publisher", "advertiser"):
            anywhere.types("account", "create", party)
        sample = copy_project(someone, place / "data", quick_code=False)
        sample.bind()
        for words in (["generate.py", "--rows", rows], ["load.py", "publisher"], ["load.py", "advertiser"]):
            done = subprocess.run(
                [sys.executable, *words],
                cwd=sample.root,
                env=someone.variables,
                capture_output=True,
                text=True,
                check=False,
            )
            assert done.returncode == 0, done.stderr
        yield someone
    finally:
        anywhere.types("engine", "stop")


@pytest.fixture
def project_of_its_own() -> Iterator[Pair]:
    """A project of somebody whose engine has nothing else: for what would disturb the others."""
    place = Path(tempfile.mkdtemp(prefix="cr-e2e-"))
    try:
        with somebody(place, "20000") as someone:
            pair = copy_project(someone, place / "drifting", "drifting")
            pair.bind()
            yield pair
    finally:
        shutil.rmtree(place, ignore_errors=True)


@pytest.fixture(scope="session")
def new_project(person: Person, place: Path) -> NewProject:
    """`new_project(name)`: the sample with code that takes seconds, in a collaboration of its own; nothing done yet."""

    def make(name: str) -> Pair:
        pair = copy_project(person, place / name, name)
        pair.bind()
        return pair

    return make


@pytest.fixture(scope="session")
def submitted(person: Person, place: Path) -> Pair:
    """The sample as it is; everything done up to the advertiser's decision, every command as a process of its own."""
    pair = copy_project(person, place / "lookalike", quick_code=False)
    pair.bind()
    for words in ("validate", "collaboration create", "offering link", "stage", "spec register", "template submit"):
        pair.publisher.types(*words.split())
    for words in ("collaboration join", "offering link"):
        pair.advertiser.types(*words.split())
    return pair


@pytest.fixture(scope="session")
def approved(submitted: Pair) -> Pair:
    """The advertiser has approved all three templates and has pools."""
    reviewed = ("--yes", "--reviewed", "reviewed_code/")
    submitted.advertiser.types("approve", "train", *reviewed)
    submitted.advertiser.types("approve", "score", *reviewed)
    submitted.advertiser.types("approve", "activate", "--yes", "--expect-digest", submitted.digest("activate"))
    submitted.advertiser.types("pool", "create")
    return submitted


@pytest.fixture(scope="session")
def trained(approved: Pair) -> tuple[Pair, Ran]:
    """The training has run to its end, followed."""
    return approved, approved.advertiser.types("run", "--pool", "ML_POOL", "--wait", "--follow", "--format", "json")


@pytest.fixture(scope="session")
def activated(trained: tuple[Pair, Ran]) -> Pair:
    """Everybody is scored, and the audience is sent."""
    pair, _ = trained
    pair.advertiser.types("run", "score", "--wait")
    pair.advertiser.types("activate", "--yes")
    return pair

"""One story of five parties, by the command line and by SQL, on an engine as documented and as the service answers.

An owner apart, two providers, two runners of whom one comes later by an edit; a rejection, a job, an activation, an
unlinked offering, a removed template, somebody who leaves, a teardown, everybody's second call. Every step is sent
again once it is done. It ends right, or is told what to do and, once that is done, ends right.
"""

from __future__ import annotations

import re
import shutil
import signal
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from e2e_parties import Party, Person
from e2e_story import Cast, Teller, tell
from e2e_story_called import Caller
from e2e_story_console import Console
from e2e_story_files import PARTIES
from e2e_story_typed import Typist

from cleanroom_ml.engine.home.paths import Home
from cleanroom_ml.engine.service_mode.deviations import ALL, DEVIATIONS

pytestmark = [pytest.mark.sandbox, pytest.mark.slow]

PLAIN = "plain"
MODES = [PLAIN, ALL, *DEVIATIONS]
# Nobody notices these: the session, the network and the form of answers are the client's business, or the statement's
# own. By SQL nothing of a status is waited for that was not asked for.
SILENT = {
    *(PLAIN, "secondary-roles", "restricted-token", "session-expiry", "transient", "short-logs", "lower-case"),
    *("tracebacks", "no-own-database", "late-links"),
}
# Where nothing is an engine's own, a database is a person's to make, and no manifest of a pending request is shown.
OF_AN_ACCOUNT = re.compile(r"fix: cleanroom-ml sql 'CREATE DATABASE|--unverified-ok$", re.MULTILINE)


@pytest.fixture(scope="module")
def person() -> Iterator[Person]:
    """Somebody with an engine in which all five have accounts."""
    place = Path(tempfile.mkdtemp(prefix="cr-story-"))
    someone = Person(place / "person")
    someone.root.mkdir()
    anywhere = Party(place, someone)
    try:
        for party in PARTIES:
            anywhere.types("account", "create", party)
        yield someone
    finally:
        anywhere.types("engine", "stop")
        shutil.rmtree(place, ignore_errors=True)


@pytest.fixture
def consoles(person: Person) -> Iterator[Console]:
    opened = Console(Home(person.home))
    yield opened
    opened.close()


def restarted(person: Person, mode: str) -> None:
    """The engine, answering so from now on."""
    anywhere = Party(person.root, person)
    anywhere.types("engine", "stop")
    anywhere.types("engine", "start", *(() if mode == PLAIN else ("--like-snowflake", mode)))


def cast(person: Person, kind: str, mode: str) -> Cast:
    number = MODES.index(mode)
    return Cast(person.root / f"{kind}{number}", f"{kind}{number}", f"{kind}{number}v")


def told(teller: Teller, mode: str) -> None:
    tell(teller)
    if mode in SILENT:
        assert [said for said in teller.cast.refusals if not OF_AN_ACCOUNT.search(said)] == []


@pytest.mark.parametrize("mode", MODES)
def test_typed(person: Person, consoles: Console, mode: str) -> None:
    restarted(person, mode)
    told(Typist(cast(person, "typed", mode), person, consoles), mode)


@pytest.mark.parametrize("mode", MODES)
def test_called(person: Person, consoles: Console, mode: str) -> None:
    restarted(person, mode)
    told(Caller(cast(person, "called", mode), consoles), mode)


@pytest.mark.parametrize("killed", [signal.SIGINT, signal.SIGKILL], ids=lambda each: each.name)
@pytest.mark.parametrize("mode", [PLAIN, ALL])
def test_typed_and_killed_in_its_midst(person: Person, consoles: Console, mode: str, killed: signal.Signals) -> None:
    """Every command is begun and killed before it is typed to its end: nothing is done twice, and nothing is lost."""
    restarted(person, mode)
    tell(Typist(cast(person, killed.name.lower(), mode), person, consoles, killed))

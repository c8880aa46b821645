"""One page, run by one client: who says what when, and what came of each statement."""

from __future__ import annotations

import contextlib
import re
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import snowflake.connector
from pages_clients import Client, Connector, connector, short
from pages_page import Found, Page, Part
from pages_text import Printed, Statement, filled, read

from cleanroom_ml.engine.home.paths import Home

MakeClient = Callable[[str], Client]
"""The client of an account, which is there."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of a statement. `error` is "" where it ran; `passed`: as the page says that it ends."""

    statement: Statement
    party: str
    error: str = ""
    wanted: str = ""
    """What the error has in it where the page says that the statement fails."""

    @property
    def passed(self) -> bool:
        """Whether it ended as the page says."""
        if self.statement.why_not:
            return False
        return bool(self.wanted) and self.wanted in self.error if self.statement.refused else not self.error


def printed(page: Page, pages: Path) -> Printed:
    """What a page prints. Raises OSError where it is not below `pages`."""
    whole = Printed()
    for path in (page.path, *page.more):
        found = read((pages / path).read_text(encoding="utf-8"), worksheet=path.endswith(".sql"), cuts=page.cuts)
        first = 1 + max((each.block for each in whole.statements), default=-1)
        whole.statements += [replace(each, block=first + each.block) for each in found.statements]
        whole.other_blocks += found.other_blocks
    return whole


def parts_of(page: Page, found: Printed) -> list[tuple[Part, list[Statement]]]:
    """The parts of a page in the order in which they are run, each with its statements.

    Raises:
        ValueError: the table's parts leave a statement out, or say one twice: the page is another than it was.
    """
    if not page.parts:
        return [(Part(page.parties[0], 0, 0), found.statements)]
    parts = [(part, list(_of(part, found))) for part in page.parts]
    if sorted(id(each) for _, said in parts for each in said) != sorted(id(each) for each in found.statements):
        blocks = len({each.block for each in found.statements})
        raise ValueError(f"{page.name} has {blocks} blocks, and its parts are not these once each: see pages_table.py")
    return parts


def _of(part: Part, found: Printed) -> Iterator[Statement]:
    for block in range(part.first, part.last + 1):
        yield from found.of(block, part.piece)


@dataclass(slots=True)
class Ran:
    """What came of a page: of each statement, and of what it takes as given and could not be made."""

    outcomes: list[Outcome] = field(default_factory=list)
    not_given: list[str] = field(default_factory=list)


def run(page: Page, found: Printed, home: Home, make: MakeClient, prefix: str) -> Ran:
    """Runs a page on accounts of its own: `{prefix}_{party}`. Later statements run whatever became of one."""
    names = {party: f"{prefix}_{party}".upper() for party in page.parties}
    world = _World(page, names, {party: connector(home, account) for party, account in names.items()})
    clients = {party: make(account) for party, account in names.items()}
    ran = Ran()
    try:
        ran.not_given += world.make(page.given)
        for part, said in parts_of(page, found):
            ran.not_given += world.make(part.given)
            client, values = clients[part.party], {**page.values, **part.values}
            variables = {name: world.value(value, part.party) for name, value in part.variables.items()}
            opening = [*part.opening, *(f"SET {name} = '{value}'" for name, value in variables.items())]
            told = client.run([world.with_accounts(each) for each in opening]) if opening else []
            ran.not_given += [each for each in told if each]
            for stretch in _stretches(said, values):
                ran.outcomes += world.said(part.party, client, stretch, values)
        return ran
    finally:
        for each in (*world.ours.values(), *clients.values()):
            each.close()


@dataclass(frozen=True, slots=True)
class _World:
    """A page, its accounts, and a session of ours in each."""

    page: Page
    names: Mapping[str, str]
    ours: Mapping[str, Connector]
    in_vain: set[str] = field(default_factory=set)
    """What was waited for once, and never came."""

    def make(self, given: Sequence[tuple[str, str]]) -> list[str]:
        """Makes what is taken as given; what could not be made, and why."""
        told = ((text, self.ours[party].run([self.with_accounts(text)])[0]) for party, text in given)
        return [f"{' '.join(text.split())[:80]}: {error}" for text, error in told if error]

    def with_accounts(self, text: str) -> str:
        """A text of our table with the accounts of its parties."""
        return re.sub(r"\{(\w+)\}", lambda found: self.names.get(found[1], found[0]), text)

    def value(self, value: str | Found, party: str) -> str:
        """What stands in the place of a placeholder."""
        if isinstance(value, str):
            return self.with_accounts(value)
        until = time.monotonic() + (0 if value.ask in self.in_vain else value.patience_s)
        while True:
            try:
                rows = self.ours[party].rows(self.with_accounts(value.ask))
            except snowflake.connector.errors.Error as error:
                return short(error.msg or "")  # which makes the statement fail, and says why
            fits = [row for row in rows if all(str(row[column]) == wanted for column, wanted in value.where.items())]
            if fits:
                return str(fits[0][value.column])
            if time.monotonic() >= until:
                self.in_vain.add(value.ask)
                return f"nothing-was-found-among-{len(rows)}-rows"
            time.sleep(0.5)

    def said(
        self, party: str, client: Client, stretch: Sequence[Statement], values: Mapping[str, str | Found]
    ) -> Iterator[Outcome]:
        """What came of each."""
        texts: list[tuple[Statement, str]] = []
        for each in stretch:
            if not each.why_not:
                used = {name: value for name, value in values.items() if name in each.text}
                texts.append((each, filled(each.text, {name: self.value(used[name], party) for name in used})))
        errors = client.run([text for _, text in texts])
        told = {id(each): error for (each, _), error in zip(texts, errors, strict=True)}
        for each in stretch:
            wanted = next((told for part, told in self.page.refusals.items() if part in each.text), "")
            yield Outcome(each, party, told.get(id(each), ""), wanted)


def _stretches(said: Sequence[Statement], values: Mapping[str, str | Found]) -> Iterator[list[Statement]]:
    """Statements that can be sent together: one whose values are to be looked up begins a new stretch."""
    stretch: list[Statement] = []
    asked = [name for name, value in values.items() if isinstance(value, Found)]
    for statement in said:
        if stretch and any(name in statement.text for name in asked):
            yield stretch
            stretch = []
        stretch.append(statement)
    if stretch:
        yield stretch


@contextlib.contextmanager
def files_of(page: Page, place: Path) -> Iterator[None]:
    """The files that the page puts on a stage, in the directory where clients run."""
    for name in page.files:
        (place / name).write_text("print('of the page')\n", encoding="utf-8")
    with contextlib.chdir(place):
        yield

"""Answers that are no answers, at random: cells that are missing, of another kind, or too much; no rows; refusals in
every form; and connections that break once the account has acted.

What each command may say then: that it is done only if it is so in the account. Every command is typed so first, and
then once more against the account as it is, which it has to get on with.
"""

from __future__ import annotations

import contextlib
import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from random import Random
from typing import Any
from unittest import mock

from snowflake.connector.errors import OperationalError
from stand_in_parties import NAME, Pair, Party, Ran
from stand_in_shapes import DOCUMENTED, FIELD, UNKNOWN
from stand_in_values import Refused, Rows
from stand_in_world import Drop, Room, World

from cleanroom_ml.connection import session
from cleanroom_ml.errors import exit_codes

_DEEP = "[" * 400 + "]" * 400
_ODD: tuple[object, ...] = (
    None, "", " ", "NULL", "None", "{}", "[]", "[", "{", '"', "x" * 300_000, _DEEP, "\x1b[2J\x07\u202e",
    "SOMETHING_ELSE", "-1", "1e400", "nan", "9" * 60, "2026-13-45 99:99:99", "'; DROP TABLE x; --", "a: b: c",
    "- - -\n\t- x", "&a [*a]", json.dumps({"id": None}), json.dumps([None, 1, {"alias": []}]),
    json.dumps({"operations": [1, None, {"status": []}]}),
)  # fmt: skip


@dataclass
class Hostile:
    """Spoils one answer in `each`."""

    random: Random
    world: World
    each: int = 5

    def __call__(self, sql: str, rows: Rows) -> Rows:
        if self.random.randrange(self.each):
            return rows
        ways = (self._cell, self._cell, self._cell, self._column, self._none, self._more, self._refused, self._dropped)
        spoil = self.random.choice(ways)
        return spoil(sql, rows)

    def _cell(self, sql: str, rows: Rows) -> Rows:
        if not rows.values or not rows.columns:
            return rows
        row, at = self.random.randrange(len(rows.values)), self.random.randrange(len(rows.columns))
        columns, cells = list(rows.columns), [list(each) for each in rows.values]
        # Another local name is as good as the right one: whoever is told one has no way to know.
        odd = None if columns[at][0].upper() == "COLLABORATION_NAME" else self.random.choice(_ODD)
        cells[row][at], columns[at] = odd, (columns[at][0], "text")
        return Rows(tuple(columns), tuple(map(tuple, cells)))

    def _column(self, sql: str, rows: Rows) -> Rows:
        gone = self.random.randrange(len(rows.columns)) if rows.columns else 0
        kept = [at for at in range(len(rows.columns)) if at != gone]
        return Rows(tuple(rows.columns[at] for at in kept), tuple(tuple(row[at] for at in kept) for row in rows.values))

    def _none(self, sql: str, rows: Rows) -> Rows:
        return Rows(rows.columns)

    def _more(self, sql: str, rows: Rows) -> Rows:
        """The same rows twice, and one that says nothing."""
        return Rows(rows.columns, (*rows.values, *rows.values, (None,) * len(rows.columns)))

    def _refused(self, sql: str, rows: Rows) -> Rows:
        shape = self.random.choice((DOCUMENTED, FIELD, UNKNOWN))
        raise self.random.choice(
            (
                shape.error("SomethingNobodyKnowsError", "it did not work", "X"),
                shape.error("InvalidCollaborationStatusError", "one of: A. Current status: REPLICATING.", "X"),
                shape.inner(Refused(3001, "42501", "SQL access control error:\nInsufficient privileges"), "X"),
                Refused(2003, "02000", "SQL compilation error:\nObject 'X' does not exist or not authorized."),
                Refused(100357, "P0000", "Python Interpreter Error:\nTraceback (most recent call last):\n"),
                Refused(604, "57014", "SQL execution canceled"),
                Refused(0, "", ""),
            )
        )

    def _dropped(self, sql: str, rows: Rows) -> Rows:
        self.world.drops.append(Drop(sql, again=self.random.random() < 0.5))
        return rows


CUSTOMERS, ACTIVATE = (f"{NAME}_{each}_V1".upper() for each in ("customers", "activate"))
Claim = Callable[[World, Party], object]


def _room(world: World) -> Room:
    return world.rooms[0]


def _registered(kind: str, how_many: int = 1) -> Claim:
    return lambda world, _: sum(each == kind for each, _ in world.account("ACME-PUBLISHER").registered) >= how_many


def _decided(world: World, template: str) -> bool:
    asked = [
        each for each in _room(world).requests if each.details.get("template_id", "").startswith(f"{NAME}_{template}")
    ]
    return any(each.decisions.get("advertiser") == "APPROVED" for each in asked)


def _staged(world: World, party: Party) -> bool:
    local = {file.name for file in (party.directory / "code").iterdir() if file.is_file()}
    [stage] = world.account("ACME-PUBLISHER").stages.values()
    return local <= {path.rpartition("/")[2] for path in stage.listed}


def _pooled(world: World, _: Party) -> bool:
    account = world.account("GLOBEX-ADVERTISER")
    return bool(account.pools) and {kind for kind, _, _ in account.granted} == {"COMPUTE POOL", "WAREHOUSE"}


CLAIMS: dict[str, Claim] = {
    "collaboration create": lambda world, _: _room(world).status("publisher") == "JOINED",
    "collaboration join": lambda world, _: _room(world).status("advertiser") == "JOINED",
    "offering link": lambda world, party: any(
        each.shared_with and each.shared_by == party.directory.name for each in _room(world).offerings.values()
    ),
    "stage": _staged,
    "spec register": _registered("code_spec"),
    "template register": _registered("template", 2),
    "template submit": lambda world, _: len({each.details["template_id"] for each in _room(world).requests}) == 2,
    f"approve {NAME}_train": lambda world, _: _decided(world, "train"),
    f"approve {NAME}_activate": lambda world, _: _decided(world, "activate"),
    "pool create": _pooled,
    "run --wait": lambda world, _: any(job.status == "DONE" for job in _room(world).jobs.values()),
    "activate --yes": lambda world, _: any(each["path"][0] == "SHARED" for each in _room(world).activations),
    "activation process": lambda world, _: any(each["path"] == ["PROCESSED"] for each in _room(world).activations),
    "collaboration config ALLOW": lambda world, _: (
        _room(world).pending_configuration["ALLOW_ML_JOBS_MONITORING"][0] == "false"
    ),
    "template remove": lambda world, _: not _room(world).templates[ACTIVATE].shared_with,
    "offering unlink": lambda world, _: (
        not _room(world).offerings["publisher", f"{NAME}_customers_V1".upper()].shared_with
    ),
    "collaboration leave": lambda world, _: _room(world).status("advertiser") == "LEFT",
    "collaboration teardown": lambda world, _: _room(world).status("publisher") == "DROPPED",
    "activation export": lambda world, party: (party.directory / "audience.csv").is_file(),
}
_NOTHING = re.compile("nobody has it|not linked")
"""What a command says that has found nothing to do: so it was told, and it says that it did nothing."""
LOOKS = (
    "collaboration list", "collaboration show", "collaboration status", "collaboration config", "offering list",
    "template list", "code list", "requests", "requests --all", "history", "jobs", "roles", "registry list",
    "activation list", "pool list", "connection test", "doctor", "status", "run",
)  # fmt: skip


@dataclass(frozen=True)
class Spoiled(Party):
    """Types everything twice: first against answers that are spoiled."""

    world: World | None = None
    random: Random | None = None

    def types(self, *words: str, code: int | None = 0) -> Ran:
        assert self.world is not None
        assert self.random is not None
        typed = " ".join(words)
        if typed.startswith("init"):
            return super().types(*words, code=code)
        looks = self.random.sample(LOOKS, 2) if self.world.rooms else []
        for each in (*looks, typed):
            with self._spoiled():
                ran = super().types(*(words if each == typed else (each,)), code=None)
            assert ran.code in exit_codes(), f"{each}: exit {ran.code}"
            claim = next((claim for begins, claim in CLAIMS.items() if each.startswith(begins)), None)
            if ran.code == 0 and claim is not None and not _NOTHING.search(ran.out):
                assert claim(self.world, self), f"{each}: it says that it is done\n{ran.out}\n{ran.err}"
        if typed.startswith("activate"):  # it may have been sent, whatever was said of it
            words = (f"{typed} --again",)
        return super().types(*words, code=code)

    @contextlib.contextmanager
    def _spoiled(self) -> Iterator[None]:
        assert self.world is not None
        assert self.random is not None
        before = self.world.said
        self.world.said = Hostile(self.random, self.world)
        try:
            with mock.patch.object(session, "pauses", _pauses):
                yield
        finally:
            self.world.said = before
            self.world.drops.clear()


def _pauses() -> Iterator[float]:
    yield from (0.01, 0.01)
    raise OperationalError("it has not answered")


def spoiled(pair: Pair, seed: int) -> Pair:
    """Both type so."""
    random = Random(seed)
    made: list[Any] = [
        Spoiled(each.directory, each.variables, each.apart, pair.world, random)
        for each in (pair.publisher, pair.advertiser)
    ]
    return replace(pair, publisher=made[0], advertiser=made[1])

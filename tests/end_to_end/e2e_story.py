"""The story of five parties, written once: who does what, in which order, and what is so afterwards.

Whoever tells it drives it: by the command line (`e2e_story_typed`) or by SQL (`e2e_story_called`).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Protocol

from e2e_story_files import ROWS, SEGMENT, write

Row = dict[str, object]


@dataclass(frozen=True, slots=True)
class Step:
    """`party` does `verb`, with `what` where it is of something. `again`: to repeat it does nothing more.

    A run and an activation are done once more by whoever asks for them once more: that is what they are for.
    """

    party: str
    verb: str
    what: str = ""
    again: bool = True

    def __str__(self) -> str:
        return f"{self.party}: {self.verb} {self.what}".strip()


STORY: Final = (
    Step("shop", "load"),
    Step("bank", "load"),
    Step("shop", "offer"),
    Step("bank", "offer"),
    Step("owner", "create"),
    Step("shop", "join"),
    Step("bank", "join"),
    Step("brand", "join"),
    Step("shop", "link"),
    Step("bank", "link"),
    Step("owner", "stage"),
    Step("owner", "submit", "unwanted"),
    Step("brand", "reject", "unwanted"),
    Step("owner", "submit", "measure"),
    Step("shop", "approve", "measure"),
    Step("bank", "approve", "measure"),
    Step("brand", "approve", "measure"),
    Step("brand", "pool"),
    Step("brand", "run", "measure", again=False),
    Step("owner", "edit"),
    Step("shop", "agree"),
    Step("agency", "join"),
    Step("owner", "submit", "send"),
    Step("shop", "approve", "send"),
    Step("bank", "approve", "send"),
    Step("brand", "approve", "send"),
    Step("brand", "activate", "send", again=False),
    Step("shop", "process"),
    Step("bank", "unlink"),
    Step("owner", "set"),
    Step("owner", "remove", "measure"),
    Step("bank", "leave"),
    Step("owner", "teardown"),
    Step("shop", "leave"),
    Step("brand", "leave"),
    Step("agency", "leave"),
)


@dataclass
class Cast:
    """Where everybody's files are, what the collaboration is called, and which versions of everything it is about."""

    root: Path
    name: str
    version: str
    refusals: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        write(self.root, self.name, self.version)

    def rename(self) -> None:
        """The room could not be created, and its name is taken."""
        self.name += "x"
        write(self.root, self.name, self.version)

    def id(self, name: str) -> str:
        return f"{name}_{self.version}"


class Teller(Protocol):
    """Who does the steps, and what they can ask."""

    cast: Cast

    def do(self, step: Step) -> None:
        """Does it; where it is refused, what the refusal says, and again, until it is done."""

    def repeat(self, step: Step) -> None:
        """Does exactly the same once more: it is done already, and says so or is refused by name."""

    def rows(self, party: str, procedure: str, *arguments: object) -> list[Row]:
        """What a procedure of the collaboration answers, by column in lower case."""

    def count(self, party: str, table: str) -> int:
        """How many rows a table has."""


Check = Callable[[Teller, Step], None]


def tell(teller: Teller) -> None:
    """The whole story. Each step is done, and sent again; then what has come of it is looked at."""
    for step in STORY:
        teller.do(step)
        if step.again:
            teller.repeat(step)
        check = _CHECKS.get((step.verb, step.what)) or _CHECKS.get((step.verb, ""))
        if check is not None:
            check(teller, step)


def _eventually(
    teller: Teller, party: str, procedure: str, wanted: object, found: Callable[[list[Row]], object]
) -> None:
    """What is listed late is asked for some times; never for a certain time."""
    told: object = None
    for _ in range(12):
        told = found(teller.rows(party, procedure, teller.cast.name))
        if told == wanted:
            return
    raise AssertionError(f"{procedure} of {party}: {told}, not {wanted}")


def _requests(kind: str, statuses: list[str]) -> Check:
    def check(teller: Teller, step: Step) -> None:
        def found(rows: list[Row]) -> list[object]:
            same = [row for row in rows if str(row["type"]).upper().replace("_", " ") == kind.upper()]
            return [row["status"] for row in sorted(same, key=lambda row: str(row["updated_on"]))]

        _eventually(teller, "owner", "VIEW_UPDATE_REQUESTS", statuses, found)

    return check


def _status(party: str, status: str) -> Check:
    def check(teller: Teller, step: Step) -> None:
        _eventually(
            teller,
            "owner",
            "GET_STATUS",
            [status],
            lambda rows: [row["status"] for row in rows if str(row["collaborator_name"]).lower() == party],
        )

    return check


def _templates(wanted: list[str]) -> Check:
    def check(teller: Teller, step: Step) -> None:
        expected = [teller.cast.id(each).upper() for each in wanted]
        _eventually(
            teller,
            "brand",
            "VIEW_TEMPLATES",
            expected,
            lambda rows: sorted(str(row["template_id"]).upper() for row in rows),
        )

    return check


def _offered(by: set[str]) -> Check:
    def check(teller: Teller, step: Step) -> None:
        _eventually(
            teller, "brand", "VIEW_DATA_OFFERINGS", by, lambda rows: {str(row["shared_by"]).lower() for row in rows}
        )

    return check


def _ran_once(teller: Teller, step: Step) -> None:
    _eventually(teller, "brand", "VIEW_ACTIVITY_HISTORY", 1, len)


def _received_once(teller: Teller, step: Step) -> None:
    table = f"{teller.cast.name}.activation.segment_records WHERE SEGMENT_NAME = '{SEGMENT}'"
    assert teller.count("shop", table) == ROWS["shop"]

    def taken(rows: list[Row]) -> list[object]:
        return [row["status"] for row in rows if row["status"] != "FAILED"]

    _eventually(teller, "shop", "VIEW_ACTIVATIONS", ["PROCESSED"], taken)


def _configured(teller: Teller, step: Step) -> None:
    def found(rows: list[Row]) -> list[object]:
        return [(row["value"], row["status"]) for row in rows if row["configuration"] == "ALLOW_ML_JOBS_MONITORING"]

    _eventually(teller, "owner", "GET_CONFIGURATION", [("false", "ACTIVE")], found)


def _all_gone(teller: Teller, step: Step) -> None:
    if step.party == "agency":
        for party in ("owner", "shop", "bank", "brand", "agency"):
            rows = teller.rows(party, "VIEW_COLLABORATIONS")
            assert teller.cast.name.upper() not in {str(row["source_name"]).upper() for row in rows}, party


_CHECKS: Final[dict[tuple[str, str], Check]] = {
    ("link", ""): lambda teller, step: _offered({"shop"} if step.party == "shop" else {"shop", "bank"})(teller, step),
    ("reject", ""): _requests("Add Template", ["REJECTED"]),
    ("submit", "measure"): _requests("Add Template", ["REJECTED", "REQUESTED"]),
    ("run", ""): _ran_once,
    ("agree", ""): _requests("Edit Collaboration", ["COMPLETED"]),
    ("process", ""): _received_once,
    ("unlink", ""): _offered({"shop"}),
    ("set", ""): _configured,
    ("remove", ""): _templates(["send"]),
    ("teardown", ""): _status("owner", "DROPPED"),
    ("leave", ""): _all_gone,
}

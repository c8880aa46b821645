"""One kind of state machine, and a page that shows every one of them as it is."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from cleanroom_ml.engine.assembly import state_machines
from cleanroom_ml.engine.contracts.machine import Machine

ROOT = Path(__file__).parents[2]


def test_the_page_is_current() -> None:
    written = (ROOT / "docs" / "state-machines.md").read_text(encoding="utf-8")
    assert written == state_machines.page(), "make docs"


def test_every_machine_of_the_engine_is_on_the_page() -> None:
    """A table that is defined anywhere else, or that is none of the kind, would be on no page."""
    engine = ROOT / "cleanroom_ml" / "engine"
    made = re.compile(r"\bMachine\.of\(|\b(QUEUED|RUNNING|PENDING|PREPARING|REQUESTED)\"?: (frozenset\(|\{|\[)")
    defining = {path for path in engine.rglob("*.py") if made.search(path.read_text(encoding="utf-8"))}
    known = {Path(str(module.__file__)) for module in state_machines.WHERE}
    assert defining - {engine / "contracts" / "machine.py"} == known


def test_the_diagram_has_every_move_and_no_other() -> None:
    for _, machine in state_machines.machines():
        text = state_machines._section("x.py", machine)
        shown = set(re.findall(r"^    (\w+) --> (\w+)$", text, re.M))
        assert shown == {(state, wanted) for state, targets in machine.moves.items() for wanted in targets}


@pytest.mark.parametrize(
    ("begins", "moves"),
    [
        ({"A"}, {"A": {"B"}}),
        ({"A"}, {"A": set(), "B": set()}),
        ({"C"}, {"A": {"A"}}),
    ],
    ids=["a move to no state", "a state that nothing leads to", "a beginning that is no state"],
)
def test_a_table_that_does_not_hang_together_is_refused(begins: set[str], moves: dict[str, set[str]]) -> None:
    with pytest.raises(ValueError, match="do not hang together"):
        Machine.of("thing", begins, moves)

"""The engine's state machines as diagrams, for docs/state-machines.md.

`python -m cleanroom_ml.engine.assembly.state_machines FILE` writes the page.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any, Final

from cleanroom_ml.engine.contracts.machine import Machine
from cleanroom_ml.engine.jobs import transitions
from cleanroom_ml.engine.rooms import states
from cleanroom_ml.engine.storage import queries

WHERE: Final[tuple[ModuleType, ...]] = (states, transitions, queries)
"""The modules that define machines; every other one uses theirs."""

_HEAD: Final = """\
# State machines

Written by `make docs` from the tables in the code; a test holds it against them. Whatever is no arrow here cannot
happen: such a move raises, and nothing is changed. Each new state is on disk before anything is done about it.
"""


# Any: states of whichever machine, which are read by their names alone.
def machines() -> Iterator[tuple[str, Machine[Any]]]:
    """Every machine, with the path of the file that defines it."""
    for module in WHERE:
        path = module.__name__.replace(".", "/") + ".py"
        yield from ((path, value) for value in vars(module).values() if isinstance(value, Machine))


def page() -> str:
    """The page as Markdown, a diagram for each machine."""
    return "\n".join([_HEAD, *(_section(path, machine) for path, machine in machines())])


def _section(path: str, machine: Machine[Any]) -> str:
    arrows = [f"    [*] --> {state}" for state in machine.moves if state in machine.begins]
    for state, targets in machine.moves.items():
        # In the order of the table, so that the page is the same wherever it is written.
        arrows += [f"    {state} --> {wanted}" for wanted in machine.moves if wanted in targets]
        arrows += [f"    {state} --> [*]"] if machine.terminal(state) else []
    lines = [f"## {machine.name[0].upper()}{machine.name[1:]}", "", f"`{path}`", ""]
    return "\n".join([*lines, "```mermaid", "stateDiagram-v2", *arrows, "```", ""])


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(page(), encoding="utf-8")

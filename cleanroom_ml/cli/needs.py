"""What a command can need of its target. Which does need what is in table.py; docs/targets.md is written from there.

A command works on every target that has what it needs. What only some targets have are procedures of CLEANROOM_ML: the
target is asked for them (`connection/capabilities.py`), and `without` is what the command does where they are missing.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Where(StrEnum):
    """What a command speaks with; the text is the page's."""

    MACHINE = "this machine and its engine alone; no account is asked"
    FILES = "files of this directory; no account is asked"
    SQL = "SQL statements that both targets have"
    ROOM = "the clean room's documented procedures"


@dataclass(frozen=True, slots=True)
class Need:
    """One command's.

    Args:
        where: what it speaks with.
        calls: documented procedures, `SCHEMA.NAME`, that do something; those that only show are not listed.
        own: procedures of CLEANROOM_ML, `SCHEMA.NAME`, that it uses where the target has them.
        without: what it does on a target without them; a sentence without its full stop.
    """

    where: Where
    calls: tuple[str, ...] = ()
    own: tuple[str, ...] = ()
    without: str = ""


def room(*calls: str, own: tuple[str, ...] = (), without: str = "") -> Need:
    """A need of the clean room's procedures; those without a schema are of COLLABORATION."""
    return Need(Where.ROOM, tuple(f"COLLABORATION.{call}" if "." not in call else call for call in calls), own, without)

"""What every command needs of its target, declared once: docs/targets.md is written from here by `make docs`.

A command works on every target that has what it needs. What only some targets have are procedures of CLEANROOM_ML: the
target is asked for them (`connection/capabilities.py`), and `without` is what the command does where they are missing.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final


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


def _room(*calls: str, own: tuple[str, ...] = (), without: str = "") -> Need:
    return Need(Where.ROOM, tuple(f"COLLABORATION.{call}" if "." not in call else call for call in calls), own, without)


_MACHINE, _FILES, _SQL = Need(Where.MACHINE), Need(Where.FILES), Need(Where.SQL)
_IMAGES: Final = ("IMAGES.COMPARE",)
_DECISIONS: Final = ("APPROVALS.VIEW_DECISIONS", "APPROVALS.DESCRIBE_REQUEST")
_LOOK: Final = ("JOBS.STATUS",)
_NO_IMAGES: Final = "what has become of a pinned image is not told"

NEEDS: Final[dict[str, Need]] = {
    "init": _FILES,
    "validate": _FILES,
    "stage": _SQL,
    "spec register": _room("REGISTRY.REGISTER_CODE_SPEC"),
    "spec list": _room(),
    "spec show": _room(),
    "spec diff": _room(own=_IMAGES, without=_NO_IMAGES),
    "template register": _room("REGISTRY.REGISTER_TEMPLATE"),
    "template submit": _room(
        "ADD_TEMPLATE_REQUEST", "REGISTRY.REGISTER_TEMPLATE", "REGISTRY.REGISTER_CODE_SPEC",
        own=(*_IMAGES, *_DECISIONS), without=_NO_IMAGES,
    ),
    "template withdraw": _room("REJECT_UPDATE_REQUEST", own=_DECISIONS, without="the same"),
    "template list": _room(),
    "template show": _room(),
    "template remove": _room("REGISTRY.UNREGISTER_TEMPLATE", "REMOVE_TEMPLATE"),
    "offering register": _room("REGISTRY.REGISTER_DATA_OFFERING"),
    "offering link": _room("LINK_DATA_OFFERING", "LINK_LOCAL_DATA_OFFERING", "REGISTRY.REGISTER_DATA_OFFERING"),
    "offering unlink": _room("UNLINK_DATA_OFFERING", "UNLINK_LOCAL_DATA_OFFERING"),
    "offering list": _room(),
    "requests": _room(own=_DECISIONS, without="decisions are shown as the target writes them"),
    "review": _room(
        own=(*_IMAGES, *_DECISIONS), without=f"what the documented answers show is shown; {_NO_IMAGES}"
    ),
    "approve": _room(
        "APPROVE_UPDATE_REQUEST",
        own=(*_IMAGES, *_DECISIONS),
        without=f"what the documented answers show is compared, and it says what was not; {_NO_IMAGES}",
    ),
    "reject": _room("REJECT_UPDATE_REQUEST", own=_DECISIONS, without="the same"),
    "pool create": _SQL,
    "pool list": _SQL,
    "pool show": _SQL,
    "pool drop": _SQL,
    "run": _room(
        "RUN", "RUN_ML_JOB_ACTION", own=("JOBS.STATUS", "JOBS.LOGS"),
        without="--follow has the newest 100 KB of the log",
    ),
    "status": _room(
        "RUN_ML_JOB_ACTION", own=(*_LOOK, "JOBS.EVENTS", "JOBS.USAGE", "JOBS.LOGS"),
        without="the status alone; --watch is without progress and usage",
    ),
    "logs": _room(
        "RUN_ML_JOB_ACTION", own=(*_LOOK, "JOBS.LOGS", "JOBS.EVENTS"),
        without="the newest 100 KB; --events is refused (exit 5)",
    ),
    "result": _room("RUN_ML_JOB_ACTION", own=_LOOK, without="the same"),
    "report": _room(
        "RUN_ML_JOB_ACTION", own=(*_LOOK, "JOBS.LOGS", "JOBS.EVENTS", "JOBS.USAGE", *_DECISIONS),
        without="status, log and result; the page says that progress and usage are not told",
    ),
    "jobs": _room("RUN_ML_JOB_ACTION", own=("JOBS.LIST",), without="refused (exit 5); `history` has the runs"),
    "cancel": _room(
        "RUN_ML_JOB_ACTION", own=("JOBS.CANCEL", *_LOOK),
        without="refused (exit 5); ALTER COMPUTE POOL … STOP ALL ends every job of a pool",
    ),
    "activate": _room("RUN"),
    "demo": _MACHINE,
    "collaboration create": _room("INITIALIZE", "JOIN"),
    "collaboration review": _room("REVIEW"),
    "collaboration join": _room("REVIEW", "JOIN"),
    "collaboration status": _room(),
    "collaboration list": _room(),
    "collaboration show": _room(),
    "collaboration config": _room("SET_CONFIGURATION"),
    "activation list": _room(),
    "activation process": _room("PROCESS_ACTIVATION"),
    "activation export": _room("PROCESS_ACTIVATION"),
    "sql": _SQL,
    "load": _SQL,
    "history": _room("RUN_ML_JOB_ACTION", own=("JOBS.LIST",), without="the runs, without their job ids"),
    "connection use": _FILES,
    "connection list": _FILES,
    "connection test": _SQL,
    "connection explain": _FILES,
    "help": _FILES,
    "completion": _FILES,
    "account create": _MACHINE,
    "account list": _MACHINE,
    "engine start": _MACHINE,
    "engine stop": _MACHINE,
    "engine status": _MACHINE,
    "image list": _MACHINE,
    "image build": _MACHINE,
    "image remove": _MACHINE,
    "image repair": _MACHINE,
    "doctor": Need(
        Where.SQL,
        ("LIBRARY.CHECK_MOUNT_STATUS", "ADMIN.CHECK_PRIVILEGES"),
        without="with -c the account is checked, and what it does not answer is told as not shown; else this machine",
    ),
}  # fmt: skip

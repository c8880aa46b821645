"""The log of an update request: who has decided what. What stands inside of it is not documented."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from cleanroom_ml.services.answers import first_of, json_of
from cleanroom_ml.services.times import rfc3339

_WHO: Final = (
    "collaborator", "collaborator_name", "collaborator_alias", "alias", "approver", "approver_alias", "partner",
    "approved_by", "rejected_by", "account", "by", "user", "name",
)  # fmt: skip
_WHAT: Final = ("decision", "status", "approval_status", "approval", "action", "state", "type")
_WHY: Final = ("reason", "rejection_reason", "comment", "message", "note")
_WHEN: Final = ("decided_on", "updated_on", "timestamp", "time", "on", "at", "created_on", "date")
_SAID: Final = (("REJECT", "REJECTED"), ("APPROV", "APPROVED"), ("PEND", "PENDING"), ("REQUEST", "PENDING"))


@dataclass(frozen=True, slots=True)
class Decision:
    """What one collaborator decided: APPROVED, REJECTED or PENDING."""

    collaborator: str
    decision: str
    reason: str = ""
    decided_on: str = ""


@dataclass(frozen=True, slots=True)
class ApprovalLog:
    """`decisions`, as far as they can be read; `unread` is the log as it came where some of it cannot."""

    decisions: tuple[Decision, ...] = ()
    unread: str = ""


def approval_log(value: object) -> ApprovalLog:
    """Reads a list of entries, or a mapping of collaborators to what they have said; as an array or as its text."""
    loaded = json_of(value)
    if loaded is None or loaded == "" or loaded == [] or loaded == {}:
        return ApprovalLog()
    entries: list[object] = []
    if isinstance(loaded, list):
        entries = loaded
    elif isinstance(loaded, Mapping):
        entries = [loaded] if _decision(loaded) else [_named(who, said) for who, said in loaded.items()]
    found = [_decision(entry) for entry in entries]
    read = tuple(each for each in found if each is not None)
    complete = bool(found) and len(read) == len(found)
    return ApprovalLog(read, "" if complete else _text(value))


def _named(who: object, said: object) -> object:
    return {**said, "collaborator": who} if isinstance(said, Mapping) else {"collaborator": who, "decision": said}


def _decision(entry: object) -> Decision | None:
    if not isinstance(entry, Mapping):
        return None
    lower = {str(key).lower(): value for key, value in entry.items()}
    who, what = first_of(lower, *_WHO), first_of(lower, *_WHAT)
    said = str(what or "").upper().replace(" ", "_")
    decision = next((meant for begins, meant in _SAID if begins in said), None)
    if who is None or decision is None or isinstance(who, Mapping | list):
        return None
    if said.startswith(("PEND", "AWAIT")):
        decision = "PENDING"
    return Decision(str(who), decision, str(first_of(lower, *_WHY) or ""), rfc3339(first_of(lower, *_WHEN)))


def _text(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)

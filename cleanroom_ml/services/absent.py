"""Something that cannot be shown, with its reason: so that nobody takes it for something that is empty."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Absent:
    """`why` is one sentence for a person, without a full stop."""

    why: str

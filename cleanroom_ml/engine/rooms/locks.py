"""Dependency locks as the rooms read them: what they pin (the pools make and use them, jobs/layers/lock.py)."""

from __future__ import annotations

from collections.abc import Mapping

from cleanroom_ml.json_values import Document


def wheels(lock: Document) -> list[tuple[str, str]]:
    """(file name, SHA-256) of every wheel that a lock pins; none of a lock of before there were layers."""
    return [(str(each["wheel"]), str(each["sha256"])) for each in lock.get("packages", ()) if isinstance(each, Mapping)]

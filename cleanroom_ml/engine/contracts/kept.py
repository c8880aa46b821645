"""Whose further requests a process may serve that has served one."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Kept:
    """Those of this session, while what it may see (`world`) is the same: it never serves anybody else."""

    session: str
    world: Hashable

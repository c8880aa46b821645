"""The group of the driver that isolates nothing: no limit, and it says so."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from cleanroom_ml.engine.sandbox.policy import MemoryEnforcement


@dataclass(frozen=True, slots=True)
class NoLimits:
    enforced_by: MemoryEnforcement = "none"
    cpu_enforced: bool = False
    directories: tuple[Path, ...] = ()
    prefix: tuple[str, ...] = ()

    def add(self, pid: int) -> None:
        """Nothing to enter."""

    def weigh(self, cpu_weight: int) -> None:
        """Nothing to change."""

    def sample(self) -> bool:
        return False

    def oom_kills(self) -> int:
        return 0

    def peak_bytes(self) -> int | None:
        return None

    def accounts(self) -> tuple[Path, ...]:
        return ()

    def remove(self) -> None:
        """Nothing to remove."""

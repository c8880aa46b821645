"""Taking single controls away, for tests that show what each of them prevents. Unreachable outside of a test."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass
from typing import Final

CONTROLS: Final = frozenset(
    {"network", "seccomp", "processes", "host_files", "devices", "read_only_root", "userns", "limits"}
)


@dataclass(frozen=True, slots=True)
class WeakenedForTests:
    """The controls that are off. Raises RuntimeError anywhere but in a test that pytest is running right now."""

    without: frozenset[str]

    def __post_init__(self) -> None:
        if "pytest" not in sys.modules or "PYTEST_CURRENT_TEST" not in os.environ:
            raise RuntimeError("controls can only be taken away inside of a test")
        unknown = self.without - CONTROLS
        if unknown:
            raise ValueError(f"unknown controls: {sorted(unknown)}")

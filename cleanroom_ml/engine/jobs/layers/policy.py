"""What a dependency layer may never hold, and how large one may be.

A layer's directory stands on the import path after the runtime and its overlay, and before the standard library: a
module of its that is named like one of those would run before, or instead of, the session that the engine opens.
"""

from __future__ import annotations

import re
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Final

GIB: Final = 1 << 30

NAMES: Final = re.compile(r"(snowflake|snowpark|cleanroom)(-.*)?\Z|(pip|setuptools|wheel|ray)\Z")
"""Distributions that come with the image or not at all: the session, the engine, the installers, and the cluster that
is running before the script starts. Names are normalised (PEP 503).
"""

HOOKS: Final = frozenset({"sitecustomize", "usercustomize"})
"""Modules that the interpreter imports by itself when it starts (docs: library/site)."""

_OVERLAY: Final = Path(__file__).resolve().parents[3] / "runtime" / "overlay"

RUNTIME: Final = frozenset({"snowflake", "cleanroom_ml", "cleanroom_runtime", "runtime_external_entities"}) | frozenset(
    path.name.split(".")[0] for path in _OVERLAY.iterdir() if not path.name.startswith((".", "__"))
)
"""Top-level names of the runtime and its overlay; `snowflake` is a namespace that a regular package would end."""

TOP_LEVEL: Final = HOOKS | RUNTIME | frozenset(sys.stdlib_module_names)


@dataclass(frozen=True, slots=True)
class LayerLimits:
    """Bounds of one layer, and of what resolving and unpacking it may use. Sizes in bytes, times in seconds."""

    download_bytes: int = 4 * GIB
    unpacked_bytes: int = 8 * GIB
    files: int = 100_000
    packages: int = 300
    resolve_seconds: float = 900.0
    resolve_memory: int = 2 * GIB
    unpack_seconds: float = 600.0
    import_seconds: float = 300.0
    import_memory: int = 4 * GIB


def never_in_a_layer(name: str) -> bool:
    """Whether a distribution of this normalised name is the image's alone."""
    return NAMES.match(name) is not None

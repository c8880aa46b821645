"""Host uids for sandboxes when the engine runs as root."""

from __future__ import annotations

import os
import secrets
from pathlib import Path

from cleanroom_ml.engine.sandbox.policy import UID_RANGE


def pick_uid() -> int:
    """A uid of the range that no process has.

    Two sandboxes that pick the same uid at the same moment still cannot see each other's processes or files (own pid
    and mount namespaces); they would share only the kernel's per-uid counters.
    """
    used = set()
    for entry in os.scandir("/proc"):
        if entry.name.isdigit():
            try:
                used.add(Path(entry.path).stat().st_uid)
            except OSError:  # ended meanwhile
                continue
    return secrets.choice([uid for uid in UID_RANGE if uid not in used])

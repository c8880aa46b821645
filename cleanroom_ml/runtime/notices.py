"""What the launcher itself has to say, in the job's log among the script's output."""

from __future__ import annotations

import sys


def say(message: str) -> None:
    """One line to the log, marked as ours."""
    sys.stdout.flush()
    sys.stderr.write(f"cleanroom-ml: {message}\n")
    sys.stderr.flush()

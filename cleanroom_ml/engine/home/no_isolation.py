"""What an engine without isolation may be: the bundled demo's, in a home of its own, with the demo's two accounts.

Isolation is not optional (docs/ARCHITECTURE.md, decision 7). What is said here is checked by the engine itself; that
a job's code is the bundled sample's is checked where the job is started (`jobs/bundled.py`).
"""

from __future__ import annotations

import os
from typing import Final

from cleanroom_ml.engine.home.paths import Home
from cleanroom_ml.engine.home.private_files import read_private, write_private
from cleanroom_ml.errors import UsageError

REASON: Final = "the bundled demo's own data and code, without a sandbox because a person asked for that"
ACCOUNTS: Final = frozenset({"DEMO_PUBLISHER", "DEMO_ADVERTISER"})

_ISOLATED: Final = b"isolated\n"
_NOT_ISOLATED: Final = b"none\n"
# What is there before an engine has written anything: its lock, and what whoever started it left.
_BEFORE: Final = frozenset({"engine.lock", "start.lock", "engine-start.log"})


def claim(home: Home, *, isolated: bool) -> None:
    """Mark the home for good, before anything else is written to it; a marked one is only checked.

    The caller holds the home's lock.

    Raises:
        UsageError: the home is of the other kind; or it is to be used without isolation, and is not empty.
    """
    wanted = _ISOLATED if isolated else _NOT_ISOLATED
    try:
        found = read_private(home.isolation)
    except FileNotFoundError:
        if not isolated and (others := sorted(set(os.listdir(home.path)) - _BEFORE)):
            raise UsageError(
                f"{home.path} cannot be used without isolation",
                why=f"it is not empty ({others[0]}), and may hold what others trusted an isolating engine with",
                fix="cleanroom-ml demo --no-isolation, which has a home of its own",
            ) from None
        write_private(home.isolation, wanted)
        return
    if found != wanted:
        raise UsageError(
            f"{home.path} was made by an engine {'without' if isolated else 'with'} isolation",
            why="what ran without isolation could have changed anything there"
            if isolated
            else "others trusted an isolating engine with what is there",
            fix="choose another home: export CLEANROOM_ML_HOME=DIR",
        )


def refusal(account: str) -> str | None:
    """Why an engine without isolation does not make this account; None where it does."""
    if account in ACCOUNTS:
        return None
    return f"this engine has no sandbox (--no-isolation), so it has the demo's accounts only, not {account}"

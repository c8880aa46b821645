"""Where the demo's engine lives: the person's own home, or, without a sandbox, a home that holds nothing else."""

from __future__ import annotations

import os

from cleanroom_ml.connection.directories import engine_home
from cleanroom_ml.engine.home.paths import Home
from cleanroom_ml.local.home import ensure_home

NO_ISOLATION_ARGUMENT = "--no-isolation-for-bundled-demo"


def demo_home(*, no_isolation: bool) -> tuple[Home, tuple[str, ...]]:
    """The home and the engine's extra arguments.

    An engine without isolation gets a home of its own, so that nobody's data are ever in it, and no command finds it
    unless `CLEANROOM_ML_HOME` says so. The engine holds itself to that too (engine/home/no_isolation.py).
    """
    if not no_isolation:
        return ensure_home(), ()
    usual = engine_home()
    os.environ["CLEANROOM_ML_HOME"] = str(usual.with_name(f"{usual.name}-no-isolation"))
    return ensure_home(), (NO_ISOLATION_ARGUMENT,)

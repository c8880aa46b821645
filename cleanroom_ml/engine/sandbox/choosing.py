"""Which driver starts untrusted processes here, decided in this one place: a driver more is its file and a line."""

from __future__ import annotations

from cleanroom_ml.engine.sandbox.bubblewrap import Bubblewrap
from cleanroom_ml.engine.sandbox.drivers import Driver
from cleanroom_ml.engine.sandbox.no_isolation import NoIsolation


def driver_for(no_isolation: str = "") -> Driver:
    """The driver of this machine. Nothing falls back: where it cannot isolate, starting it raises.

    Args:
        no_isolation: why there is to be no isolation at all, in the words that every record shows; empty for isolation.
    """
    return NoIsolation(no_isolation) if no_isolation else Bubblewrap()

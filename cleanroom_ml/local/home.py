"""The engine's home and a person's own keys, made where they are missing."""

from __future__ import annotations

from pathlib import Path

from cleanroom_ml.connection.directories import config_home, engine_home
from cleanroom_ml.engine.home.paths import Home, open_home
from cleanroom_ml.errors import UsageError


def ensure_home(path: Path | None = None) -> Home:
    """The home, made (0700) if it is not there.

    Raises UsageError where others may enter it or it is somebody else's.
    """
    return open_home(path or engine_home())


def existing_home(path: Path | None = None) -> Home | None:
    """The home, if it is there; nothing is made. Raises UsageError as `ensure_home`."""
    place = path or engine_home()
    return open_home(place) if place.exists() else None


def ensure_config() -> Path:
    """The person's configuration directory, made (0700) if it is not there."""
    path = config_home()
    try:
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        fix = "export CLEANROOM_ML_CONFIG=/a/directory of yours"
        raise UsageError(f"{path} cannot be made: keys are kept there", why=error.strerror, fix=fix) from error
    return path

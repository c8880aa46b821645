"""Where a person keeps things on this platform: the engine's home, keys, state, and Snowflake's own files."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from cleanroom_ml.errors import UsageError

_LINUX = {
    "data": ("XDG_DATA_HOME", ".local/share"),
    "config": ("XDG_CONFIG_HOME", ".config"),
    "state": ("XDG_STATE_HOME", ".local/state"),
}
_MACOS = {
    "data": "Library/Application Support",
    "config": "Library/Preferences",
    "state": "Library/Application Support/state",
}


def configured(variable: str) -> Path | None:
    """The directory that an environment variable names, absolute; None where it is not set."""
    value = os.environ.get(variable)
    if not value:
        return None
    try:
        return Path(value).expanduser().absolute()
    except RuntimeError:
        raise _no_home(f"{variable} is {value!r}", f"export {variable}=/an/absolute/path") from None


def home() -> Path:
    """The person's home directory.

    Raises:
        UsageError: nothing says where it is, as for a user without an entry in a container.
    """
    try:
        return Path.home()
    except RuntimeError:
        raise _no_home("HOME is not set, and this user has no entry that says it", "export HOME=/a/directory") from None


def _no_home(why: str, fix: str) -> UsageError:
    return UsageError("there is no home directory to keep anything in", why=why, fix=fix)


def platform_directory(kind: str) -> Path:
    """The platform's directory for `data`, `config` or `state` (XDG on Linux)."""
    if sys.platform == "darwin":
        return home() / _MACOS[kind]
    variable, default = _LINUX[kind]
    given = os.environ.get(variable)
    return Path(given) if given else home() / default


def engine_home() -> Path:
    """The home of the embedded engine: `CLEANROOM_ML_HOME`, else the platform's data directory."""
    return configured("CLEANROOM_ML_HOME") or platform_directory("data") / "cleanroom-ml"


def config_home() -> Path:
    """A person's own keys, apart from the engine's home: `CLEANROOM_ML_CONFIG`, else the platform's directory."""
    return configured("CLEANROOM_ML_CONFIG") or platform_directory("config") / "cleanroom-ml"


def state_home() -> Path:
    """A person's own state (bindings): `CLEANROOM_ML_STATE`, else the platform's directory."""
    return configured("CLEANROOM_ML_STATE") or platform_directory("state") / "cleanroom-ml"


def snowflake_home() -> Path:
    """Where Snowflake's clients look: `SNOWFLAKE_HOME`, else `~/.snowflake` if there, else the platform's directory."""
    found = configured("SNOWFLAKE_HOME")
    if found:
        return found
    classic = home() / ".snowflake"
    if classic.is_dir():
        return classic
    base = home() / "Library/Application Support" if sys.platform == "darwin" else platform_directory("config")
    return base / "snowflake"

"""The engine's `connections.toml`: Snowflake's own format, one section an account, 0600."""

from __future__ import annotations

import fcntl
import json
import os
import re
import tomllib
from collections.abc import Mapping

from cleanroom_ml.engine.home.paths import Home
from cleanroom_ml.engine.home.private_files import write_private
from cleanroom_ml.errors import UsageError

_BARE = re.compile(r"[A-Za-z0-9_-]+\Z")


def read_connections(home: Home) -> dict[str, dict[str, object]]:
    """Every section of the file.

    Raises:
        UsageError: it is not TOML.
    """
    try:
        loaded = tomllib.loads(home.connections.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UsageError(
            f"{home.connections} is not valid TOML", why=str(error), fix=f"mend {home.connections}"
        ) from error
    return {name: section for name, section in loaded.items() if isinstance(section, dict)}


def write_connection(home: Home, name: str, settings: Mapping[str, str | int]) -> bool:
    """Set the section `name`, keeping all the others; False where it was exactly so already."""
    descriptor = os.open(home.path / "connections.lock", os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        sections = read_connections(home)
        if sections.get(name) == dict(settings):
            return False
        sections[name] = dict(settings)
        write_private(home.connections, _toml(sections).encode("utf-8"))
        return True
    finally:
        os.close(descriptor)


def _toml(sections: Mapping[str, Mapping[str, object]]) -> str:
    lines = ["# Written by cleanroom-ml: the accounts of this engine, for any Snowflake client."]
    for name, section in sections.items():
        lines += ["", f"[{name if _BARE.match(name) else _text(name)}]"]
        lines += [f"{key} = {_value(value)}" for key, value in section.items()]
    return "\n".join(lines) + "\n"


def _value(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value) if isinstance(value, int | float) else _text(str(value))


def _text(value: str) -> str:
    """A TOML basic string: JSON's escapes are a part of TOML's, but for DEL, which TOML wants escaped."""
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")

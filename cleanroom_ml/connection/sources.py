"""Where connections are written: the engine's `connections.toml`, and Snowflake's own files and variables.

Snowflake's rules, as the connector's configuration manager has them: `connections.toml` replaces the `[connections]`
of `config.toml`; `SNOWFLAKE_CONNECTIONS_<NAME>_<KEY>` wins over the file and works only for a section that exists; the
generic `SNOWFLAKE_<KEY>` fills what neither says, except for the embedded engine's accounts, which are complete.
"""

from __future__ import annotations

import os
import tomllib
from collections.abc import Mapping
from pathlib import Path

from cleanroom_ml.connection.directories import engine_home, snowflake_home
from cleanroom_ml.connection.setting import Setting
from cleanroom_ml.errors import UsageError

# What a generic variable may set; SNOWFLAKE_HOME and the like are not connection keys.
GENERIC_KEYS = (
    "account", "user", "password", "host", "port", "protocol", "role", "warehouse", "database", "schema",
    "authenticator", "token", "token_file_path", "private_key_file", "private_key_file_pwd", "private_key_path",
)  # fmt: skip


def engine_sections() -> dict[str, dict[str, object]]:
    """The accounts of the embedded engine: one section each."""
    return _sections(_read(engine_home() / "connections.toml"))


def snowflake_sections() -> dict[str, tuple[dict[str, object], Path]]:
    """Snowflake's named connections, each with the file that it stands in."""
    home = snowflake_home()
    if home == engine_home():
        return {}
    file = home / "connections.toml"
    if file.is_file():
        sections: object = _read(file)
    else:
        file = home / "config.toml"
        sections = _read(file).get("connections", {})
    return {name: (section, file) for name, section in _sections(sections).items()}


def default_name() -> str | None:
    """Snowflake's own default connection: the one that a person named, there or not, else `default` if there is one."""
    named = os.environ.get("SNOWFLAKE_DEFAULT_CONNECTION_NAME") or _read(snowflake_home() / "config.toml").get(
        "default_connection_name"
    )
    if named:
        return str(named)
    return "default" if "default" in snowflake_sections() else None


def with_variables(name: str, section: Mapping[str, object], file: Path) -> tuple[Setting, ...]:
    """A section's settings after the environment had its say, each with its source."""
    prefix = _variable_prefix(name)
    # A variable of the connection `dev_eu` begins as one of `dev` does.
    others = {_variable_prefix(each) for each in (*engine_sections(), *snowflake_sections())} - {prefix}
    longer = tuple(other for other in others if other.startswith(prefix))
    settings = {key: Setting(key, value, str(file)) for key, value in section.items()}
    for variable, value in sorted(os.environ.items()):
        if variable.startswith(prefix) and not variable.startswith(longer) and value:
            key = variable.removeprefix(prefix).lower()
            settings[key] = Setting(key, value, variable)
    if file.parent != engine_home():
        for setting in generic_variables():
            settings.setdefault(setting.key, setting)
    return tuple(settings.values())


def _variable_prefix(name: str) -> str:
    return f"SNOWFLAKE_CONNECTIONS_{name.upper()}_"


def _sections(loaded: object) -> dict[str, dict[str, object]]:
    """The tables of a TOML table; anything else in it is no connection."""
    if not isinstance(loaded, dict):
        return {}
    return {name: section for name, section in loaded.items() if isinstance(section, dict)}


def generic_variables() -> tuple[Setting, ...]:
    """What `SNOWFLAKE_<KEY>` variables say."""
    found = ((key, f"SNOWFLAKE_{key.upper()}") for key in GENERIC_KEYS)
    return tuple(Setting(key, os.environ[variable], variable) for key, variable in found if os.environ.get(variable))


def _read(path: Path) -> dict[str, object]:
    try:
        with path.open("rb") as file:
            return tomllib.load(file)
    except FileNotFoundError:
        return {}
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UsageError(f"{path} is not valid TOML", why=str(error), fix=f"mend {path}") from error
    except PermissionError as error:
        raise UsageError(f"{path} cannot be read", why="permission denied") from error

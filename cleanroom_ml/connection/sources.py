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

# What a generic variable may set, as `snow` has them; SNOWFLAKE_HOME and the like are not connection keys.
GENERIC_KEYS = (
    "account", "user", "password", "host", "port", "region", "protocol", "role", "warehouse", "database", "schema",
    "authenticator", "workload_identity_provider", "token", "token_file_path", "session_token", "master_token",
    "private_key_file", "private_key_path", "private_key_raw", "private_key_passphrase", "oauth_client_id",
    "oauth_client_secret", "oauth_authorization_url", "oauth_token_request_url", "oauth_redirect_uri", "oauth_scope",
    "oauth_disable_pkce", "oauth_enable_refresh_tokens", "oauth_enable_single_use_refresh_tokens",
    "client_store_temporary_credential", "private_key_file_pwd", "passcode",
)  # fmt: skip
PASSPHRASE = "PRIVATE_KEY_PASSPHRASE"
"""The one variable of Snowflake's command line that has no prefix."""
_KEYS_OF_KEYS = {"private_key_file", "private_key_path", "private_key_raw"}


_NO_WARNING = (
    "SF_SKIP_TOKEN_FILE_PERMISSIONS_VERIFICATION", "SF_SKIP_WARNING_FOR_READ_PERMISSIONS_ON_CONFIG_FILE",
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
        settings = _with_passphrase(settings)
    return tuple(settings.values())


def _with_passphrase(settings: dict[str, Setting]) -> dict[str, Setting]:
    """The settings with PRIVATE_KEY_PASSPHRASE, where there is a key and nothing else says its passphrase."""
    value = os.environ.get(PASSPHRASE)
    said = {"private_key_file_pwd", "private_key_passphrase"} & settings.keys()
    if not value or said or not _KEYS_OF_KEYS & settings.keys():
        return settings
    return {**settings, "private_key_file_pwd": Setting("private_key_file_pwd", value, PASSPHRASE)}


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


def temporary_variables() -> tuple[Setting, ...]:
    """The same for a connection that has nothing else."""
    return tuple(_with_passphrase({setting.key: setting for setting in generic_variables()}).values())


def _read(path: Path) -> dict[str, object]:
    try:
        with path.open("rb") as file:
            _refuse_written_by_others(path, file.fileno())
            return tomllib.load(file)
    except FileNotFoundError:
        return {}
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UsageError(f"{path} is not valid TOML", why=str(error), fix=f"mend {path}") from error
    except OSError as error:
        # Also what is no file at all: a directory of that name, or a home that is none.
        raise UsageError(f"{path} cannot be read", why=error.strerror, fix=f"ls -ld {path.parent} {path}") from error


def readable_by_others() -> tuple[Path, ...]:
    """Snowflake's own files that others than their owner may read, though they may hold secrets."""
    if any(os.environ.get(variable, "").lower() == "true" for variable in _NO_WARNING):
        return ()
    home = snowflake_home()
    files = (home / "connections.toml", home / "config.toml")
    return tuple(file for file in files if file.is_file() and file.stat().st_mode & 0o044)


def _refuse_written_by_others(path: Path, descriptor: int) -> None:
    """The connector's own rule: who may write the file decides where credentials go."""
    if os.fstat(descriptor).st_mode & 0o022:
        raise UsageError(
            f"{path} can be written by others than its owner",
            why="they could send your credentials elsewhere",
            fix=f"chmod 0600 {path}",
        )

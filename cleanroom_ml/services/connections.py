"""Which connections there are, which one a directory uses, and whether it works."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from cleanroom_ml.connection import Connection, Setting, Target, bindings, connect, resolve, sources
from cleanroom_ml.connection.target import kind_of, named
from cleanroom_ml.errors import ServerError
from cleanroom_ml.services.doctor.finding import not_shown
from cleanroom_ml.services.doctor.installation import installed
from cleanroom_ml.services.doctor.session import secondary_roles, who

__all__ = [
    "Connection",
    "Setting",
    "Target",
    "bind",
    "connect",
    "explain",
    "known",
    "named",
    "permission_warnings",
    "resolve",
    "test",
]


_SECRET_FILES = frozenset({"private_key_file", "private_key_path", "token_file_path"})


@dataclass(frozen=True, slots=True)
class Known:
    """A named connection. `bound`: the directory in question uses it."""

    name: str
    kind: str
    account: str
    user: str
    bound: bool


def known(directory: Path) -> tuple[Known, ...]:
    """Every named connection: the embedded engine's accounts, then Snowflake's."""
    bound = bindings.bound_to(directory.resolve())
    local = [(name, "engine", section) for name, section in sorted(sources.engine_sections().items())]
    remote = [(name, kind_of(section), section) for name, (section, _) in sorted(sources.snowflake_sections().items())]
    return tuple(
        Known(name, kind, str(section.get("account", "")), str(section.get("user", "")), name == bound)
        for name, kind, section in local + remote
    )


def bind(directory: Path, name: str) -> Target:
    """From now on commands in `directory` use `name`. Raises UsageError: there is no such connection."""
    target = named(name, f"bound to {directory.name}/")
    bindings.bind(directory, name)
    return target


def explain(target: Target) -> tuple[dict[str, object], ...]:
    """Each key of a connection, its value (secrets masked) and where it came from."""
    return tuple(
        {"key": setting.key, "value": setting.displayed, "source": setting.source} for setting in target.settings
    )


def permission_warnings(target: Target) -> tuple[str, ...]:
    """What others can read of a connection that is not the engine's: Snowflake's files, its key, its token."""
    if target.kind == "engine":
        return ()
    named_ = [Path(str(each.value)).expanduser() for each in target.settings if each.key in _SECRET_FILES]
    exposed = [file for file in named_ if file.is_file() and file.stat().st_mode & 0o044]
    return tuple(
        f"{file} can be read by others: chmod 0600 {file}" for file in (*sources.readable_by_others(), *exposed)
    )


def test(connection: Connection) -> dict[str, object]:
    """Who and where the target says that we are, and whether clean rooms are there for this role."""
    found = {"connection": connection.target.name, "kind": connection.target.kind, **who(connection)}
    try:
        rooms = installed(connection)
    except ServerError as refused:
        rooms = not_shown("clean rooms", refused)
    found["secondary_roles"] = secondary_roles(found.get("secondary_roles")).detail
    return {**found, "clean_rooms": rooms.detail, "fix": rooms.fix if rooms.ok is False else None}

"""Which target a command talks to: a Snowflake account or an account of the embedded engine.

Precedence (docs/project-file.md; docs/cli-conventions.md, "Connections"): `-c NAME`, `CLEANROOM_ML_CONNECTION`, the
connection that this person bound to the directory, Snowflake's own default connection. Nothing is assumed past that.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from cleanroom_ml.connection import bindings, directories, sources
from cleanroom_ml.connection.setting import Setting
from cleanroom_ml.errors import UsageError

Kind = Literal["engine", "server", "snowflake"]

# Where Snowflake itself listens, private links too.
_SNOWFLAKE_HOST = re.compile(r"(.+\.)?(snowflakecomputing\.(com|cn)|snowflake\.com)\.?", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Target:
    """A resolved connection: its name, what it leads to, its settings, and how it was chosen.

    `kind`: `engine` is the embedded engine of this person's home, which proves to be it; `server` an engine that is
    somebody else's, on this machine or another, which nothing is known of but its address; else `snowflake`.
    """

    name: str
    kind: Kind
    settings: tuple[Setting, ...]
    chosen_by: str
    home: Path | None = None

    @property
    def parameters(self) -> dict[str, object]:
        """The keyword arguments of `snowflake.connector.connect`; `private_key_path` is Snowflake CLI's name of one."""
        given = {setting.key: setting.value for setting in self.settings}
        if "private_key_path" in given:
            path = given.pop("private_key_path")
            given.setdefault("private_key_file", path)
        return given

    def instead(self, **chosen: str | None) -> Target:
        """The same target with what options of the command line say (`role`, `warehouse`); None says nothing."""
        options = {key: Setting(key, value, f"--{key}") for key, value in chosen.items() if value}
        if not options:
            return self
        return replace(self, settings=(*(each for each in self.settings if each.key not in options), *options.values()))

    def __str__(self) -> str:
        given = self.parameters
        address = ":".join(str(given[key]) for key in ("host", "port") if given.get(key))
        if self.kind == "engine":
            place = f"embedded engine at {self.home}"
        elif self.kind == "server" or (address and not _SNOWFLAKE_HOST.fullmatch(str(given.get("host") or ""))):
            place = f"server at {address}" if address else "a server without a host"
        else:
            place = "Snowflake"
        return f"{self.name} (account {given.get('account', '?')}, {place})"


def kind_of(settings: Mapping[str, object]) -> Kind:
    """What a connection that is not of this home leads to: only an engine is spoken to in plain HTTP."""
    return "server" if str(settings.get("protocol", "")).lower() == "http" else "snowflake"


def resolve(name: str | None = None, *, directory: Path | None = None, temporary: bool = False) -> Target:
    """The target of a command in `directory` (default: the current one).

    Args:
        name: what `-c` said.
        temporary: `-x`: no named section at all; everything comes from `SNOWFLAKE_<KEY>` variables.

    Raises:
        UsageError: nothing is bound and there is no default, no connection has that name, or the variables that `-x`
            asks for are not set.
    """
    if temporary:
        return _temporary(name)
    where = (directory or Path.cwd()).resolve()
    choices = (
        (name, "-c/--connection"),
        (os.environ.get("CLEANROOM_ML_CONNECTION"), "CLEANROOM_ML_CONNECTION"),
        (bindings.bound_to(where), f"bound to {where.name}/ by `cleanroom-ml connection use`"),
        (sources.default_name(), "Snowflake's default connection"),
    )
    for candidate, chosen_by in choices:
        if candidate:
            return named(candidate, chosen_by)
    raise UsageError(
        f"no connection is bound to {where.name}/",
        why="a command that reaches an account never guesses which one",
        fix=_two_choices(where.name),
    )


def _two_choices(directory: str) -> str:
    """What to bind: an account of the embedded engine, or a connection of Snowflake's own files."""
    local, remote = sorted(sources.engine_sections()), sorted(sources.snowflake_sections())
    # Whose directory it is, nothing here knows: of several accounts none is put into a person's mouth.
    likely = next((name for name in local if name == directory), local[0] if len(local) == 1 else "ACCOUNT")
    engine = f"cleanroom-ml connection use {likely if local else 'local'}"
    which = "ACCOUNT is one of" if likely == "ACCOUNT" else "accounts there"
    about = f"{which}: {', '.join(local)}" if local else "first: cleanroom-ml account create local"
    known = (
        f"known: {', '.join(remote)}" if remote else f"a section of {directories.snowflake_home() / 'connections.toml'}"
    )
    return f"{engine}  (the embedded engine; {about}), or cleanroom-ml connection use NAME  (Snowflake; {known})"


def _temporary(name: str | None) -> Target:
    if name:
        raise UsageError("-c and -x exclude each other", why="-x takes nothing from a named connection", fix="drop one")
    settings = sources.temporary_variables()
    if not any(setting.key == "account" for setting in settings):
        raise UsageError(
            "-x takes the connection from variables, and SNOWFLAKE_ACCOUNT is not set",
            fix="export SNOWFLAKE_ACCOUNT, SNOWFLAKE_USER and the credentials' variables",
        )
    kind = kind_of({setting.key: setting.value for setting in settings})
    return Target("temporary", kind, settings, "-x/--temporary-connection")


def named(name: str, chosen_by: str) -> Target:
    """The connection of that name: the embedded engine's accounts first, then Snowflake's own files.

    Raises:
        UsageError: there is none; the message lists the nearest ones.
    """
    home = directories.engine_home()
    local = sources.engine_sections()
    if name in local:
        return Target(
            name, "engine", sources.with_variables(name, local[name], home / "connections.toml"), chosen_by, home
        )
    snowflake = sources.snowflake_sections()
    if name in snowflake:
        settings = sources.with_variables(name, *snowflake[name])
        return Target(name, kind_of({setting.key: setting.value for setting in settings}), settings, chosen_by)
    known = sorted({*local, *snowflake})
    from difflib import get_close_matches

    near = get_close_matches(name, known, n=1)
    new = f"cleanroom-ml account create {name}"
    raise UsageError(
        f"there is no connection named {name!r}",
        why=f"did you mean {near[0]!r}?" if near else f"known: {', '.join(known) or 'none'}",
        fix=f"cleanroom-ml connection use {near[0]}"
        if near
        else f"cleanroom-ml connection list, or one more: {new}"
        if known
        else new,
    )

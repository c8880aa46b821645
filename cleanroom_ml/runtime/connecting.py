"""What a script connects to by itself, as the documentation of container jobs shows it: the engine, over loopback.

It says `host=os.environ["SNOWFLAKE_HOST"]`, the account, and the token of /snowflake/session/token. The engine listens
inside of the sandbox on a port of its own, without TLS, since nothing goes over a network: so for this host, protocol
and port are what the environment says, whatever a script took for granted.
"""

from __future__ import annotations

import functools
import os
import sys
from collections.abc import Sequence
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder
from types import ModuleType
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from snowflake.connector import SnowflakeConnection

_MODULE: Final = "snowflake.connector.connection"


def install() -> None:
    """From now on, in this process; the connector itself is only imported when somebody does."""
    if os.environ.get("SNOWFLAKE_HOST") and not any(isinstance(finder, _Finder) for finder in sys.meta_path):
        sys.meta_path.insert(0, _Finder())


class _Finder(MetaPathFinder):
    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if fullname != _MODULE:
            return None
        spec = PathFinder.find_spec(fullname, path, target)
        if spec is not None and spec.loader is not None:
            spec.loader = _Patched(spec.loader)
        return spec


class _Patched(Loader):
    def __init__(self, loader: Loader) -> None:
        self._loader = loader

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        return self._loader.create_module(spec)

    def exec_module(self, module: ModuleType) -> None:
        module.__loader__ = self._loader
        if module.__spec__ is not None:
            module.__spec__.loader = self._loader
        self._loader.exec_module(module)
        _patch(module.SnowflakeConnection)


def _patch(connection: type[SnowflakeConnection]) -> None:
    connect = connection.connect

    @functools.wraps(connect)
    def to_the_engine(self: SnowflakeConnection, **options: object) -> None:
        connect(self, **of_the_engine(options))

    connection.connect = to_the_engine


def of_the_engine(options: dict[str, object]) -> dict[str, object]:
    """The same options, with the engine's protocol and port where the host is the engine's."""
    if options.get("host") != os.environ.get("SNOWFLAKE_HOST"):
        return options
    there = {"protocol": os.environ["SNOWFLAKE_PROTOCOL"], "port": int(os.environ["SNOWFLAKE_PORT"])}
    return {"platform_detection_timeout_seconds": 0, **options, **there}

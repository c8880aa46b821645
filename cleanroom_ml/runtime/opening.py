"""When the job's session is opened: as Snowpark is imported, by whichever statement comes first.

A session costs the import of pandas, the connector and Snowpark, two thirds of a second of a processor: a script that
trains on files of its own, or prints its version, has no use of it and does not wait for it.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Sequence
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder
from types import ModuleType
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from snowflake.connector import SnowflakeConnection

SNOWPARK: Final = "snowflake.snowpark"


class OpensSession(MetaPathFinder):
    """In `sys.meta_path`: importing Snowpark connects before it and makes the session after it.

    Only in the process that installed it: the session is the main process's alone, and a process that it forks has
    none. Other threads that import Snowpark meanwhile wait for the import, so for the session as well.

    Args:
        connect: called before Snowpark's own code runs; whatever it returns goes to `make`.
        make: called once the module is there.
    """

    def __init__(
        self, connect: Callable[[], SnowflakeConnection], make: Callable[[SnowflakeConnection], object]
    ) -> None:
        self._process = os.getpid()
        self._connect, self._make = connect, make

    def install(self) -> None:
        """From now on."""
        sys.meta_path.insert(0, self)

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Snowpark's own spec with another loader; None for every other module."""
        if fullname != SNOWPARK or os.getpid() != self._process:
            return None
        spec = PathFinder.find_spec(fullname, path, target)
        if spec is not None and spec.loader is not None:
            spec.loader = _WithSession(spec.loader, self)
        return spec

    def execute(self, module: ModuleType, run: Callable[[ModuleType], None]) -> None:
        """The module's code, between the two calls."""
        if self in sys.meta_path:
            sys.meta_path.remove(self)
        connection = self._connect()
        run(module)
        self._make(connection)


class _WithSession(Loader):
    def __init__(self, loader: Loader, opening: OpensSession) -> None:
        self._loader, self._opening = loader, opening

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        return self._loader.create_module(spec)

    def exec_module(self, module: ModuleType) -> None:
        # Whoever asks the module afterwards finds it as if it had been imported without this.
        module.__loader__ = self._loader
        if module.__spec__ is not None:
            module.__spec__.loader = self._loader
        self._opening.execute(module, self._loader.exec_module)

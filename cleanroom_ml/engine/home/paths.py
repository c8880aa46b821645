"""The engine's home: one directory that nobody but its owner can enter.

What lies where: docs/ARCHITECTURE.md, "On disk".
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from cleanroom_ml.engine.home.private_files import check_private
from cleanroom_ml.errors import UsageError
from cleanroom_ml.json_values import Document


@dataclass(frozen=True, slots=True)
class Home:
    """The paths inside one home."""

    path: Path

    @property
    def catalog(self) -> Path:
        return self.path / "catalog.sqlite"

    @property
    def objects(self) -> Path:
        return self.path / "objects"

    @property
    def spool(self) -> Path:
        return self.path / "spool"

    @property
    def jobs(self) -> Path:
        return self.path / "jobs"

    @property
    def description(self) -> Path:
        """`engine.json`: where the engine listens, and by which key it is known."""
        return self.path / "engine.json"

    @property
    def lock(self) -> Path:
        return self.path / "engine.lock"

    @property
    def isolation(self) -> Path:
        """Whether engines here isolate what they run: written first, never changed (`no_isolation.claim`)."""
        return self.path / "isolation"

    @property
    def log(self) -> Path:
        return self.path / "engine.log"

    @property
    def identity_key(self) -> Path:
        return self.path / "engine.key"

    @property
    def operator_secret(self) -> Path:
        return self.path / "operator.secret"

    @property
    def capability_key(self) -> Path:
        return self.path / "capability.key"

    @property
    def connections(self) -> Path:
        return self.path / "connections.toml"

    def description_values(self) -> Document | None:
        """What `engine.json` says; None where no engine ever ran here.

        Raises:
            UsageError: the file is not what an engine writes.
        """
        try:
            values = json.loads(self.description.read_text(encoding="utf-8"))
        except FileNotFoundError:
            return None
        except (ValueError, OSError) as error:
            raise UsageError(f"{self.description} cannot be read", why=str(error)) from error
        if not isinstance(values, dict):
            raise UsageError(f"{self.description} is not what an engine writes")
        return values


def open_home(path: Path) -> Home:
    """The home at `path`, made (0700) if it is not there.

    Raises:
        UsageError: it is a link, belongs to somebody else, or others may enter it.
    """
    try:
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
    except (FileExistsError, NotADirectoryError, PermissionError) as error:
        raise UsageError(f"{path} cannot be the engine's home", why=str(error)) from error
    check_private(path)
    return Home(path.resolve())

"""Which connection each project directory uses: this person's own state, never part of the project.

Source: docs/project-file.md. Kept in the person's state directory (`CLEANROOM_ML_STATE`, else the platform's) as one
JSON object from directory to connection name.
"""

from __future__ import annotations

import fcntl
import json
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from cleanroom_ml.connection.directories import state_home
from cleanroom_ml.errors import UsageError


def state_file() -> Path:
    """Where the bindings are kept."""
    return state_home() / "bindings.json"


def bound_to(directory: Path) -> str | None:
    """The connection bound to the directory or to the nearest of its parents."""
    bindings = _load()
    for place in (directory, *directory.parents):
        if name := bindings.get(str(place)):
            return name
    return None


def bind(directory: Path, name: str) -> None:
    """From now on commands in `directory` use the connection `name`.

    Raises:
        UsageError: the person's state directory cannot be written.
    """
    path = state_file()
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        _write(path, directory, name)
    except OSError as error:
        fix = "export CLEANROOM_ML_STATE=/a/directory of yours, or name the connection each time: -c NAME"
        raise UsageError(f"{path.parent} cannot be written", why=error.strerror, fix=fix) from error


def _write(path: Path, directory: Path, name: str) -> None:
    with _locked(path.parent):
        bindings = {**_load(), str(directory.resolve()): name}
        descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=".bindings-")
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            json.dump(bindings, file, indent=1, sort_keys=True)
            file.flush()
            os.fsync(file.fileno())
        Path(temporary).replace(path)


@contextmanager
def _locked(directory: Path) -> Iterator[None]:
    """One writer at a time: two that bind at once must not lose one of the two."""
    flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
    descriptor = os.open(directory / "bindings.lock", flags, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _load() -> dict[str, str]:
    path = state_file()
    try:
        loaded = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (ValueError, OSError) as error:
        raise UsageError(f"{path} cannot be read", why=str(error), fix=f"remove {path} and bind again") from error
    if not isinstance(loaded, dict):
        raise UsageError(f"{path} is not a JSON object", fix=f"remove {path} and bind again")
    return {str(key): str(value) for key, value in loaded.items()}

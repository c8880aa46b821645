"""Whether an image is still, byte by byte, what was laid out: looked at before each job that runs in it.

    files.json   every file of the image with its SHA-256, and the interpreter's; its own hash is in image.json
    states.json  what the filesystem said of each file when its content was last read: size, times, inode
    seal.json    a hash over that, and over the same of the interpreter

As long as the filesystem says the same, the content is: nobody but root can set back when an inode was last changed.
Where it says something else, the file is read again, so that a copied, restored or linked file costs time and no more.
"""

from __future__ import annotations

import hashlib
import json
import marshal
import os
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from cleanroom_ml.engine.jobs import files
from cleanroom_ml.engine.jobs.images.image import VENV, Image
from cleanroom_ml.engine.jobs.images.interpreter import interpreter_files, interpreter_sha256
from cleanroom_ml.engine.jobs.layers.errors import ImageChangedError

FILES: Final = "files.json"
SEAL: Final = "seal.json"
STATES: Final = "states.json"
_LINK: Final = "-> "
_THREADS: Final = 2
_NAMED: Final = 5

State = tuple[int, int, int, int]
"""Size, time of the last change of the content, of the inode, and the inode."""


@dataclass(frozen=True, slots=True)
class Manifest:
    """`files`: SHA-256 by path in the virtual environment, or `-> target` of a link; `packages`: the paths of each."""

    files: Mapping[str, str]
    interpreter: str
    packages: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def to_bytes(self) -> bytes:
        """`files.json`."""
        value = {"files": self.files, "interpreter": self.interpreter, "packages": self.packages}
        return json.dumps(value, sort_keys=True).encode()

    @classmethod
    def from_bytes(cls, data: bytes) -> Manifest:
        """The inverse of `to_bytes`. Raises ValueError, KeyError, TypeError where it is none."""
        value = json.loads(data)
        packages = {name: tuple(paths) for name, paths in value["packages"].items()}
        return cls(dict(value["files"]), str(value["interpreter"]), packages)


def state_of(status: os.stat_result) -> State:
    """What a seal remembers of a file."""
    return status.st_size, status.st_mtime_ns, status.st_ctime_ns, status.st_ino


def write_seal(root: Path, states: Mapping[str, State], interpreter: Mapping[str, State]) -> None:
    """Remember that every file had the manifest's content while the filesystem said this of it."""
    files.write_atomically(root / STATES, json.dumps(states).encode())
    value = {"files": _digest(states), "interpreter": _digest(interpreter)}
    files.write_atomically(root / SEAL, json.dumps(value).encode())


def read_manifest(image: Image) -> Manifest:
    """The image's manifest, as it was written.

    Raises:
        ImageChangedError: it is gone, or is another.
    """
    root = _root(image)
    if not image.manifest:
        raise _changed(image, ["it was built by a version that kept no list of its files"])
    try:
        data = (root / FILES).read_bytes()
        if hashlib.sha256(data).hexdigest() != image.manifest:
            raise ValueError("it is not the one that was written")
        return Manifest.from_bytes(data)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise _changed(image, [f"its list of files cannot be used ({type(error).__name__})"]) from error


def check(image: Image) -> None:
    """Return if the image, with its interpreter, is what was laid out.

    Raises:
        ImageChangedError: naming what was changed, added or removed.
    """
    root = _root(image)
    states, interpreter = look(root / VENV), look_at_interpreter(image)
    if _read(root / SEAL) == {"files": _digest(states), "interpreter": _digest(interpreter)}:
        return
    manifest = read_manifest(image)
    wrong = _differences(root / VENV, manifest, states, _read(root / STATES))
    if interpreter_sha256([Path(path) for path in interpreter], image.base) != manifest.interpreter:
        wrong.append(f"Python {image.python} itself, at {image.base}")
    if wrong:
        raise _changed(image, wrong)
    write_seal(root, states, interpreter)


def renew(image: Image, now: Mapping[int, State]) -> None:
    """Bring a seal up to date after files of the image, known by their inodes, were linked or lost a link.

    Only for whoever has just checked the image, and has made these links.
    """
    states: dict[str, State] = {}
    for path, (size, changed, inode_changed, inode) in _read(_root(image) / STATES).items():
        state = now.get(inode)
        same = state is not None and state[:2] == (size, changed)
        states[path] = state if state is not None and same else (size, changed, inode_changed, inode)
    write_seal(_root(image), states, look_at_interpreter(image))


def look(venv: Path) -> dict[str, State]:
    """What the filesystem says of each file and link below a directory, by path."""
    found: dict[str, State] = {}
    todo = [("", os.fspath(venv))]
    while todo:
        before, directory = todo.pop()
        with os.scandir(directory) as entries:
            for entry in entries:
                path = f"{before}{entry.name}"
                if entry.is_dir(follow_symlinks=False):
                    todo.append((f"{path}/", entry.path))
                else:
                    found[path] = state_of(entry.stat(follow_symlinks=False))
    return found


def look_at_interpreter(image: Image) -> dict[str, State]:
    """The same of the interpreter's own files."""
    found = interpreter_files(image.base, image.executable, image.python)
    return {str(path): state_of(path.stat()) for path in found}


def content_of(path: Path) -> str:
    """What a manifest says of a file: its SHA-256, or where a link leads."""
    if path.is_symlink():
        return f"{_LINK}{path.readlink()}"
    with os.fdopen(os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC), "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _differences(
    venv: Path, manifest: Manifest, states: Mapping[str, State], sealed: Mapping[str, list[int]]
) -> list[str]:
    """What is not as the manifest says. Read is only what the filesystem says something new of."""
    doubtful = [path for path in manifest.files if path in states and list(states[path]) != sealed.get(path)]
    with ThreadPoolExecutor(_THREADS) as pool:
        contents = pool.map(lambda path: content_of(venv / path), doubtful)
        wrong = [
            f"changed: {path}" for path, now in zip(doubtful, contents, strict=True) if now != manifest.files[path]
        ]
    wrong += [f"removed: {path}" for path in manifest.files if path not in states]
    wrong += [f"added: {path}" for path in states if path not in manifest.files]
    return wrong


def _digest(states: Mapping[str, State]) -> str:
    return hashlib.sha256(marshal.dumps(sorted(states.items()), 2)).hexdigest()  # 2: without references, so the same


def _read(path: Path) -> dict[str, Any]:  # Any: ours, and two forms of it
    try:
        value = json.loads(path.read_bytes())
    except (FileNotFoundError, ValueError):
        return {}  # then everything is read again
    return value if isinstance(value, dict) else {}


def _root(image: Image) -> Path:
    if image.root is None:
        raise RuntimeError(f"image {image.tag} is not laid out anywhere")
    return image.root


def _changed(image: Image, wrong: list[str]) -> ImageChangedError:
    more = f" and {len(wrong) - _NAMED} more" if len(wrong) > _NAMED else ""
    return ImageChangedError(
        f"image '{image.tag}' ({image.digest[:19]}…) is not what was laid out: {', '.join(wrong[:_NAMED])}{more}",
        why="a file of it was changed on this machine since it was made",
        fix=f"the operator runs: cleanroom-ml image repair {image.digest[:19]}",
    )

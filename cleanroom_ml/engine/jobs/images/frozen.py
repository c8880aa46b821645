"""What `local` means: a copy of this installation that stays as it is, whatever is installed or removed afterwards.

All homes of a person share these copies: they are named by their digest, so that two homes of one installation need it
once. `CLEANROOM_ML_IMAGES`, else the platform's data directory:

<digest>/venv, image.json, files.json, …   see image.py and seal.py
<digest>/homes/<hash>                      the path of a home that pins it
states/<hash>                              the digest of an installation that was in this state, with its data files
.work-<random>/                            what is being made

In a home, HOME/images/local-<digest>/image.json says that it pins that copy.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import logging
import os
import stat
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from cleanroom_ml.engine.jobs import files
from cleanroom_ml.engine.jobs.images import seal
from cleanroom_ml.engine.jobs.images.data_files import state_of_data, states_of_data
from cleanroom_ml.engine.jobs.images.image import DESCRIPTION, VENV, Image
from cleanroom_ml.engine.jobs.images.installation import Installation, state_of_installation, this_installation
from cleanroom_ml.engine.jobs.images.lay_out import Laid, add_scripts, lay_out, open_up, take_over
from cleanroom_ml.engine.jobs.images.seal import Manifest, State
from cleanroom_ml.engine.jobs.images.venv import make_environment
from cleanroom_ml.engine.jobs.layers.errors import ImageChangedError, ImageNotBuiltError
from cleanroom_ml.engine.jobs.layers.work import private_directory, remove_whole, sweep_abandoned
from cleanroom_ml.engine.storage.objects import sync_directory
from cleanroom_ml.errors import UsageError

log = logging.getLogger(__name__)

_LOCK: Final = ".lock"
_HOMES: Final = "homes"
_STATES: Final = "states"


def frozen_root(environ: Mapping[str, str]) -> Path:
    """Where this person's frozen installations lie."""
    if chosen := environ.get("CLEANROOM_ML_IMAGES"):
        return Path(chosen).expanduser().absolute()
    data = Path(environ.get("XDG_DATA_HOME", ""))  # a relative one is to be ignored (XDG Base Directory Specification)
    return (data if data.is_absolute() else Path.home() / ".local" / "share") / "cleanroom-ml-images"


class FrozenImages:
    """The frozen installations of a person; any number of processes may freeze, use and remove at once."""

    def __init__(self, root: Path) -> None:
        self._root = root

    def freeze(self, home: Path, *, again: bool = False) -> Image:
        """The frozen copy of this installation, pinned by this home; made where it is not there yet.

        1. Packages that another copy holds are linked from there, if nobody has touched that.
        2. The others are laid out from the environment, each file checked against its package's RECORD.
        3. The directory gets its name: whoever looks finds a whole image, or none.

        Args:
            again: make it anew where it is there, because it is damaged.

        Raises:
            ImageNotBuiltError: this installation cannot be frozen: it is not a virtual environment's, or not private.
            ImageChangedError: a file of it is not what its package says, and is no data.
        """
        self._root.mkdir(mode=0o700, parents=True, exist_ok=True)
        if not _is_private(self._root):
            raise UsageError(
                f"{self._root} must be a directory that only you can write",
                why="what lies in it runs in jobs",
                fix=f"chmod 700 {self._root}, or: export CLEANROOM_ML_IMAGES=DIR",
            )
        state = state_of_installation()
        with self._alone():
            target = self._remembered(state)
            if again or target is None:
                installation = this_installation()
                target = self._root / installation.image.digest.removeprefix("sha256:")
                if again or not (target / DESCRIPTION).is_file():
                    self._make(installation, target, again=again)
                self._remember(state, target, installation)
            _pin(target, home)
        return self.get(target.name)

    def _remembered(self, state: str) -> Path | None:
        """The copy of an installation in this state, where that was made out before: nothing was installed or removed,
        and no data file written to.
        """
        try:
            value = json.loads((self._root / _STATES / state).read_bytes())
            target, data = self._root / value["image"], value["data"]
        except (FileNotFoundError, ValueError, TypeError, KeyError):
            return None  # versions of before wrote another form
        if not (target / DESCRIPTION).is_file():
            return None
        return target if all(state_of_data(path) == (then and tuple(then)) for path, then in data.items()) else None

    def _remember(self, state: str, target: Path, installation: Installation) -> None:
        (self._root / _STATES).mkdir(mode=0o700, exist_ok=True)
        value = {"image": target.name, "data": states_of_data(installation.packages)}
        files.write_atomically(self._root / _STATES / state, json.dumps(value).encode())

    def get(self, digest: str) -> Image:
        """The copy of this digest.

        Raises:
            FileNotFoundError: there is none.
            ImageChangedError: somebody else can write where it lies, so nothing there says what it is.
        """
        directory = self._root / digest.removeprefix("sha256:")
        if not (_is_private(self._root) and _is_private(directory)):
            raise ImageChangedError(
                "the frozen images of this engine lie in a directory that not only its operator can write",
                why="what lies in it runs in jobs",
                fix="the operator takes that right away: chmod go-w, from CLEANROOM_ML_IMAGES and what lies in it",
            )
        return Image.from_json(json.loads((directory / DESCRIPTION).read_bytes()), directory)

    def remove(self, digest: str, home: Path) -> int:
        """Take a home's pin away, and the copy with the last of them; how many bytes that gives back."""
        directory = self._root / digest.removeprefix("sha256:")
        if not (directory / DESCRIPTION).is_file():
            return 0
        with self._alone():
            (directory / _HOMES / _home_name(home)).unlink(missing_ok=True)
            if _homes_of(directory):
                return 0
            freed = _own_bytes(directory)
            remove_whole(directory)
        return freed

    def _make(self, installation: Installation, target: Path, *, again: bool) -> None:
        sweep_abandoned(self._root)
        prefix = Path(sys.prefix)
        if (prefix / "conda-meta").is_dir():
            raise ImageNotBuiltError(
                "this engine runs in a conda environment: its packages need libraries that no RECORD names",
                fix="the operator makes a virtual environment and starts the engine from there: python -m venv .venv",
            )
        with private_directory(self._root) as work:
            made = work / "image"
            made.mkdir(mode=0o700)
            make_environment(_base_interpreter(installation.image), made / VENV)
            image = replace(installation.image, root=made)
            laid = Laid()
            others = [] if again else self._reused(installation, made / VENV, laid)
            missing = [package for package in installation.packages if package.name not in laid.packages]
            lay_out(missing, prefix, made / VENV, image.libraries, laid)
            add_scripts(installation.packages, made / VENV)
            open_up(made / VENV)
            described = self._describe(image, laid)
            homes = _homes_of(target)
            if target.is_dir():
                remove_whole(target)
            made.rename(target)
            sync_directory(self._root)
            for home in homes:
                _pin(target, home)
            self._seal_again(others, {state[3]: state for state in laid.states.values()})
        seal.check(replace(described, root=target))
        for note in described.notes():
            log.warning("image %s %s: %s; it is taken as it is", described.tag, described.digest[:19], note)

    def _reused(self, installation: Installation, venv: Path, laid: Laid) -> list[Path]:
        """Link what the other copies hold; those copies."""
        used = []
        for directory in sorted(self._root.glob("[0-9a-f]" * 64), key=lambda path: path.stat().st_mtime, reverse=True):
            other = self.get(directory.name)
            wanted = [
                package
                for package in installation.packages
                if package.name not in laid.packages and other.hashes.get(package.name) == package.identity
            ]
            if not wanted or other.libraries != installation.image.libraries:
                continue
            try:
                seal.check(other)
                manifest = seal.read_manifest(other)
            except ImageChangedError:
                continue  # what it holds is not known any more
            for package in wanted:
                take_over(package.name, manifest.packages[package.name], other.prefix, venv, manifest.files, laid)
            used.append(directory)
        return used

    def _describe(self, image: Image, laid: Laid) -> Image:
        """Write what lies beside the environment; the image as it is now described."""
        assert image.root is not None
        states = seal.look(image.prefix)
        hashes = {**laid.hashes}
        for path in states:
            if path not in hashes:  # of the empty environment, and the scripts
                hashes[path] = seal.content_of(image.prefix / path)
        # The seal remembers what was said of a file before it was read; so what changes in between is noticed.
        states.update(laid.states)
        manifest = Manifest(hashes, image.hashes["python"], laid.packages).to_bytes()
        described = replace(
            image,
            built_on=datetime.now(UTC).isoformat(timespec="seconds"),
            size_bytes=sum(state[0] for state in states.values()),
            manifest=hashlib.sha256(manifest).hexdigest(),
        )
        files.write_atomically(image.root / seal.FILES, manifest)
        seal.write_seal(image.root, states, seal.look_at_interpreter(image))
        files.write_atomically(image.root / DESCRIPTION, json.dumps(described.to_json()).encode())
        return described

    def _seal_again(self, others: list[Path], now: Mapping[int, State]) -> None:
        """Linking a file changes what the filesystem says of it: spare those copies the reading of all that."""
        for directory in others:
            other = self.get(directory.name)
            seal.renew(other, now)

    @contextmanager
    def _alone(self) -> Iterator[None]:
        held = os.open(self._root / _LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
        try:
            fcntl.flock(held, fcntl.LOCK_EX)
            yield
        finally:
            os.close(held)


def _is_private(directory: Path) -> bool:
    """Raises FileNotFoundError."""
    status = directory.lstat()
    return stat.S_ISDIR(status.st_mode) and status.st_uid == os.geteuid() and not status.st_mode & 0o022


def _base_interpreter(image: Image) -> Path:
    """The interpreter that our own environment was made from."""
    named = image.base / "bin" / f"python{'.'.join(image.python.split('.')[:2])}"
    return named if named.is_file() else Path(sys.executable).resolve()


def _pin(directory: Path, home: Path) -> None:
    (directory / _HOMES).mkdir(mode=0o700, exist_ok=True)
    if not (path := directory / _HOMES / _home_name(home)).exists():
        files.write_atomically(path, os.fsencode(home))


def _homes_of(directory: Path) -> list[Path]:
    """The homes that pin a copy and are there still."""
    if not (directory / _HOMES).is_dir():
        return []
    homes = (Path(os.fsdecode(path.read_bytes())) for path in (directory / _HOMES).iterdir())
    return [home for home in homes if home.is_dir()]


def _home_name(home: Path) -> str:
    return hashlib.sha256(os.fsencode(home)).hexdigest()[:16]


def _own_bytes(directory: Path) -> int:
    """What removing it gives back: a file that is linked elsewhere stays."""
    found = (os.lstat(os.path.join(parent, name)) for parent, _, names in os.walk(directory) for name in names)
    return sum(status.st_size for status in found if status.st_nlink == 1)

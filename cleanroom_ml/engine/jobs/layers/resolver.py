"""From requirements to a lock: what the image does not satisfy is resolved by pip, beside what the image has.

1. Requirements that the image satisfies need nothing.
2. `pip install --dry-run --report` says which wheels the rest needs in this very environment. What is installed stays
   as it is (it is a constraint), unless the spec itself asks for another version of it: a layer may hold that.
3. Exactly those wheels are downloaded, and hashed here.
Nothing is installed, and no code of a package runs.
"""

from __future__ import annotations

import hashlib
import json
import os
import zipfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import unquote, urlsplit

from packaging.utils import InvalidWheelFilename, canonicalize_name, parse_wheel_filename
from packaging.version import InvalidVersion, Version

from cleanroom_ml.engine.jobs.errors import RequirementNotSatisfiedError
from cleanroom_ml.engine.jobs.images.image import Image
from cleanroom_ml.engine.jobs.layers.diagnosis import diagnose
from cleanroom_ml.engine.jobs.layers.errors import (
    BinaryPackagesOnlyError,
    DependencyConflictError,
    LayerTooLargeError,
    PackageHashError,
    UnsafeWheelError,
)
from cleanroom_ml.engine.jobs.layers.lock import DependencyLock, LockedPackage
from cleanroom_ml.engine.jobs.layers.pip import Pip, PipRun, index_sha256
from cleanroom_ml.engine.jobs.layers.policy import LayerLimits, never_in_a_layer
from cleanroom_ml.engine.jobs.layers.stand_ins import stand_ins
from cleanroom_ml.engine.jobs.requirements import Wanted
from cleanroom_ml.engine.storage.errors import StorageError
from cleanroom_ml.engine.storage.objects import ObjectStore

_CHUNK = 1 << 20
_STAND_INS = "stand-ins"


class CodeFile(Protocol):
    """A pinned file of the code directory."""

    @property
    def sha256(self) -> str: ...
    @property
    def size(self) -> int: ...


@dataclass(frozen=True, slots=True)
class Resolver:
    """Resolves for one image.

    Args:
        work: a private directory, empty, removed by the caller.
        environ: the operator's, for pip.
        note: is told what pip said where it failed.
    """

    image: Image
    objects: ObjectStore
    work: Path
    environ: Mapping[str, str]
    limits: LayerLimits
    note: Callable[[str], None]

    def resolve(self, requirements: Sequence[Wanted], code: Mapping[str, CodeFile]) -> DependencyLock:
        """The lock; every wheel of it is in the object store when this returns.

        Args:
            requirements: parsed, in the order of the spec.
            code: the files of the code directory, by path.

        Raises:
            JobsError: one of layers/errors.py, or RequirementNotSatisfiedError. Nothing is left of the attempt but
            objects that nothing points at.
        """
        provided, missing = self._divided(requirements)
        packages = self._layer(missing, code) if missing else ()
        image = self.image
        return DependencyLock(image.tag, image.digest, image.python, provided, packages)

    def satisfied_only(self, requirements: Sequence[Wanted]) -> None:
        """Where layers cannot be made: everything must be in the image. Raises RequirementNotSatisfiedError."""
        _, missing = self._divided(requirements)
        if missing:
            asked = ", ".join(wanted.wheel or f"{wanted.name}{wanted.specifier}" for wanted in missing)
            raise RequirementNotSatisfiedError(
                f"{asked} is not installed, and this engine has no sandbox to unpack packages in"
            )

    def _divided(self, requirements: Sequence[Wanted]) -> tuple[dict[str, str], list[Wanted]]:
        """What the image provides, and what it does not; a marker that does not hold leaves a requirement out."""
        provided: dict[str, str] = {}
        missing: list[Wanted] = []
        for wanted in requirements:
            if not self.image.installed.applies(wanted.marker):
                continue
            found = self.image.installed.satisfying(wanted)
            if found is None:
                missing.append(wanted)
            else:
                provided[found[0]] = found[1]
        return dict(sorted(provided.items())), missing

    def _layer(self, missing: Sequence[Wanted], code: Mapping[str, CodeFile]) -> tuple[LockedPackage, ...]:
        refused = sorted({wanted.name for wanted in missing if never_in_a_layer(wanted.name)})
        if refused:
            there = self.image.installed.versions()
            has = ", ".join(f"{name} {there.get(name, 'is not in it')}" for name in refused)
            raise DependencyConflictError(
                f"{', '.join(refused)} comes with the image or not at all ({self.image.tag}: {has})",
                fix="leave it out of pip_requirements, or choose another image_tag",
            )
        wheels = {wanted.wheel: self._code_wheel(wanted, code) for wanted in missing if wanted.wheel is not None}
        asked = ", ".join(wanted.wheel or f"{wanted.name}{wanted.specifier}" for wanted in missing)
        pip = Pip(
            None if self.image.root is None else self.image.executable,
            self.work,
            self.environ,
            self.limits.resolve_seconds,
            self.limits.download_bytes,
        )
        # One requirement a line, each made anew from its parsed parts.
        lines = [
            f"{wanted.name} @ {wheels[wanted.wheel].as_uri()}"
            if wanted.wheel is not None
            else f"{wanted.name}{'[' + ','.join(wanted.extras) + ']' if wanted.extras else ''}{wanted.specifier}"
            for wanted in missing
        ]
        self._write("requirements.txt", lines)
        self._write("constraints.txt", self._constraints({wanted.name for wanted in missing}))
        found = self._report(pip, asked)
        if len(found) > self.limits.packages:
            raise LayerTooLargeError(f"{asked} needs {len(found)} packages; a layer holds {self.limits.packages}")
        for each in found:
            if never_in_a_layer(each.name):
                raise DependencyConflictError(
                    f"{asked} needs {each.name} {each.version}, which comes with the image or not at all"
                )
        by_wheel = {path.name: (str(inside), path) for inside, path in wheels.items()}
        locked = [self._from_code(each, *by_wheel[each.wheel]) for each in found if each.direct]
        locked += self._from_index(pip, [each for each in found if not each.direct], asked)
        return tuple(sorted(locked, key=lambda each: each.name))

    def _code_wheel(self, wanted: Wanted, code: Mapping[str, CodeFile]) -> Path:
        """The wheel of the code directory, under its own name: pip tells by it what the wheel is and where it fits."""
        assert wanted.wheel is not None
        file = code.get(wanted.wheel)
        if file is None:
            raise RequirementNotSatisfiedError(f"the code directory has no file {wanted.wheel}")
        target = self.work / "code" / file.sha256 / wanted.wheel.rpartition("/")[2]
        target.parent.mkdir(parents=True, exist_ok=True)
        try:
            source = self.objects.open(file.sha256)
        except StorageError as error:
            raise PackageHashError(f"{wanted.wheel}: {error}") from error
        if _copy(source, target) != file.sha256:
            raise PackageHashError(f"{wanted.wheel} is not the file that was staged")
        if not zipfile.is_zipfile(target):
            raise UnsafeWheelError(f"{wanted.wheel} is not a wheel")
        return target

    def _constraints(self, asked: set[str]) -> list[str]:
        """What is installed stays, and what a stand-in is installed for counts as there."""
        there = self.image.installed.versions()
        lines = [f"{name}=={version}" for name, version in there.items() if name not in asked and _is_version(version)]
        made = stand_ins(self.work / _STAND_INS, there, asked=asked)
        return lines + [f"{name}=={version}" for name, version in made.items()]

    def _report(self, pip: Pip, asked: str) -> list[_Found]:
        report = self.work / "report.json"
        run = pip.run(
            "install",
            *("--dry-run", "--report", str(report)),
            *("--find-links", str(self.work / _STAND_INS)),
            *("--constraint", str(self.work / "constraints.txt")),
            *("--requirement", str(self.work / "requirements.txt")),
        )
        if run.code != 0 or not report.is_file():
            raise self._failed(run, asked)
        items = json.loads(report.read_bytes())["install"]
        empty = {path.name for path in (self.work / _STAND_INS).iterdir()}
        return [found for found in map(_found, items) if found.wheel not in empty]

    def _from_code(self, found: _Found, inside: str, path: Path) -> LockedPackage:
        sha256 = path.parent.name
        return LockedPackage(found.name, found.version, path.name, sha256, path.stat().st_size, "code", inside)

    def _from_index(self, pip: Pip, found: Sequence[_Found], asked: str) -> list[LockedPackage]:
        if not found:
            return []
        target = self.work / "wheels"
        target.mkdir()
        self._write("download.txt", [f"{each.name}=={each.version}" for each in found])
        run = pip.run(
            "download",
            *("--no-deps", "--dest", str(target), "--requirement", str(self.work / "download.txt")),
        )
        if run.code != 0:
            raise self._failed(run, asked)
        return [self._keep(each, target / each.wheel) for each in found]

    def _keep(self, found: _Found, path: Path) -> LockedPackage:
        if not path.is_file():
            raise PackageHashError(f"{found.wheel} was announced by the index, and another file was delivered")
        with path.open("rb") as file:
            sha256 = self.objects.put_stream(file)
        if found.sha256 not in ("", sha256):
            raise PackageHashError(f"{found.wheel} is not what its index says: {sha256}, not {found.sha256}")
        return LockedPackage(found.name, found.version, found.wheel, sha256, path.stat().st_size, "index")

    def _failed(self, run: PipRun, asked: str) -> Exception:
        self.note(run.output)
        return diagnose(run, asked, constraint="the image has")

    def _write(self, name: str, lines: Sequence[str]) -> None:
        (self.work / name).write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")


@dataclass(frozen=True, slots=True)
class _Found:
    """One wheel that pip chose. `direct`: it was named by its file; `sha256`: as the index says it, or empty."""

    name: str
    version: str
    wheel: str
    sha256: str
    direct: bool


def _found(item: Mapping[str, Any]) -> _Found:
    name, version = canonicalize_name(item["metadata"]["name"]), str(item["metadata"]["version"])
    wheel = unquote(urlsplit(item["download_info"]["url"]).path.rpartition("/")[2])
    try:
        named, versioned, _, _ = parse_wheel_filename(wheel)
    except InvalidWheelFilename as error:
        raise BinaryPackagesOnlyError(f"{name} {version} is not offered as a binary package") from error
    if named != name or versioned != Version(version):
        raise UnsafeWheelError(f"{wheel} says of itself that it is {name} {version}")
    return _Found(name, version, wheel, index_sha256(item), bool(item.get("is_direct")))


def _is_version(text: str) -> bool:
    try:
        Version(text)
    except InvalidVersion:
        return False
    return True


def _copy(source: int, target: Path) -> str:
    digest = hashlib.sha256()
    with os.fdopen(source, "rb") as reader, target.open("wb") as writer:
        while chunk := reader.read(_CHUNK):
            digest.update(chunk)
            writer.write(chunk)
    return digest.hexdigest()

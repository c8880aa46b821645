"""From requirements to a lock: what the image does not satisfy is resolved by pip, beside what the image has.

1. Requirements that the image satisfies need nothing.
2. pip, in a sandbox (`sandboxed_pip`), says which wheels the rest needs in this very environment, and fetches exactly
   those. What is installed stays as it is (it is a constraint), unless the spec itself asks for another version of it:
   a layer may hold that.
3. They are hashed here, and kept.
Nothing is installed, no code of a package runs, and nothing of a package is read outside of the sandbox.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from packaging.version import InvalidVersion, Version

from cleanroom_ml.engine.jobs.errors import RequirementNotSatisfiedError
from cleanroom_ml.engine.jobs.images.image import Image
from cleanroom_ml.engine.jobs.layers.diagnosis import diagnose
from cleanroom_ml.engine.jobs.layers.errors import (
    DependencyConflictError,
    DirectReferenceError,
    LayerTooLargeError,
    PackageHashError,
    PackageIndexError,
    UnsafeWheelError,
)
from cleanroom_ml.engine.jobs.layers.lock import DependencyLock, LockedPackage
from cleanroom_ml.engine.jobs.layers.operator_index import HOSTS, operator_index
from cleanroom_ml.engine.jobs.layers.pip import PipRun
from cleanroom_ml.engine.jobs.layers.policy import LayerLimits, never_in_a_layer
from cleanroom_ml.engine.jobs.layers.sandboxed_pip import CodeWheel, Found, SandboxedPip
from cleanroom_ml.engine.jobs.layers.stand_ins import stand_ins
from cleanroom_ml.engine.sandbox.drivers import Driver
from cleanroom_ml.engine.storage.objects import ObjectStore

if TYPE_CHECKING:
    from cleanroom_ml.artifacts.manifest import FileEntry
    from cleanroom_ml.specs.requirements import Requirement

_STAND_INS = "stand-ins"


@dataclass(frozen=True, slots=True)
class Resolver:
    """Resolves for one image.

    Args:
        work: a private directory, empty, removed by the caller.
        home: the engine's, which no sandbox sees.
        environ: the operator's, for pip.
        note: is told what pip said where it failed.
        driver: of the sandbox; tests weaken it.
    """

    image: Image
    objects: ObjectStore
    work: Path
    home: Path
    environ: Mapping[str, str]
    limits: LayerLimits
    note: Callable[[str], None]
    driver: Driver | None = None

    def resolve(self, requirements: Sequence[Requirement], code: Mapping[str, FileEntry]) -> DependencyLock:
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
        return DependencyLock(image.tag, image.digest, image.python, provided, packages, tuple(image.notes()))

    def satisfied_only(self, requirements: Sequence[Requirement]) -> None:
        """Where layers cannot be made: everything must be in the image. Raises RequirementNotSatisfiedError."""
        _, missing = self._divided(requirements)
        if missing:
            asked = ", ".join(wanted.wheel or f"{wanted.name}{wanted.specifier}" for wanted in missing)
            raise RequirementNotSatisfiedError(
                f"{asked} is not installed, and this engine has no sandbox to unpack packages in"
            )

    def _divided(self, requirements: Sequence[Requirement]) -> tuple[dict[str, str], list[Requirement]]:
        """What the image provides, and what it does not; a marker that does not hold leaves a requirement out."""
        provided: dict[str, str] = {}
        missing: list[Requirement] = []
        for wanted in requirements:
            if not self.image.installed.applies(wanted.marker):
                continue
            found = self.image.installed.satisfying(wanted)
            if found is None:
                missing.append(wanted)
            else:
                provided[found[0]] = found[1]
        return dict(sorted(provided.items())), missing

    def _layer(self, missing: Sequence[Requirement], code: Mapping[str, FileEntry]) -> tuple[LockedPackage, ...]:
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
        # One requirement a line, each made anew from its parsed parts.
        lines = [
            f"{wanted.name} @ {Path(wheels[wanted.wheel].inside).as_uri()}"
            if wanted.wheel is not None
            else f"{wanted.name}{'[' + ','.join(wanted.extras) + ']' if wanted.extras else ''}{wanted.specifier}"
            for wanted in missing
        ]
        constraints = self._constraints({wanted.name for wanted in missing})
        found, fetched = self._found(lines, constraints, list(wheels.values()), asked)
        if len(found) > self.limits.packages:
            raise LayerTooLargeError(f"{asked} needs {len(found)} packages; a layer holds {self.limits.packages}")
        for each in found:
            if never_in_a_layer(each.name):
                raise DependencyConflictError(
                    f"{asked} needs {each.name} {each.version}, which comes with the image or not at all"
                )
        self._check_size(fetched)
        by_wheel = {each.wheel: each for each in wheels.values()}
        locked = [self._from_code(each, by_wheel) for each in found if each.direct]
        locked += [self._keep(each, fetched / each.wheel) for each in found if not each.direct]
        return tuple(sorted(locked, key=lambda each: each.name))

    def _code_wheel(self, wanted: Requirement, code: Mapping[str, FileEntry]) -> CodeWheel:
        """The wheel of the code directory: bytes that are what was staged. What it is, is for the sandbox to say."""
        assert wanted.wheel is not None
        file = code.get(wanted.wheel)
        if file is None:
            raise RequirementNotSatisfiedError(f"the code directory has no file {wanted.wheel}")
        if not self.objects.verify(file.sha256):
            raise PackageHashError(f"{wanted.wheel} is not the file that was staged")
        path = self.objects.path(file.sha256)
        return CodeWheel(wanted.name, wanted.wheel.rpartition("/")[2], wanted.wheel, file.sha256, path)

    def _constraints(self, asked: set[str]) -> list[str]:
        """What is installed stays, and what a stand-in is installed for counts as there."""
        there = self.image.installed.versions()
        lines = [f"{name}=={version}" for name, version in there.items() if name not in asked and _is_version(version)]
        made = stand_ins(self.work / _STAND_INS, there, asked=asked)
        return lines + [f"{name}=={version}" for name, version in made.items()]

    def _found(
        self, lines: Sequence[str], constraints: Sequence[str], wheels: Sequence[CodeWheel], asked: str
    ) -> tuple[list[Found], Path]:
        """What pip chose, and the directory that the wheels of the index are in."""
        limits = self.limits
        with operator_index(self.work, self.environ, private=self.home, max_bytes=limits.download_bytes) as index:
            pip = SandboxedPip(self.image, self.work, limits, index, self.driver)
            found = pip.resolve(lines, constraints, wheels, self.work / _STAND_INS)
            if isinstance(found, PipRun):
                raise self._failed(found, asked, index.refused_hosts())
            return found, pip.wheels

    def _from_code(self, found: Found, wheels: Mapping[str, CodeWheel]) -> LockedPackage:
        wheel = wheels.get(found.wheel)
        if wheel is None or wheel.name != found.name:
            raise DirectReferenceError(f"{found.name} {found.version} was found at an address, not by name")
        size = self.objects.size(wheel.sha256)
        return LockedPackage(found.name, found.version, found.wheel, wheel.sha256, size, "code", wheel.named)

    def _check_size(self, fetched: Path) -> None:
        """By length, not by what lies on the disk: a file with holes is read at its length."""
        if sum(path.lstat().st_size for path in fetched.glob("*")) > self.limits.download_bytes:
            raise LayerTooLargeError(f"the packages are larger than {self.limits.download_bytes:,} bytes")

    def _keep(self, found: Found, path: Path) -> LockedPackage:
        """Bytes out of the sandbox: a regular file of its own, under the name that was said, whatever it holds."""
        try:
            fd = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        except OSError as error:
            raise PackageHashError(
                f"{found.wheel} was announced by the index, and another file was delivered"
            ) from error
        with os.fdopen(fd, "rb") as file:
            status = os.fstat(fd)
            if not stat.S_ISREG(status.st_mode) or status.st_nlink != 1:
                raise UnsafeWheelError(f"{found.wheel} is no file of its own")
            sha256 = self.objects.put_stream(file)
        if found.sha256 not in ("", sha256):
            raise PackageHashError(f"{found.wheel} is not what its index says: {sha256}, not {found.sha256}")
        return LockedPackage(found.name, found.version, found.wheel, sha256, status.st_size, "index")

    def _failed(self, run: PipRun, asked: str, refused: Sequence[str]) -> Exception:
        self.note(run.output)
        if refused:
            self.note(f"not fetched from {', '.join(refused)}: not in {HOSTS}")
            return PackageIndexError(
                f"a package for {asked} lies on a host that is not the operator's index",
                why="packages are fetched from the hosts of the operator's pip configuration only",
                fix=f"the operator names the host in {HOSTS}; the engine's log has it",
            )
        return diagnose(run, asked, constraint="the image has")


def _is_version(text: str) -> bool:
    try:
        Version(text)
    except InvalidVersion:
        return False
    return True

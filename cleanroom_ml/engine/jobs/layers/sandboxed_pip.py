"""pip in a sandbox of its own: the one place where wheels' metadata and an index's pages are read.

What is inside: the image (as a job has it), the engine's pip, resolve_program.py, the wheels of the code directory,
the operator's local package directories, one socket. Not inside: a network, a home, the store, credentials. Outside
of it, an answer is a bounded JSON document with a checked shape, and wheels are bytes that are hashed.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from packaging.utils import InvalidWheelFilename, canonicalize_name, parse_wheel_filename
from packaging.version import InvalidVersion, Version

from cleanroom_ml.engine.jobs.errors import JobsError
from cleanroom_ml.engine.jobs.images.image import Image
from cleanroom_ml.engine.jobs.layers.errors import (
    BinaryPackagesOnlyError,
    DirectReferenceError,
    LayerTooLargeError,
    PackageIndexError,
    UnsafeWheelError,
)
from cleanroom_ml.engine.jobs.layers.imports import without_pip_configuration
from cleanroom_ml.engine.jobs.layers.operator_index import OperatorIndex, pip_directory
from cleanroom_ml.engine.jobs.layers.pip import PipRun, tail
from cleanroom_ml.engine.jobs.layers.policy import NAMES, LayerLimits
from cleanroom_ml.engine.sandbox.drivers import Driver
from cleanroom_ml.engine.sandbox.policy import MIB, SCRATCH, Limits, Mount, Outcome, SandboxSpec
from cleanroom_ml.engine.sandbox.process import run
from cleanroom_ml.json_values import Document

RESOLVER: Final = Path(__file__).with_name("resolve_program.py").resolve()
ALWAYS: Final = (
    *("--only-binary", ":all:", "--no-input", "--no-color", "--disable-pip-version-check"),
    *("--retries", "0", "--timeout", "3600"),  # who answers on the socket has the operator's, and tries again
)
WHEELS: Final = "wheels"
_INSIDE: Final = "/run/cleanroom"
_SOCKET: Final = f"{_INSIDE}/index.sock"
_MAX_ANSWER: Final = 1 << 20
_MAX_TEXT: Final = 300
_SHA256: Final = re.compile(r"([0-9a-f]{64})?\Z")
_KINDS: Final[dict[str, type[JobsError]]] = {
    "unsafe": UnsafeWheelError,
    "large": LayerTooLargeError,
    "address": DirectReferenceError,
}


@dataclass(frozen=True, slots=True)
class CodeWheel:
    """A wheel of the code directory. `path`: in the object store; `named`: by the spec."""

    name: str
    wheel: str
    named: str
    sha256: str
    path: Path

    @property
    def inside(self) -> str:
        """Where it lies in the sandbox, under its own name: pip tells by it what it is and where it fits."""
        return f"{_INSIDE}/code/{self.sha256}/{self.wheel}"


@dataclass(frozen=True, slots=True)
class Found:
    """One wheel that pip chose. `direct`: it was named by its file; `sha256`: as the index says it, or empty."""

    name: str
    version: str
    wheel: str
    sha256: str
    direct: bool


@dataclass(frozen=True, slots=True)
class SandboxedPip:
    """Resolves for one image.

    Args:
        work: a private directory of one resolution; what was fetched is in `work/resolved/wheels` afterwards.
        driver: of the sandbox; tests weaken it.
    """

    image: Image
    work: Path
    limits: LayerLimits
    index: OperatorIndex
    driver: Driver | None = None

    @property
    def wheels(self) -> Path:
        """Where the wheels of the index lie. Another's writing: see `Resolver._keep`."""
        return self.work / "resolved" / WHEELS

    def resolve(
        self, lines: Sequence[str], constraints: Sequence[str], wheels: Sequence[CodeWheel], stand_ins: Path
    ) -> list[Found] | PipRun:
        """What these requirements need beyond the image; how pip ended, where it found nothing that fits.

        Raises:
            DirectReferenceError: a package, of whatever depth, names an address.
            LayerTooLargeError: it took too long, too much memory or too much space.
            UnsafeWheelError: what was given is no wheel, or the answer makes no sense.
            PackageIndexError: there is no pip.
            IsolationUnavailable, SandboxStartError: there is no sandbox.
        """
        out = self.work / "resolved"
        out.mkdir(mode=0o700)
        plan = {
            "pip": f"{_INSIDE}/pip",
            "socket": _SOCKET,
            "out": SCRATCH,
            "code": [{"path": each.inside, "named": each.named} for each in wheels],
            "options": [
                *ALWAYS,
                *self.index.options,
                *("--find-links", f"{_INSIDE}/stand-ins", "--constraint", f"{_INSIDE}/constraints.txt"),
            ],
            "requirements": f"{_INSIDE}/requirements.txt",
            "stand_ins": [path.name for path in stand_ins.iterdir()],
            "packages": self.limits.packages,
            "never": NAMES.pattern,
        }
        texts = {
            "plan.json": json.dumps(plan),
            "requirements.txt": "".join(f"{line}\n" for line in lines),
            "constraints.txt": "".join(f"{line}\n" for line in constraints),
        }
        image = self.image.mounts()
        spec = SandboxSpec(
            name="resolver",
            argv=(self.image.inside, "-I", f"{_INSIDE}/resolve.py", f"{_INSIDE}/plan.json"),
            env={
                # Neither a file of the image's nor a variable decides anything here: the plan does.
                "PIP_CONFIG_FILE": os.devnull,
                "PIP_BREAK_SYSTEM_PACKAGES": "1",
                "TMPDIR": f"{SCRATCH}/tmp",
            },
            mounts=(
                *image,
                *(each for each in self.index.mounts if not _within(each.target, [m.target for m in image])),
                Mount(pip_directory(), f"{_INSIDE}/pip/pip"),
                Mount(RESOLVER, f"{_INSIDE}/resolve.py"),
                Mount(stand_ins, f"{_INSIDE}/stand-ins"),
                Mount(self.index.socket, _SOCKET, writable=True),
                *{each.inside: Mount(each.path, each.inside) for each in wheels}.values(),
            ),
            files={
                **{f"{_INSIDE}/{name}": text.encode() for name, text in texts.items()},
                **without_pip_configuration(self.image),
            },
            scratch=out,
            limits=Limits(
                memory_bytes=self.limits.resolve_memory,
                processes=64,
                wall_seconds=self.limits.resolve_seconds,
                scratch_bytes=self.limits.download_bytes,
                tmp_bytes=16 * MIB,
                file_bytes=self.limits.download_bytes,
                log_bytes=64 << 10,
            ),
        )
        (out / "tmp").mkdir(mode=0o777)
        (out / "tmp").chmod(0o777)
        done = run(spec, driver=self.driver)
        return self._judged(done.outcome, out)

    def _judged(self, outcome: Outcome, out: Path) -> list[Found] | PipRun:
        if outcome.reason == "timed_out":
            raise LayerTooLargeError(
                f"finding and fetching the packages took more than {self.limits.resolve_seconds:g} s"
            )
        if outcome.reason == "disk_limit":
            raise LayerTooLargeError(f"the packages are larger than {self.limits.download_bytes:,} bytes")
        if outcome.reason == "out_of_memory":
            raise LayerTooLargeError(
                f"finding the packages took more than {self.limits.resolve_memory:,} bytes of memory",
                why="the metadata of a package is too large, or too many versions had to be tried",
            )
        said = PipRun(outcome.exit_code or 1, tail(out / "output"), tail(out / "pip.log"))
        if not outcome.ok:
            return PipRun(said.code, f"{said.output}{outcome.reason}: {outcome.detail}", said.log)
        answer = _answer(out / "answer.json")
        if answer.get("kind") in _KINDS:
            text = "".join(c for c in str(answer.get("text", "")) if c.isprintable())[:1_000]
            raise _KINDS[str(answer["kind"])](text)
        if answer.get("code") != 0 or "found" not in answer:
            return said
        return [_found(item) for item in answer["found"]]


def _answer(path: Path) -> Document:
    try:
        fd = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        with os.fdopen(fd, "rb") as file:
            answer = json.loads(file.read(_MAX_ANSWER))
    except (OSError, ValueError, RecursionError) as error:
        raise PackageIndexError("the packages could not be resolved: there is no answer") from error
    found = answer.get("found", []) if isinstance(answer, dict) else None
    if not isinstance(found, list) or not all(map(_has_shape, found)):
        raise UnsafeWheelError("the packages could not be resolved: the answer makes no sense")
    return dict(answer)


def _has_shape(item: object) -> bool:
    """A name, a version, a wheel and a hash: short texts that can be seen."""
    if not isinstance(item, Mapping) or set(item) != {"name", "version", "wheel", "sha256", "direct"}:
        return False
    texts = [item[key] for key in ("name", "version", "wheel", "sha256")]
    return (
        all(isinstance(text, str) and len(text) <= _MAX_TEXT and text.isprintable() for text in texts)
        and isinstance(item["direct"], bool)
        and _SHA256.match(item["sha256"]) is not None
    )


def _found(item: Document) -> Found:
    name, version, wheel = canonicalize_name(item["name"]), item["version"], item["wheel"]
    try:
        named, versioned, _, _ = parse_wheel_filename(wheel)
        same = named == name and versioned == Version(version)
    except InvalidWheelFilename as error:
        raise BinaryPackagesOnlyError(f"{name} {version} is not offered as a binary package") from error
    except InvalidVersion as error:
        raise UnsafeWheelError(f"{wheel} says of itself that it is {name} {version}") from error
    # A file name and nothing more: it is looked for in a directory.
    if not same or "/" in wheel:
        raise UnsafeWheelError(f"{wheel} says of itself that it is {name} {version}")
    return Found(name, version, wheel, item["sha256"], item["direct"])


def _within(path: str, others: Sequence[str]) -> bool:
    return any(Path(path).is_relative_to(other) for other in others)

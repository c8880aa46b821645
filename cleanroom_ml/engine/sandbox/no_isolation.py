"""No isolation at all: the same programs as plain subprocesses. Only for the bundled demo data, only when asked for.

Nothing chooses this driver: a caller constructs it, and must say why. Paths of the sandbox in argv, env and workdir are
replaced by the host's; what would lie under /run is a directory of links. On macOS this is the only driver there is.
"""

from __future__ import annotations

import os
import tempfile
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Final

from cleanroom_ml.engine.sandbox.drivers import Command
from cleanroom_ml.engine.sandbox.policy import SCRATCH, SandboxSpec

_RUN: Final = PurePosixPath("/run")


@dataclass(frozen=True, slots=True)
class NoIsolation:
    """`reason` ends up in every record of what ran this way. Raises ValueError when it is empty."""

    reason: str

    def __post_init__(self) -> None:
        if not self.reason.strip():
            raise ValueError("running without isolation needs a reason")

    @property
    def name(self) -> str:
        return "none"

    @property
    def isolated(self) -> bool:
        return False

    @property
    def enforces_limits(self) -> bool:
        return False

    def prepare(self, spec: SandboxSpec, for_child: ExitStack, for_us: ExitStack, *, segments: bool = True) -> Command:
        place = Path(for_us.enter_context(tempfile.TemporaryDirectory(prefix="none-")))
        scratch = spec.scratch or place / "scratch"
        scratch.mkdir(exist_ok=True)
        real = {SCRATCH: str(scratch), str(_RUN): str(place / "run")}
        for mount in spec.mounts:
            if PurePosixPath(mount.target).is_relative_to(_RUN):
                # A link is also a short way to a socket, whose address holds 107 bytes (103 on macOS).
                _below(place, mount.target).symlink_to(mount.source)
            else:
                real[mount.target] = str(mount.source)
        for target, content in spec.files.items():
            path = _below(place, target)
            path.write_bytes(content)
            real[target] = str(path)

        def translate(text: str) -> str:
            return os.pathsep.join(_translate_one(part, real) for part in text.split(os.pathsep))

        defaults = {"PATH": os.environ.get("PATH", "/usr/bin:/bin"), "HOME": f"{SCRATCH}/home", "TMPDIR": SCRATCH}
        return Command(
            argv=tuple(_translate_one(word, real) for word in spec.argv),
            pass_fds=spec.pass_fds,
            env={key: translate(value) for key, value in {**defaults, **spec.env}.items()},
            workdir=translate(spec.workdir),
        )


def _below(place: Path, target: str) -> Path:
    path = place / target.lstrip("/")
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    return path


def _translate_one(text: str, real: dict[str, str]) -> str:
    for target in sorted(real, key=len, reverse=True):
        if text == target or text.startswith(f"{target}/"):
            return real[target] + text[len(target) :]
    return text

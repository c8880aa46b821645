"""pip as a subprocess, for the operator's own images: their configuration and index, nothing of the engine's own
environment, bounds. What a party asks for is resolved in a sandbox (`sandboxed_pip`), never by this.

`--only-binary :all:` means that no package's code runs while it is looked for, downloaded or installed; packages that
name an address are not covered by it, so this is for packages that the operator chose.
"""

from __future__ import annotations

import contextlib
import os
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from cleanroom_ml.engine.jobs.layers.errors import LayerTooLargeError, PackageIndexError
from cleanroom_ml.engine.load import cancellation
from cleanroom_ml.json_values import Document

# Of pip's own variables, those that say where packages come from and how they are fetched; not what is done with them.
_KEPT: Final = frozenset(
    {
        *("PATH", "HOME", "USER", "LOGNAME", "LANG", "LC_ALL", "XDG_CONFIG_HOME", "XDG_CONFIG_DIRS", "NETRC"),
        *("SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE"),
        *(f"{name}_PROXY" for name in ("HTTP", "HTTPS", "ALL", "NO")),
        *(f"{name}_proxy" for name in ("http", "https", "all", "no")),
        *(
            f"PIP_{name}"
            for name in (
                *("INDEX_URL", "EXTRA_INDEX_URL", "FIND_LINKS", "NO_INDEX", "TRUSTED_HOST", "CERT", "CLIENT_CERT"),
                *("PROXY", "TIMEOUT", "DEFAULT_TIMEOUT", "CONFIG_FILE", "CONSTRAINT", "KEYRING_PROVIDER"),
            )
        ),
    }
)
_ALWAYS: Final = ("--only-binary", ":all:", "--no-input", "--no-color", "--disable-pip-version-check", "--retries", "1")
_POLL_SECONDS: Final = 0.05
_MEASURE_SECONDS: Final = 1.0
_KEPT_OUTPUT: Final = 1 << 20
_KEPT_LINE: Final = 1 << 16


def index_sha256(item: Document) -> str:
    """The SHA-256 that the index gave for a package of pip's installation report; empty where it gave none.

    pip before 23.1 writes the older of the two forms of PEP 610.
    """
    archive = item["download_info"].get("archive_info", {})
    if sha256 := archive.get("hashes", {}).get("sha256"):
        return str(sha256)
    algorithm, _, digest = str(archive.get("hash", "")).partition("=")
    return digest if algorithm == "sha256" else ""


def operator_environment(environ: Mapping[str, str], temporary: Path) -> dict[str, str]:
    """What a pip outside of a sandbox gets of the operator's environment."""
    kept = {name: value for name, value in environ.items() if name in _KEPT}
    # A system's own Python refuses to be installed into, even where nothing would be.
    return {**kept, "TMPDIR": str(temporary), "PIP_BREAK_SYSTEM_PACKAGES": "1", "PYTHONDONTWRITEBYTECODE": "1"}


@dataclass(frozen=True, slots=True)
class PipRun:
    """`log` is pip's own, verbose: names and versions of packages, and addresses of the operator's index."""

    code: int
    output: str
    log: str


@dataclass(frozen=True, slots=True)
class Pip:
    """pip for one interpreter. `work` is a private directory for everything that pip writes, but for its targets.

    Args:
        python: the interpreter whose environment decides which wheels fit; ours, where it is None.
        work: exists; is removed by the caller.
        environ: of the operator.
        seconds: for one run.
        max_bytes: what may lie in `work`.
    """

    python: Path | None
    work: Path
    environ: Mapping[str, str]
    seconds: float
    max_bytes: int

    def run(self, command: str, *arguments: str) -> PipRun:
        """Run `pip <command>`; how it ended is for the caller to judge.

        Raises:
            LayerTooLargeError: it took too long, or too much.
            PackageIndexError: there is no pip.
        """
        log = self.work / "pip.log"
        log.unlink(missing_ok=True)
        other = () if self.python is None else ("--python", str(self.python))
        options = (*_ALWAYS, "--log", str(log), "--cache-dir", str(self.work / "cache"))
        # -I: neither PYTHONPATH nor the working directory bring modules into this process.
        argv = [sys.executable, "-I", "-m", "pip", *other, command, *options, *arguments]
        with (self.work / "output").open("wb") as output:
            process = subprocess.Popen(
                argv,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                cwd=self.work,
                env=self._environment(),
                start_new_session=True,
            )
            try:
                self._wait(process)
            finally:
                end(process)
        said = tail(self.work / "output")
        if "No module named pip" in said:
            raise PackageIndexError("the engine's Python environment has no pip", fix="python -m ensurepip")
        return PipRun(process.returncode, said, tail(log))

    def _environment(self) -> dict[str, str]:
        temporary = self.work / "tmp"
        temporary.mkdir(exist_ok=True)
        return operator_environment(self.environ, temporary)

    def _wait(self, process: subprocess.Popen[bytes]) -> None:
        deadline = time.monotonic() + self.seconds
        measured = time.monotonic()
        while process.poll() is None:
            cancellation.check()
            now = time.monotonic()
            if now > deadline:
                raise LayerTooLargeError(f"finding and fetching the packages took more than {self.seconds:g} s")
            if now - measured > _MEASURE_SECONDS:
                measured = now
                if tree_bytes(self.work) > self.max_bytes:
                    raise LayerTooLargeError(f"the packages are larger than {self.max_bytes:,} bytes")
            time.sleep(_POLL_SECONDS)


def tree_bytes(root: Path) -> int:
    """The bytes of all files below a directory that somebody may be writing."""
    total = 0
    for directory, _, names in os.walk(root):
        for name in names:
            try:
                total += os.lstat(os.path.join(directory, name)).st_size
            except FileNotFoundError:
                continue  # it was there a moment ago
    return total


def end(process: subprocess.Popen[bytes]) -> None:
    """Kill a process that leads its own session, and all of that."""
    with contextlib.suppress(ProcessLookupError):  # all of it has ended
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def tail(path: Path) -> str:
    """The end of what was written to a file, by a party's sandbox perhaps; endless lines are cut."""
    try:
        fd = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        return ""
    with os.fdopen(fd, "rb") as file:
        status = os.fstat(fd)
        if not stat.S_ISREG(status.st_mode):
            return ""
        file.seek(max(0, status.st_size - _KEPT_OUTPUT))
        text = file.read(_KEPT_OUTPUT).decode("utf-8", "replace")
    return "".join(f"{line[:_KEPT_LINE]}\n" for line in text.splitlines())

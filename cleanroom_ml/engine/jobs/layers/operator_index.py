"""The operator's package index, as the resolver's sandbox may have it: what is mounted, and what is fetched for it.

`index_program.py` runs beside, as the engine's user: it says what the operator's pip configuration comes to, and
carries requests to the hosts named there. Credentials stay with it: addresses lose them on the way into the sandbox.
"""

from __future__ import annotations

import importlib.util
import json
import os
import select
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit, urlunsplit
from urllib.request import url2pathname

from cleanroom_ml.engine.jobs import files
from cleanroom_ml.engine.jobs.layers.errors import PackageIndexError
from cleanroom_ml.engine.jobs.layers.pip import end, operator_environment, tail
from cleanroom_ml.engine.sandbox.policy import Mount
from cleanroom_ml.json_values import Document

HOSTS: Final = "CLEANROOM_ML_PACKAGE_HOSTS"
"""Of the operator's environment: further hosts, apart by spaces, that the pages of their index may link files to."""

_PROGRAM: Final = Path(__file__).with_name("index_program.py").resolve()
_START_SECONDS: Final = 120.0
_MAX_CONFIGURATION: Final = 1 << 16


@dataclass(frozen=True, slots=True)
class OperatorIndex:
    """What the sandbox gets.

    Args:
        options: for pip: where packages come from, without credentials.
        mounts: directories of the host that these name, read-only.
        socket: where requests are answered.
        log: what the program beside notes.
    """

    options: tuple[str, ...]
    mounts: tuple[Mount, ...]
    socket: Path
    log: Path

    def refused_hosts(self) -> list[str]:
        """Hosts that something was to be fetched from and was not."""
        return self._noted("refused")

    def failed(self) -> bool:
        """Whether a host that may be asked did not answer."""
        return bool(self._noted("failed"))

    def _noted(self, kind: str) -> list[str]:
        found: dict[str, None] = {}
        for line in tail(self.log).splitlines():
            if line.startswith("{"):
                found.update(dict.fromkeys(str(each) for key, each in json.loads(line).items() if key == kind))
        return list(found)


@contextmanager
def operator_index(work: Path, environ: Mapping[str, str], *, private: Path, max_bytes: int) -> Iterator[OperatorIndex]:
    """The operator's index for as long as the block lasts.

    Args:
        work: a private directory.
        environ: the operator's.
        private: the engine's home; a directory that holds it is never mounted.
        max_bytes: what may be fetched.

    Raises:
        PackageIndexError: there is no pip, its configuration does not work, or a directory of it cannot be shown.
    """
    path, log = work / "index.sock", work / "index.log"
    temporary = work / "operator"
    temporary.mkdir(mode=0o700)
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as listener, log.open("wb") as noted:
        with files.short_path(path) as short:
            listener.bind(short)
        path.chmod(0o666)  # the sandbox has another uid; the directory is private
        listener.listen(64)
        # -I: neither PYTHONPATH nor the working directory bring modules into this process.
        process = subprocess.Popen(
            [sys.executable, "-I", str(_PROGRAM), str(listener.fileno())],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=noted,
            cwd=temporary,
            env=operator_environment(environ, temporary),
            pass_fds=(listener.fileno(),),
            start_new_session=True,
        )
        try:
            reported = _configuration(process, log)
            options, mounts = _as_options(reported, environ, private)
            listener.close()
            if any("://" in each and not each.startswith("file:") for each in reported.addresses()):
                assert process.stdin is not None
                asked = {"hosts": environ.get(HOSTS, "").split(), "max_bytes": max_bytes}
                process.stdin.write(json.dumps(asked).encode() + b"\n")
                process.stdin.flush()
            else:
                end(process)  # files only: there is nothing to fetch
            yield OperatorIndex(options, mounts, path, log)
        finally:
            end(process)
            for stream in (process.stdin, process.stdout):
                if stream is not None:
                    stream.close()


@dataclass(frozen=True, slots=True)
class _Configured:
    """What the operator's pip configuration comes to."""

    index_urls: tuple[str, ...] = ()
    find_links: tuple[str, ...] = ()
    trusted_hosts: tuple[str, ...] = ()
    constraints: tuple[str, ...] = ()

    def addresses(self) -> tuple[str, ...]:
        """Where something may have to be fetched."""
        return (*self.index_urls, *self.find_links, *self.constraints)


def pip_directory() -> Path:
    """The engine's own pip, as a package. Raises PackageIndexError where there is none."""
    found = importlib.util.find_spec("pip")
    if found is None or not found.submodule_search_locations:
        raise PackageIndexError("the engine's Python environment has no pip", fix="python -m ensurepip")
    return Path(found.submodule_search_locations[0]).resolve()


def _configuration(process: subprocess.Popen[bytes], log: Path) -> _Configured:
    assert process.stdout is not None
    deadline = time.monotonic() + _START_SECONDS
    line = b""
    while not line.endswith(b"\n") and len(line) < _MAX_CONFIGURATION:
        ready, _, _ = select.select([process.stdout], [], [], max(0.0, deadline - time.monotonic()))
        data = os.read(process.stdout.fileno(), _MAX_CONFIGURATION) if ready else b""
        if not data:
            break
        line += data
    try:
        reported: Document = json.loads(line)
        return _Configured(**{key: tuple(map(str, value)) for key, value in reported.items()})
    except (ValueError, TypeError) as error:
        if "No module named pip" in tail(log):
            raise PackageIndexError("the engine's Python environment has no pip", fix="python -m ensurepip") from error
        raise PackageIndexError(
            "the operator's pip configuration cannot be read", fix="the operator runs: pip config debug"
        ) from error


def _as_options(
    reported: _Configured, environ: Mapping[str, str], private: Path
) -> tuple[tuple[str, ...], tuple[Mount, ...]]:
    """pip's options in the sandbox, and what they need there."""
    displayed = _Displayed(environ, private)
    options: list[str] = []
    indexes = [displayed.index(each) for each in reported.index_urls]
    options += ["--index-url", indexes[0]] if indexes else ["--no-index"]
    for each in indexes[1:]:
        options += ["--extra-index-url", each]
    for each in reported.find_links:
        options += ["--find-links", displayed.links(each)]
    for each in reported.trusted_hosts:
        options += ["--trusted-host", each]
    for each in reported.constraints:
        options += ["--constraint", displayed.file(each)]
    return tuple(options), displayed.mounts()


class _Displayed:
    """Which directories of the host a sandbox needs for a pip configuration that names files: those, read-only."""

    def __init__(self, environ: Mapping[str, str], private: Path) -> None:
        homes = {Path(each) for each in (environ.get("HOME"), Path("~").expanduser()) if each}
        # Never a whole home, never what the engine's own home lies in.
        self._never = {Path(os.path.abspath(each)) for each in (*homes, private)}  # noqa: PTH100
        self._home = environ.get("HOME", "")
        self._paths: dict[Path, None] = {}

    def mounts(self) -> tuple[Mount, ...]:
        """Each at its own path, the outer one of two; what /usr holds is in every sandbox, but for /usr/local."""
        chosen = [path for path in self._paths if not any(other in path.parents for other in self._paths)]
        in_usr = [p for p in chosen if p.is_relative_to("/usr") and not p.is_relative_to("/usr/local")]
        try:
            return tuple(Mount(path.resolve(), str(path)) for path in chosen if path not in in_usr)
        except ValueError as error:
            raise PackageIndexError(
                "a directory of the operator's pip configuration cannot be shown to a sandbox", why=str(error)
            ) from error

    def index(self, address: str) -> str:
        """An index: what its pages link to lies beside it as a rule (`../../packages/…`)."""
        path = self._local(address)
        if path is not None and path.exists():
            self._show(path)
            if not self._too_wide(path.parent):
                self._show(path.parent)
        return without_credentials(address)

    def links(self, address: str) -> str:
        """A directory of packages, or a page that links to some beside it."""
        path = self._local(address)
        if path is None:
            return without_credentials(address)
        if path.exists():
            self._show(path if path.is_dir() or self._too_wide(path.parent) else path.parent)
        return str(path)

    def file(self, address: str) -> str:
        """A file of constraints."""
        path = self._local(address)
        if path is None:
            return without_credentials(address)
        self._show(path)
        return str(path)

    def _local(self, address: str) -> Path | None:
        parts = urlsplit(address)
        if parts.scheme == "file":
            return Path(os.path.abspath(url2pathname(parts.path)))  # noqa: PTH100 - as it is named: links stay
        if "://" in address:
            return None
        if address.startswith("~/") and self._home:
            address = f"{self._home}/{address[2:]}"
        return Path(os.path.abspath(address))  # noqa: PTH100

    def _show(self, path: Path) -> None:
        if any(path == never or path in never.parents for never in self._never):
            raise PackageIndexError(
                "a directory of the operator's pip configuration holds a home, and is not shown to a sandbox",
                fix="the operator moves the packages to a directory of their own",
            )
        needed = 0o5 if path.is_dir() else 0o4
        if os.geteuid() == 0 and path.exists() and path.stat().st_mode & needed != needed:
            raise PackageIndexError(
                "a directory of the operator's pip configuration is not readable for a sandbox, which has its own uid",
                fix="the operator runs: chmod -R o+rX DIRECTORY",
            )
        self._paths.setdefault(path)

    def _too_wide(self, path: Path) -> bool:
        return len(path.parts) < 3 or any(path == never or path in never.parents for never in self._never)


def without_credentials(address: str) -> str:
    """The address without user and password."""
    parts = urlsplit(address)
    return urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2]))

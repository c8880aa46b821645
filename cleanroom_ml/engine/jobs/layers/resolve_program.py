"""Asks pip which wheels are needed, and fetches them. One file, the standard library and pip, in a sandbox of its own.

`python -I resolve_program.py PLAN`. Everything that a party has a hand in is read here and nowhere else: the metadata
of wheels, the pages of an index. No code of a package runs: nothing is built (no process can be started), and what
names an address instead of a package is refused by name. The network is one socket; behind it somebody else decides
what is fetched (index_program.py). What comes of it lies in the plan's `out`: `answer.json`, `wheels/`, pip's words.
"""

from __future__ import annotations

import importlib
import json
import os
import re
import socket
import sys
import zipfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, TypedDict
from urllib.parse import unquote, urlsplit

_MAX_METADATA = 16 << 20
_STARTS = frozenset(
    {"subprocess.Popen", "os.system", "os.exec", "os.posix_spawn", "os.fork", "os.forkpty", "pty.spawn"}
)
_CACHES_ON_DISK = (23, 1)
"""From this version on, pip does not hold a whole wheel in memory to keep it."""


class Wheel(TypedDict):
    """One of the code directory: where it lies, and its path there."""

    path: str
    named: str


class Plan(TypedDict):
    """What is to be done (`sandboxed_pip` writes it)."""

    out: str
    pip: str
    socket: str
    requirements: str
    options: list[str]
    code: list[Wheel]
    stand_ins: list[str]
    never: str
    packages: int


class Refused(BaseException):
    """Not an Exception: neither pip nor its resolver may take it for a candidate that does not fit."""

    def __init__(self, kind: str, text: str) -> None:
        super().__init__(text)
        self.kind = kind
        refusals.append(self)


refusals: list[Refused] = []


def forbid_processes() -> None:
    """From here on this process starts no other: building a package would be one."""

    def hook(event: str, arguments: tuple[object, ...]) -> None:
        if event in _STARTS:
            program = Path(str(arguments[0])).name if event == "subprocess.Popen" and arguments else ""
            # Where the C library is musl, its loader is asked for its version.
            if not program.startswith("ld-musl-"):
                raise PermissionError(f"{event}: no process is started here")

    sys.addaudithook(hook)


def bound_metadata() -> None:
    """What is read out of a wheel at once has a size; a wheel is named, and a bomb does not get to the memory limit."""
    read = zipfile.ZipFile.read

    def bounded(self: zipfile.ZipFile, name: str | zipfile.ZipInfo, pwd: bytes | None = None) -> bytes:
        size = (name if isinstance(name, zipfile.ZipInfo) else self.getinfo(name)).file_size
        if size > _MAX_METADATA:
            wheel = Path(str(self.filename or "a wheel")).name
            raise Refused("large", f"{wheel}: its metadata unpacks to {size:,} bytes; no package's is that large")
        return read(self, name, pwd)

    zipfile.ZipFile.read = bounded  # type: ignore[method-assign]


# Any, below: classes of pip's, which is found at run time and has no types for others.
def refuse_addresses() -> None:
    """A dependency that names an address (PEP 508, "direct reference") is refused, whoever asks for it."""
    kind = importlib.import_module("pip._internal.metadata").select_backend().Distribution
    dependencies: Callable[..., Iterator[Any]] = kind.iter_dependencies

    def by_name_only(self: Any, extras: Sequence[str] = ()) -> Iterator[Any]:
        for requirement in dependencies(self, extras):
            if requirement.url is not None:
                raise Refused(
                    "address",
                    f"{self.canonical_name} {self.version} requires {requirement.name} from an address, not by name",
                )
            yield requirement

    kind.iter_dependencies = by_name_only


def go_through(path: str) -> None:
    """Every request of pip's goes to the socket at `path`, with its whole address as the target, as to a proxy."""
    adapters = importlib.import_module("pip._vendor.requests.adapters")
    pools = importlib.import_module("pip._vendor.urllib3.connectionpool")
    sessions = importlib.import_module("pip._internal.network.session")
    plain: Any = importlib.import_module("pip._vendor.urllib3.connection").HTTPConnection

    class Connection(plain):  # type: ignore[misc]
        def connect(self) -> None:
            self.sock = socket.socket(socket.AF_UNIX)
            self.sock.connect(path)

    class Pool(pools.HTTPConnectionPool):  # type: ignore[misc, name-defined]
        ConnectionCls = Connection

    pool = Pool("index", maxsize=4)
    start = sessions.PipSession.__init__

    def started(self: Any, *args: object, **kwargs: object) -> None:
        start(self, *args, **kwargs)
        for adapter in self.adapters.values():
            if isinstance(adapter, adapters.HTTPAdapter):
                adapter.get_connection = lambda *_, **__: pool
                adapter.get_connection_with_tls_context = lambda *_, **__: pool
                adapter.request_url = lambda request, _: request.url.partition("#")[0]
                adapter.cert_verify = lambda *_, **__: None

    sessions.PipSession.__init__ = started


def check_wheel(path: str, named: str) -> None:
    """A wheel of the code directory, before pip sees it. Raises Refused."""
    if not zipfile.is_zipfile(path):
        raise Refused("unsafe", f"{named} is not a wheel")


def pip(command: str, plan: Plan, *arguments: str) -> int:
    """Run one command of pip's in this process."""
    version = importlib.import_module("pip").__version__
    modern = tuple(int(each) for each in re.findall(r"\d+", version)[:2]) >= _CACHES_ON_DISK
    cache = ("--cache-dir", f"{plan['out']}/cache") if modern else ("--no-cache-dir",)
    run = importlib.import_module("pip._internal.cli.main").main
    return int(run([command, *plan["options"], *cache, "--log", f"{plan['out']}/pip.log", *arguments]))


def index_sha256(item: Mapping[str, Any]) -> str:
    """The SHA-256 that the index gave; pip before 23.1 writes the older of the two forms of PEP 610."""
    archive = item["download_info"].get("archive_info", {})
    if sha256 := archive.get("hashes", {}).get("sha256"):
        return str(sha256)
    algorithm, _, digest = str(archive.get("hash", "")).partition("=")
    return digest if algorithm == "sha256" else ""


def resolve(plan: Plan) -> dict[str, object]:
    """What pip found, and what became of it: `found`, or the `code` that pip ended with. Raises Refused."""
    out = plan["out"]
    for wheel in plan["code"]:
        check_wheel(wheel["path"], wheel["named"])
    report = Path(out, "report.json")
    code = pip("install", plan, "--dry-run", "--report", str(report), "--requirement", plan["requirements"])
    if refusals:
        raise refusals[0]
    if code != 0 or not report.is_file():
        return {"code": code}
    found = [
        {
            "name": str(item["metadata"]["name"]),
            "version": str(item["metadata"]["version"]),
            "wheel": unquote(urlsplit(item["download_info"]["url"]).path.rpartition("/")[2]),
            "sha256": index_sha256(item),
            "direct": bool(item.get("is_direct")),
        }
        for item in json.loads(report.read_bytes())["install"]
    ]
    found = [each for each in found if each["wheel"] not in plan["stand_ins"]]
    fetched = [f"{each['name']}=={each['version']}\n" for each in found if not each["direct"]]
    never = re.compile(plan["never"])
    names = [re.sub(r"[-_.]+", "-", str(each["name"])).lower() for each in found]
    if not fetched or len(found) > plan["packages"] or any(map(never.match, names)):
        return {"code": 0, "found": found}
    Path(out, "download.txt").write_text("".join(fetched), encoding="utf-8")
    code = pip("download", plan, "--no-deps", "--dest", f"{out}/wheels", "--requirement", f"{out}/download.txt")
    if refusals:
        raise refusals[0]
    return {"code": code, "found": found} if code == 0 else {"code": code}


def main(plan_file: str) -> None:
    plan: Plan = json.loads(Path(plan_file).read_bytes())
    output = os.open(f"{plan['out']}/output", os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    os.dup2(output, 1)
    os.dup2(output, 2)
    Path(plan["out"], "wheels").mkdir()
    sys.path.insert(0, plan["pip"])
    answer: dict[str, object]
    try:
        bound_metadata()
        refuse_addresses()
        go_through(plan["socket"])
        forbid_processes()
        answer = resolve(plan)
    except Refused as refused:
        answer = {"code": 1, "kind": refused.kind, "text": str(refused)[:1_000]}
    Path(plan["out"], "answer.json").write_text(json.dumps(answer), encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1])

"""Lays wheels out as a directory for sys.path. One file, standard library only, run inside a sandbox of its own.

`python -I -S unpack.py PLAN OUT REPORT`. The wheels are hostile: nothing of them is executed or followed, every name is
checked before it is used, and every byte is counted and compared with the wheel's RECORD while it is written. What is
wrong is told in REPORT, and the directory is then of no use.
"""

from __future__ import annotations

import base64
import contextlib
import csv
import hashlib
import io
import json
import os
import py_compile
import re
import stat
import sys
import zipfile
import zlib
from pathlib import Path
from typing import BinaryIO

_CHUNK = 1 << 20
_MAX_PATH = 1_000
_MAX_RATIO = 500
_RATIO_FROM = 64 << 20
_SCHEMES = {"purelib": True, "platlib": True, "scripts": False, "headers": False, "data": False}
_UNRECORDED = {"RECORD", "RECORD.jws", "RECORD.p7s"}
_STRONG = {"sha256", "sha384", "sha512"}


class Refused(Exception):
    """`kind`: `unsafe`, `hash` or `large`."""

    def __init__(self, kind: str, text: str) -> None:
        super().__init__(text)
        self.kind = kind


class Unpacker:
    """Writes into `out`, which is empty. `reserved`: top-level names that no wheel may have."""

    def __init__(self, out: Path, *, reserved: frozenset[str], max_bytes: int, max_files: int) -> None:
        self._out = out
        self._reserved = reserved
        self._room = max_bytes
        self._files_left = max_files
        self._written: dict[str, tuple[str, str]] = {}

    def add(self, path: Path, wheel: str, name: str, version: str) -> None:
        """Lay one wheel out. Raises Refused."""
        try:
            with zipfile.ZipFile(path) as archive:
                self._add(archive, path.stat().st_size, wheel, name, version)
        except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, OSError) as error:
            raise Refused("unsafe", f"{wheel} cannot be read: {error}") from error

    def _add(self, archive: zipfile.ZipFile, packed: int, wheel: str, name: str, version: str) -> None:
        entries = archive.infolist()
        if len(entries) > self._files_left:
            raise Refused("large", f"{wheel} holds {len(entries):,} entries; {self._files_left:,} more fit")
        total = sum(entry.file_size for entry in entries)
        if total > self._room:
            raise Refused("large", f"{wheel} unpacks to {total:,} bytes; {self._room:,} more fit")
        if total > _RATIO_FROM and total > packed * _MAX_RATIO:
            raise Refused("large", f"{wheel} unpacks to {total:,} bytes from {packed:,}: no package does")
        paths = [_checked(wheel, entry) for entry in entries]
        if len(set(paths)) != len(paths):
            raise Refused("unsafe", f"{wheel} holds a file twice")
        about = _dist_info(wheel, paths, name, version)
        record = _record(wheel, archive, f"{about}/RECORD")
        for entry, path in zip(entries, paths, strict=True):
            if entry.is_dir():
                continue
            expected = record.get(path)
            if expected is None and path not in {f"{about}/{each}" for each in _UNRECORDED}:
                raise Refused("hash", f"{wheel}: its RECORD does not list {path}")
            target = self._target(wheel, path, about)
            self._write(archive, entry, wheel, target, expected)

    def _target(self, wheel: str, path: str, about: str) -> str | None:
        """Where a file of the wheel belongs; None for what a layer has no place for (scripts, headers, data)."""
        parts = path.split("/")
        if parts[0] == f"{about.removesuffix('.dist-info')}.data":
            if len(parts) < 3 or parts[1] not in _SCHEMES:
                raise Refused("unsafe", f"{wheel}: {path} belongs nowhere")
            if not _SCHEMES[parts[1]]:
                return None
            parts = parts[2:]
        top = parts[0]
        if top == about:
            return "/".join(parts)
        module = top.split(".")[0]
        if module in self._reserved:
            raise Refused("unsafe", f"{wheel}: {path} would take the place of '{module}'")
        if top.lower().endswith((".pth", ".egg-link", ".dist-info", ".egg-info", ".data", ".egg", ".start")):
            raise Refused("unsafe", f"{wheel}: {path} changes how Python starts, or passes for another package")
        return "/".join(parts)

    def _write(
        self,
        archive: zipfile.ZipFile,
        entry: zipfile.ZipInfo,
        wheel: str,
        target: str | None,
        expected: tuple[str, bytes] | None,
    ) -> None:
        digest = hashlib.new(expected[0]) if expected else None
        seen = hashlib.sha256()
        place = None if target is None else self._out.joinpath(*target.split("/"))
        writer: contextlib.AbstractContextManager[BinaryIO | None] = contextlib.nullcontext()
        before = self._written.get(target or "")
        if place is not None and before is None:
            place.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
            mode = 0o755 if (entry.external_attr >> 16) & 0o111 else 0o644
            flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
            writer = os.fdopen(os.open(place, flags, mode), "wb")
            self._files_left -= 1
        with archive.open(entry) as reader, writer as out:
            while chunk := reader.read(_CHUNK):
                self._room -= len(chunk)
                if self._room < 0:
                    raise Refused("large", f"{wheel} unpacks to more than a layer may hold")
                seen.update(chunk)
                if digest is not None:
                    digest.update(chunk)
                if out is not None:
                    out.write(chunk)
        if digest is not None and expected is not None and digest.digest() != expected[1]:
            raise Refused("hash", f"{wheel}: {entry.filename} is not what its RECORD says: its {expected[0]} differs")
        if target is not None:
            if before is not None and before[1] != seen.hexdigest():
                raise Refused("unsafe", f"{wheel} and {before[0]} both hold {target}, with different content")
            self._written.setdefault(target, (wheel, seen.hexdigest()))


def compile_all(root: Path) -> None:
    """Byte code beside every module, valid without a look at its source: a layer never changes."""
    for directory, _, names in os.walk(root):
        for name in names:
            if name.endswith(".py"):
                # Templates and code for other versions of Python need not compile.
                with contextlib.suppress(py_compile.PyCompileError, ValueError, RecursionError, MemoryError, OSError):
                    py_compile.compile(
                        os.path.join(directory, name),
                        dfile=os.path.join("/run/cleanroom/layer", os.path.relpath(directory, root), name),
                        doraise=True,
                        invalidation_mode=py_compile.PycInvalidationMode.UNCHECKED_HASH,
                    )


def _checked(wheel: str, entry: zipfile.ZipInfo) -> str:
    """The entry's path, where it is a plain one. The name is taken as it is stored: zipfile cuts it at a NUL."""
    name = entry.orig_filename
    mode = entry.external_attr >> 16
    path = name.removesuffix("/")
    displayed = "".join(c if c.isprintable() else "?" for c in name)[:200]
    if "\0" in name or "\\" in name or not name.isprintable() or len(os.fsencode(name)) > _MAX_PATH:
        raise Refused("unsafe", f"{wheel} holds a file with an impossible name: {displayed}")
    if re.match(r"[A-Za-z]:", name) or any(
        part in ("", ".", "..") or len(os.fsencode(part)) > 255 for part in path.split("/")
    ):
        raise Refused("unsafe", f"{wheel}: {displayed} would be outside of the layer")
    if stat.S_IFMT(mode) not in (0, stat.S_IFREG, stat.S_IFDIR) or (stat.S_ISDIR(mode) and not entry.is_dir()):
        raise Refused("unsafe", f"{wheel}: {displayed} is a link or a device")
    if entry.flag_bits & 0x1:
        raise Refused("unsafe", f"{wheel}: {displayed} is encrypted")
    return path


def _dist_info(wheel: str, paths: list[str], name: str, version: str) -> str:
    found = {path.split("/")[0] for path in paths if path.split("/")[0].endswith(".dist-info") and "/" in path}
    if len(found) != 1:
        raise Refused("unsafe", f"{wheel} has {len(found)} .dist-info directories, not one")
    (about,) = found
    named, _, versioned = about.removesuffix(".dist-info").rpartition("-")
    if _normal(named) != _normal(name) or _normal(versioned) != _normal(version):
        raise Refused("unsafe", f"{wheel} holds {about}, not {name} {version}")
    for needed in ("WHEEL", "METADATA", "RECORD"):
        if f"{about}/{needed}" not in paths:
            raise Refused("unsafe", f"{wheel} has no {about}/{needed}")
    return about


def _normal(text: str) -> str:
    return re.sub(r"[-_.+]+", "-", text).lower()


def _record(wheel: str, archive: zipfile.ZipFile, path: str) -> dict[str, tuple[str, bytes]]:
    """What RECORD says of each file: algorithm and digest. Rows without a hash are left out."""
    if archive.getinfo(path).file_size > 64 << 20:
        raise Refused("large", f"{wheel}: its RECORD has {archive.getinfo(path).file_size:,} bytes")
    found: dict[str, tuple[str, bytes]] = {}
    try:
        for row in csv.reader(io.StringIO(archive.read(path).decode("utf-8"))):
            if len(row) < 2 or not row[1]:
                continue
            algorithm, _, value = row[1].partition("=")
            if algorithm not in _STRONG:
                raise Refused("hash", f"{wheel}: its RECORD uses {algorithm[:20]}")
            found[row[0]] = (algorithm, base64.urlsafe_b64decode(value + "=" * (-len(value) % 4)))
    except (UnicodeDecodeError, csv.Error, ValueError) as error:
        raise Refused("unsafe", f"{wheel}: its RECORD cannot be read: {error}") from error
    return found


def main(plan_file: str, out: str, report: str) -> None:
    plan = json.loads(Path(plan_file).read_bytes())
    root = Path(out)
    root.mkdir(mode=0o755)
    unpacker = Unpacker(
        root, reserved=frozenset(plan["reserved"]), max_bytes=plan["max_bytes"], max_files=plan["max_files"]
    )
    reported: dict[str, str] = {}
    try:
        for each in plan["wheels"]:
            unpacker.add(Path(each["path"]), each["wheel"], each["name"], each["version"])
        compile_all(root)
    except Refused as refused:
        reported = {"kind": refused.kind, "text": str(refused)[:1_000]}
    Path(report).write_text(json.dumps(reported), encoding="utf-8")


if __name__ == "__main__":
    main(*sys.argv[1:4])

"""Wheels and source packages made by hand, and a directory of them as a package index: no network, no build."""

from __future__ import annotations

import base64
import hashlib
import io
import os
import tarfile
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from cleanroom_ml.engine.storage.objects import ObjectStore


def record_line(path: str, content: bytes) -> str:
    digest = base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=").decode()
    return f"{path},sha256={digest},{len(content)}"


def wheel_bytes(
    name: str,
    version: str = "1.0",
    files: Mapping[str, str | bytes] | None = None,
    *,
    requires: Sequence[str] = (),
    record: Mapping[str, str] | None = None,
    raw: Sequence[tuple[zipfile.ZipInfo, bytes]] = (),
) -> bytes:
    """A wheel. `record` replaces lines of RECORD by path; `raw` are entries that RECORD lists under their own name."""
    module = name.replace("-", "_")
    about = f"{module}-{version}.dist-info"
    needs = "".join(f"Requires-Dist: {line}\n" for line in requires)
    held = {path: each.encode() if isinstance(each, str) else each for path, each in (files or {}).items()}
    if files is None:
        held[f"{module}.py"] = f"VERSION = {version!r}\n".encode()
    held[f"{about}/METADATA"] = f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n{needs}".encode()
    held[f"{about}/WHEEL"] = b"Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
    lines = {path: record_line(path, content) for path, content in held.items()}
    lines |= {info.filename: record_line(info.filename, content) for info, content in raw}
    lines |= dict(record or {})
    held[f"{about}/RECORD"] = "".join(f"{line}\n" for line in (*lines.values(), f"{about}/RECORD,,")).encode()
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for path, content in held.items():
            archive.writestr(path, content)
        for info, content in raw:
            archive.writestr(info, content)
    return buffer.getvalue()


def wheel_name(name: str, version: str = "1.0", tag: str = "py3-none-any") -> str:
    return f"{name.replace('-', '_')}-{version}-{tag}.whl"


def sdist_bytes(name: str, version: str, setup: str) -> bytes:
    """A source package whose build runs `setup`."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as archive:
        for path, text in {
            "setup.py": setup,
            "PKG-INFO": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n",
        }.items():
            info = tarfile.TarInfo(f"{name}-{version}/{path}")
            info.size = len(text.encode())
            archive.addfile(info, io.BytesIO(text.encode()))
    return buffer.getvalue()


@dataclass
class Index:
    """A directory that pip looks into, and nowhere else: `environ` is what the engine's operator would set."""

    directory: Path

    def __post_init__(self) -> None:
        self.directory.mkdir(parents=True, exist_ok=True)
        (self.directory / "pip.conf").write_text("")

    @property
    def environ(self) -> dict[str, str]:
        return {
            "PATH": os.environ["PATH"],
            "HOME": str(self.directory.parent / "operator"),
            "PIP_CONFIG_FILE": os.devnull,
            "PIP_NO_INDEX": "1",
            "PIP_FIND_LINKS": str(self.directory),
        }

    def add(self, name: str, version: str = "1.0", *, tag: str = "py3-none-any", **made: object) -> Path:
        path = self.directory / wheel_name(name, version, tag)
        path.write_bytes(wheel_bytes(name, version, **made))  # type: ignore[arg-type]
        return path

    def simple(self, hashes: Mapping[str, str] | None = None) -> dict[str, str]:
        """The same files as an index of pages with links; `hashes` are what it says of files instead of the truth."""
        root = self.directory / "simple"
        for path in self.directory.glob("*.whl"):
            page = root / path.name.split("-")[0].replace("_", "-").lower() / "index.html"
            page.parent.mkdir(parents=True, exist_ok=True)
            said = (hashes or {}).get(path.name, hashlib.sha256(path.read_bytes()).hexdigest())
            line = f'<a href="{path.as_uri()}#sha256={said}">{path.name}</a>\n'
            page.write_text((page.read_text() if page.exists() else "") + line)
        return {
            **{name: value for name, value in self.environ.items() if name not in ("PIP_NO_INDEX", "PIP_FIND_LINKS")},
            "PIP_INDEX_URL": root.as_uri(),
        }


@dataclass(frozen=True)
class Stored:
    """A file of a code directory."""

    sha256: str
    size: int


@dataclass(frozen=True)
class Needs:
    """What one job asks for."""

    requirements: tuple[object, ...]
    code: Mapping[str, Stored] = field(default_factory=dict)
    image_tag: str | None = None
    account: str = "ACME"
    code_spec_id: str = "code_v1"
    job_name: str = "train"


def needs(objects: ObjectStore, *lines: str, code: Mapping[str, bytes] | None = None, **more: object) -> Needs:
    """The needs of these `pip_requirements`, with these files in the code directory."""
    from cleanroom_ml.specs.requirements import parse_requirement

    held = {path: Stored(objects.put_bytes(content), len(content)) for path, content in (code or {}).items()}
    return Needs(tuple(parse_requirement(line) for line in lines), held, **more)  # type: ignore[arg-type]

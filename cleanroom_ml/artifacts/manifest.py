"""The content manifest: every file of a directory with its size and SHA-256, and one digest of it all.

`content_digest` is the SHA-256 over the lines `<sha256>  <path>\\n`, sorted by the bytes of the path
(docs/ARCHITECTURE.md, decision 5). Anybody can recompute it in the directory:

    find . -type f -printf '%P\\n' | LC_ALL=C sort | xargs -d '\\n' sha256sum | sha256sum
"""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from cleanroom_ml.artifacts.paths import safe_relative_path
from cleanroom_ml.errors import UsageError

MAX_SIZE = 2**63 - 1
_SHA256 = re.compile(r"[0-9a-f]{64}\Z")


class InvalidManifestError(UsageError):
    """What should be a manifest is none."""


@dataclass(frozen=True, slots=True)
class FileEntry:
    """One file: `path` is POSIX and relative, `size` in bytes, `sha256` 64 lower-case hexadecimal digits.

    Raises:
        UnsafePathError: the path may not be in a manifest.
        InvalidManifestError: size or hash are none.
    """

    path: str
    size: int
    sha256: str

    def __post_init__(self) -> None:
        if not isinstance(self.path, str):
            raise InvalidManifestError("a path in the manifest is no text")
        safe_relative_path(self.path)
        if isinstance(self.size, bool) or not isinstance(self.size, int) or not 0 <= self.size <= MAX_SIZE:
            raise InvalidManifestError(f"the size of {self.path!r} in the manifest is no number of bytes")
        if not isinstance(self.sha256, str) or not _SHA256.match(self.sha256):
            raise InvalidManifestError(f"the hash of {self.path!r} in the manifest is no SHA-256")


@dataclass(frozen=True, slots=True)
class Manifest:
    """All files of a directory, sorted by the bytes of their paths whatever the order they are given in.

    Raises:
        InvalidManifestError: two paths are the same but for case or Unicode form, or one is a directory of another:
            such a directory would not be the same on every file system.
    """

    files: tuple[FileEntry, ...]

    def __post_init__(self) -> None:
        ordered = tuple(sorted(self.files, key=lambda entry: entry.path.encode("utf-8")))
        object.__setattr__(self, "files", ordered)
        check_distinct(entry.path for entry in ordered)

    @property
    def content_digest(self) -> str:
        """64 hexadecimal digits over everything."""
        digest = hashlib.sha256()
        for entry in self.files:
            digest.update(f"{entry.sha256}  {entry.path}\n".encode())
        return digest.hexdigest()

    @property
    def digest(self) -> str:
        """`sha256:<content_digest>`, as it is shown and pinned."""
        return f"sha256:{self.content_digest}"

    @property
    def total_size(self) -> int:
        """Bytes of all files together."""
        return sum(entry.size for entry in self.files)

    def by_path(self) -> dict[str, FileEntry]:
        return {entry.path: entry for entry in self.files}

    def to_json(self) -> list[dict[str, object]]:
        """A list of `{path, size, sha256}` that JSON can carry."""
        return [{"path": entry.path, "size": entry.size, "sha256": entry.sha256} for entry in self.files]

    @classmethod
    def from_json(cls, value: object) -> Manifest:
        """The manifest that a (hostile) list of `{path, size, sha256}` stands for.

        Raises:
            UnsafePathError: a path may not be in a manifest.
            InvalidManifestError: anything else is not as `to_json` writes it.
        """
        if not isinstance(value, list | tuple):
            raise InvalidManifestError("the manifest is no list")
        entries = []
        for item in value:
            if not isinstance(item, Mapping) or set(item) != {"path", "size", "sha256"}:
                raise InvalidManifestError("an entry of the manifest has other keys than path, size and sha256")
            entries.append(FileEntry(item["path"], item["size"], item["sha256"]))
        return cls(tuple(entries))


def check_distinct(paths: Iterable[str]) -> None:
    """Raise where two paths would meet on a file system that ignores case or normalises Unicode.

    Raises:
        InvalidManifestError: naming both.
    """
    seen: dict[str, str] = {}
    for path in paths:
        form = unicodedata.normalize("NFC", unicodedata.normalize("NFC", path).casefold())
        if form in seen:
            same = f"{path!r} is listed twice"
            alike = f"{seen[form]!r} and {path!r} are the same file where case does not count"
            raise InvalidManifestError(same if seen[form] == path else alike)
        seen[form] = path
    for form, path in seen.items():
        parent = form
        while "/" in parent:
            parent = parent.rpartition("/")[0]
            if parent in seen:
                raise InvalidManifestError(f"{seen[parent]!r} is a file and the directory of {path!r}")

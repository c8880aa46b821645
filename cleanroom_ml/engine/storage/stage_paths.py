"""Which paths a stage stores. They become file names in sandboxes and lines in manifests that people review."""

from __future__ import annotations

import unicodedata

from cleanroom_ml.engine.storage.errors import InvalidPath

MAX_PATH_BYTES = 1024
MAX_PART_BYTES = 255

# Cc, Cs: control characters and surrogates. Cf: invisible ones, among them those that turn the direction of text, which
# would show a reviewer another name than the one that runs. Zl, Zp: line ends.
_REFUSED = {"Cc", "Cs", "Cf", "Zl", "Zp"}


def checked_path(path: str) -> str:
    """`path` unchanged, if it is a relative path with `/` between its parts that means itself and nothing else.

    Raises:
        InvalidPath: absolute, empty, too long, not normalised (`.`, `..`, `//`, a trailing `/`), or with a backslash, a
            control character or an invisible character in it.
    """
    if not path:
        raise InvalidPath(path, "is empty")
    if any(unicodedata.category(character) in _REFUSED for character in path):
        raise InvalidPath(path, "has a control character or an invisible character in it")
    if "\\" in path:
        raise InvalidPath(path, "has a backslash in it; parts are separated by /")
    if path.startswith("/"):
        raise InvalidPath(path, "is absolute")
    if len(path.encode()) > MAX_PATH_BYTES:
        raise InvalidPath(path, f"is longer than {MAX_PATH_BYTES} bytes")
    for part in path.split("/"):
        if part in ("", ".", ".."):
            raise InvalidPath(path, f"is not normalised: it has the part {part!r}")
        if len(part.encode()) > MAX_PART_BYTES:
            raise InvalidPath(path, f"has a part longer than {MAX_PART_BYTES} bytes")
    return path


def parents(path: str) -> tuple[str, ...]:
    """The directories that a path implies: `a/b/c` → `("a", "a/b")`."""
    parts = path.split("/")
    return tuple("/".join(parts[:count]) for count in range(1, len(parts)))

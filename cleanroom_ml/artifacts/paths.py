"""The relative paths that a manifest may hold: what every file system, stage and reviewer reads the same way."""

from __future__ import annotations

from cleanroom_ml.errors import UsageError

MAX_NAME_BYTES = 255
MAX_PATH_BYTES = 1_024


class UnsafePathError(UsageError):
    """A path that is absolute, leaves its directory, or cannot be shown or stored as it is."""

    def __init__(self, path: str, reason: str) -> None:
        displayed = ascii(path if len(path) <= 120 else path[:120] + "…")
        super().__init__(f"the path {displayed} cannot be used: {reason}", fix="rename the file, or ignore it")
        self.path = path


def safe_relative_path(text: str) -> str:
    """The path itself, if it is a relative POSIX path that leads into the directory and nowhere else.

    Refused: an empty path, a leading or doubled slash, `.` and `..`, backslashes, characters that cannot be seen (line
    breaks, escapes, bidirectional controls), names that are not UTF-8, names over 255 and paths over 1,024 bytes.

    Raises:
        UnsafePathError: with the reason.
    """
    try:
        size = len(text.encode("utf-8"))
    except UnicodeEncodeError:
        raise UnsafePathError(text, "it is not UTF-8") from None
    if size > MAX_PATH_BYTES:
        raise UnsafePathError(text, f"it has {size:,} bytes; at most {MAX_PATH_BYTES:,} are allowed")
    if text.startswith("/"):
        raise UnsafePathError(text, "it is not relative")
    if "\\" in text:
        raise UnsafePathError(text, "it holds a backslash")
    if not text.isprintable():
        raise UnsafePathError(text, "it holds characters that cannot be seen")
    for name in text.split("/"):
        if name in ("", ".", ".."):
            raise UnsafePathError(text, f"it has the part {name!r}")
        if len(name.encode("utf-8")) > MAX_NAME_BYTES:
            raise UnsafePathError(text, f"a name in it has more than {MAX_NAME_BYTES} bytes")
    return text

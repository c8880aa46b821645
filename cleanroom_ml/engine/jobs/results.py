"""Collects the return value that a job left: a file from inside the sandbox, so every property of it is hostile."""

from __future__ import annotations

import errno
import json
import os
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal, NoReturn

Kind = Literal["none", "kept", "too_large", "invalid"]

RESULT_NAME = ".result.json"
"""Where the launcher leaves it, below the job's scratch directory (runtime/result.py has the other half)."""

MAX_DEPTH: Final = 128
"""Whoever reads the result parses it again, deeper in their own stack than we do; the launcher stops at 101."""


@dataclass(frozen=True, slots=True)
class Collected:
    """What was found. `text` is one strict JSON document where `kind` is `kept`; `message` says why it was refused."""

    kind: Kind
    text: str = ""
    message: str = ""


def collect(scratch: Path, limit_bytes: int) -> Collected:
    """Read the result below `scratch`, which no process of the job may still be writing.

    Links are not followed (neither of the file nor of the directory); only a regular file with one name counts, and
    never more than `limit_bytes` of it are read. The text that is kept is written anew from the parsed value: nothing
    but JSON gets out.
    """
    try:
        directory = os.open(scratch, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except FileNotFoundError:
        return Collected("none")
    try:
        return _collect_from(directory, limit_bytes)
    finally:
        os.close(directory)


def _collect_from(directory: int, limit_bytes: int) -> Collected:
    flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK | os.O_NOCTTY
    try:
        fd = os.open(RESULT_NAME, flags, dir_fd=directory)
    except FileNotFoundError:
        return Collected("none")
    except OSError as error:
        what = {errno.ELOOP: "a symbolic link", errno.ENXIO: "a socket or a pipe"}.get(error.errno or 0, "unreadable")
        return _invalid(f"its file is {what}")
    try:
        info = os.fstat(fd)
        if not stat.S_ISREG(info.st_mode):
            return _invalid("its file is not a regular file")
        if info.st_nlink != 1:
            return _invalid("its file has more than one name")
        # One byte more than allowed: the size that fstat told may be of another moment.
        with os.fdopen(os.dup(fd), "rb") as file:
            data = file.read(limit_bytes + 1)
    finally:
        os.close(fd)
    if len(data) > limit_bytes:
        size = max(info.st_size, len(data))
        return Collected("too_large", message=too_large(size, limit_bytes))
    return _parse(data, limit_bytes)


def _parse(data: bytes, limit_bytes: int) -> Collected:
    try:
        value = json.loads(data.decode("utf-8"), parse_constant=_no_constant)
        if _is_deeper(value, MAX_DEPTH):
            return _invalid("it is nested too deeply")
        text = json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
        size = len(text.encode("utf-8"))  # refuses lone surrogates
    except RecursionError:
        return _invalid("it is nested too deeply")
    except ValueError:
        return _invalid("it is not a JSON document")
    if size > limit_bytes:
        return Collected("too_large", message=too_large(size, limit_bytes))
    return Collected("kept", text=text)


def too_large(size: int, limit: int) -> str:
    """The message for a result of `size` bytes."""
    return (
        f"the job's result has {size:,} bytes; at most {limit:,} bytes may leave the room. "
        "Return a summary in __return__, and write what is larger to a table in schema cleanroom."
    )


def _invalid(why: str) -> Collected:
    return Collected("invalid", message=f"the job's result was not collected: {why}")


def _is_deeper(value: object, limit: int) -> bool:
    level = [value]
    for _ in range(limit):
        inner = [each.values() if isinstance(each, dict) else each for each in level if isinstance(each, dict | list)]
        if not inner:
            return False
        level = [item for items in inner for item in items]
    return any(isinstance(each, dict | list) for each in level)


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")

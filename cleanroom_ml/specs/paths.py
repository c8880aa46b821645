"""Paths that specs name: on a stage, and relative to a directory (docs/api-digest.md §2, code_spec)."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Annotated

from pydantic import BeforeValidator

from cleanroom_ml.specs.base import as_text, violation
from cleanroom_ml.specs.problems import displayed

_PART = r'(?:[A-Za-z_][A-Za-z0-9_$]*|"[A-Za-z0-9_$ .\-]+")'
_STAGE = re.compile(rf"@(?P<name>{_PART}(?:\.{_PART}){{1,2}})/(?P<path>.+)\Z")
# Stage paths end up inside quoted SQL text: an allow-list leaves nothing to escape.
_SEGMENT = re.compile(r"[A-Za-z0-9_.\-+=@(), ]+\Z")
_PATH_MAX = 1_024


def _segments(path: str, whole: str) -> tuple[str, ...]:
    segments = tuple(path.split("/"))
    if ".." in segments or "\\" in path:
        raise violation(f"{displayed(whole)} may leave its directory", "no '..' and no backslash")
    if not all(_SEGMENT.match(segment) and segment.strip() == segment and segment != "." for segment in segments):
        raise violation(
            f"{displayed(whole)} has a part that is empty or holds an unusual character",
            "letters, digits and _ . - + = @ ( ) , between single slashes",
        )
    return segments


def _stage_path(form: str, parts: tuple[int, ...], *, directory: bool) -> Callable[[object], str]:
    def check(value: object) -> str:
        text = as_text(value)
        if ".." in text or "\\" in text:
            raise violation(f"{displayed(text)} may leave its directory", "no '..' and no backslash")
        match = _STAGE.match(text)
        if match is None or len(text) > _PATH_MAX or len(re.findall(_PART, match["name"])) not in parts:
            raise violation(f"{displayed(text)} is not a path on an internal stage", form)
        path = match["path"]
        segments = _segments(path.rstrip("/") if directory else path, text)
        if directory and segments[-1].endswith(".py"):
            raise violation(f"{displayed(text)} names a file", "a directory; the file goes into entrypoint")
        return text

    return check


def relative_path(value: object) -> str:
    text = as_text(value)
    path = text.removeprefix("./").rstrip("/") or "."
    if text.startswith("/") or len(text) > _PATH_MAX or not text:
        raise violation(f"{displayed(text)} is not a relative path", "a path inside the directory")
    if path != ".":
        _segments(path, text)
    return path


def _entrypoint(value: object) -> str:
    text = as_text(value)
    if not text.endswith(".py") or text.rpartition("/")[2] == ".py":
        raise violation(
            f"{displayed(text)} is not a Python file", "a path to a .py file in stage_code_dir, not module.function"
        )
    return relative_path(text)


ArtifactStagePath = Annotated[
    str, BeforeValidator(_stage_path("@[DB.]SCHEMA.STAGE/path/to/file.ext", (2, 3), directory=False))
]
CodeStageDirectory = Annotated[str, BeforeValidator(_stage_path("@DB.SCHEMA.STAGE/path", (3,), directory=True))]
RelativePath = Annotated[str, BeforeValidator(relative_path)]
Entrypoint = Annotated[str, BeforeValidator(_entrypoint)]


def bare_stage_directory(value: object) -> str:
    """The project file's `stage`: like a code directory; kept without the `@` and without a slash at the end."""
    text = as_text(value).removeprefix("@").rstrip("/")
    _stage_path("DB.SCHEMA.STAGE/path", (3,), directory=True)("@" + text)
    return text


StageDirectory = Annotated[str, BeforeValidator(bare_stage_directory)]

"""Which files of a directory are left out: a fixed list, and what `.cleanroomignore` adds, in gitignore's language.

Supported: comments, `!`, `dir/`, a leading or inner slash to anchor, `*`, `?`, `[…]`, `**`, and `\\` before a special
character. The last pattern that matches decides; nothing inside an ignored directory can be brought back.
"""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache

from cleanroom_ml.errors import UsageError

IGNORE_FILE = ".cleanroomignore"
MAX_PATTERNS = 1_000
MAX_PATTERN_CHARACTERS = 512

DEFAULT_PATTERNS = (
    ".git",
    "__pycache__/",
    "*.pyc",
    ".venv/",
    "venv/",
    ".mypy_cache/",
    ".pytest_cache/",
    ".ruff_cache/",
    ".ipynb_checkpoints/",
    ".DS_Store",
    "node_modules/",
    "*.egg-info/",
    IGNORE_FILE,
)

_ANY_DEPTH = "**"


@dataclass(frozen=True, slots=True)
class _Pattern:
    parts: tuple[str, ...]
    negated: bool
    directories_only: bool


@dataclass(frozen=True, slots=True)
class IgnoreRules:
    """An ordered list of patterns; the last that matches decides."""

    patterns: tuple[_Pattern, ...] = ()

    @classmethod
    def none(cls) -> IgnoreRules:
        """Nothing is left out: for directories that no person edits."""
        return cls()

    @classmethod
    def parse(cls, lines: Iterable[str], *, defaults: bool = True) -> IgnoreRules:
        """The default patterns, then the lines of an ignore file.

        Raises:
            UsageError: there are too many patterns, or one is too long.
        """
        patterns = [_pattern(line) for line in (*(DEFAULT_PATTERNS if defaults else ()), *lines)]
        if len(patterns) > MAX_PATTERNS:
            raise UsageError(f"{IGNORE_FILE} has more than {MAX_PATTERNS} lines")
        return cls(tuple(pattern for pattern in patterns if pattern is not None))

    def ignores(self, path: str, *, directory: bool) -> bool:
        """Whether a relative path is left out. Its parents are not looked at: callers do not enter ignored ones."""
        names = tuple(path.split("/"))
        for pattern in reversed(self.patterns):
            if (directory or not pattern.directories_only) and _matches(pattern.parts, names):
                return not pattern.negated
        return False


def _pattern(line: str) -> _Pattern | None:
    text = line.rstrip("\r\n")
    if len(text) > MAX_PATTERN_CHARACTERS:
        raise UsageError(f"a line of {IGNORE_FILE} has more than {MAX_PATTERN_CHARACTERS} characters")
    stripped = text.rstrip(" ")
    text = stripped + " " if stripped.endswith("\\") and stripped != text else stripped
    if not text or text.startswith("#"):
        return None
    negated = text.startswith("!")
    text = text[negated:]
    directories_only = text.endswith("/")
    text = text.rstrip("/")
    anchored = "/" in text
    parts = tuple(_unescaped(part) for part in text.lstrip("/").split("/") if part)
    if not parts:
        return None
    if not anchored:
        parts = (_ANY_DEPTH, *parts)
    return _Pattern(parts, negated, directories_only)


def _unescaped(part: str) -> str:
    """fnmatch knows no backslash: `\\*` becomes `[*]`, `\\#` becomes `#`. gitignore's `[^a]` is fnmatch's `[!a]`."""
    escaped = re.sub(r"\\(.)", lambda match: f"[{match[1]}]" if match[1] in "*?[" else match[1], part)
    return escaped.replace("[^", "[!")


def _matches(parts: tuple[str, ...], names: tuple[str, ...]) -> bool:
    """Whether the names match the parts one by one; `**` is any number of names, at the end one or more."""
    reached = {0}
    for position, part in enumerate(parts):
        if part == _ANY_DEPTH:
            last = position == len(parts) - 1
            first = min(reached, default=len(names) + 1) + (1 if last else 0)
            reached = set(range(first, len(names) + 1))
        else:
            expression = _compiled(part)
            reached = {at + 1 for at in reached if at < len(names) and expression.match(names[at])}
        if not reached:
            return False
    return len(names) in reached


@lru_cache(maxsize=4_096)
def _compiled(part: str) -> re.Pattern[str]:
    return re.compile(fnmatch.translate(part))

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
    said: str
    above: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class IgnoreRules:
    """An ordered list of patterns; the last that matches decides."""

    patterns: tuple[_Pattern, ...] = ()

    @classmethod
    def none(cls) -> IgnoreRules:
        """Nothing is left out: for directories that no person edits."""
        return cls()

    @classmethod
    def parse(
        cls, lines: Iterable[str], *, defaults: bool = True, source: str = IGNORE_FILE, above: str = ""
    ) -> IgnoreRules:
        """The default patterns, then the lines of an ignore file.

        Args:
            source: what the ignore file is called when somebody asks why a file is left out.
            above: for an ignore file in a directory above: the way from there to the directory that is walked.

        Raises:
            UsageError: there are too many patterns, or one is too long.
        """
        listed = list(lines)
        if len(listed) > MAX_PATTERNS:
            raise UsageError(f"{source} has more than {MAX_PATTERNS} lines")
        way = tuple(part for part in above.split("/") if part)
        patterns = [_pattern(line, "always left out", ()) for line in (DEFAULT_PATTERNS if defaults else ())]
        patterns += [_pattern(line, source, way) for line in listed]
        return cls(tuple(pattern for pattern in patterns if pattern is not None))

    def then(self, further: IgnoreRules) -> IgnoreRules:
        """These rules, and after them others, which therefore decide where both match."""
        return IgnoreRules(self.patterns + further.patterns)

    def ignores(self, path: str, *, directory: bool) -> bool:
        """Whether a relative path is left out. Its parents are not looked at: callers do not enter ignored ones."""
        return self.reason(path, directory=directory) is not None

    def reason(self, path: str, *, directory: bool) -> str | None:
        """Why a relative path is left out (`.cleanroomignore: *.log`); None where it is not."""
        names = tuple(path.split("/"))
        for pattern in reversed(self.patterns):
            if (directory or not pattern.directories_only) and _matches(pattern.parts, pattern.above + names):
                return None if pattern.negated else pattern.said
        return None


def _pattern(line: str, source: str, above: tuple[str, ...]) -> _Pattern | None:
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
    return _Pattern(parts, negated, directories_only, f"{source}: {stripped}", above)


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

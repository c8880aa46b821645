"""HTML and SVG, built so that nothing but our own tags can be in it: whatever is no `Markup` is text and is escaped."""

from __future__ import annotations

import html
import re
import unicodedata

_COLOURS = re.compile(r"\x1b\[[0-9;:]*[mK]")
# Controls, formats (zero width, bidirectional, tags), halves of characters, line and paragraph separators.
_UNSEEN = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})
_NAME = re.compile(r"[a-zA-Z][a-zA-Z0-9-]*\Z")


class Markup(str):
    """Text that is HTML already. Only the functions of this module make it."""

    __slots__ = ()


def text(value: str) -> Markup:
    """Hostile text as HTML that shows it; what cannot be seen, or reorders what can, is written out (`\\u202e`)."""
    seen = "".join(
        ascii(char)[1:-1] if char not in "\t\n" and unicodedata.category(char) in _UNSEEN else char for char in value
    )
    return Markup(html.escape(seen, quote=True))


def log_line(line: str) -> str:
    """A line of a log without a terminal's colours; of a progress bar that redraws itself, the last state."""
    return _COLOURS.sub("", line.rstrip("\r").rpartition("\r")[2])


def short(value: str, most: int) -> str:
    """The first characters of a longer text, and `…`."""
    return value if len(value) <= most else value[: most - 1] + "…"


def tag(name: str, /, *children: str, **attributes: object) -> Markup:
    """An element. Attributes: `class_` is class, `_` stands for `-`; None leaves one out."""
    if not _NAME.match(name):
        raise ValueError(f"no element of ours: {name!r}")
    given = "".join(_attribute(key, value) for key, value in attributes.items() if value is not None)
    inner = "".join(child if isinstance(child, Markup) else text(child) for child in children)
    return Markup(f"<{name}{given}>{inner}</{name}>")


def void(name: str, /, **attributes: object) -> Markup:
    """An element that has no end (`meta`)."""
    return Markup(tag(name, **attributes).removesuffix(f"</{name}>"))


def join(*parts: str) -> Markup:
    """Several elements, one after the other."""
    return Markup("".join(part if isinstance(part, Markup) else text(part) for part in parts))


def style(css: str) -> Markup:
    """A style sheet of ours, as it is: its hash is in the page's policy, so that no other one counts."""
    if "<" in css:
        raise ValueError("a style sheet has no tags")
    return Markup(f"<style>{css}</style>")


def _attribute(key: str, value: object) -> str:
    name = key.rstrip("_").replace("_", "-")
    if not _NAME.match(name) or name.lower().startswith("on") or name == "style":
        raise ValueError(f"no attribute of ours: {key!r}")
    reported = f"{value:.2f}".rstrip("0").rstrip(".") if isinstance(value, float) else str(value)
    return f' {name}="{text(reported)}"'

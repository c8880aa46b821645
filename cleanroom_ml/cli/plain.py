"""Text of other parties made harmless: their logs, descriptions and error texts are stripped of control sequences."""

from __future__ import annotations

import re
import unicodedata

# CSI, OSC and the other escape sequences (ECMA-48), whole, so that no half of one is left on the screen. The strings
# (OSC, DCS, …) end at their terminator on the same line or are none: an unterminated one must not swallow what follows.
_ESCAPES = re.compile(
    r"\x1b\[[0-?]*[ -/]*[@-~]|\x1b[\]PX^_][^\x07\x1b\x9c\n]*(?:\x07|\x1b\\|\x9c)|\x1b[ -/]*[0-~]|\x9b[0-?]*[ -/]*[@-~]"
)
# What is left of C0 and C1 but tab and newline, and the marks that reorder text (Unicode UAX #9).
_CONTROLS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")
# JSON's own escapes cover C0; the document's line ends are outside of its strings. Halves of characters are no UTF-8.
_JSON_CONTROLS = re.compile(r"[\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
# Controls, formats (zero width, bidirectional, tags), halves of characters, line and paragraph separators.
_UNSEEN = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})


def plain(text: str) -> str:
    """`text` with nothing in it that a terminal would act on; a carriage return before a newline goes too."""
    return _CONTROLS.sub("", _ESCAPES.sub("", text.replace("\r\n", "\n").replace("\r", "\n")))


def visible(text: str) -> str:
    """`text` with everything that cannot be seen written out (`\\x1b`, `\\u202e`, `\\n`); for what somebody must judge.

    Leaving it out, as `plain` does, would show other text than what runs.
    """
    return "".join(
        ascii(char)[1:-1] if char != "\t" and unicodedata.category(char) in _UNSEEN else char for char in text
    )


def escaped_json(text: str) -> str:
    """A JSON document with the characters of `plain` as `\\u` escapes: the same values, nothing a terminal acts on."""
    return _JSON_CONTROLS.sub(lambda match: f"\\u{ord(match.group()):04x}", text)

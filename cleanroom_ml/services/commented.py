"""A spec's text with a comment above each key: what the reference says about it, so that the two cannot part."""

from __future__ import annotations

import re
import textwrap

from cleanroom_ml.specs.reference import keys

_LINE = re.compile(r"(?P<indent> *)(?P<item>- )?(?P<out>#)?(?P<key>[A-Za-z_]\w*):(?P<value>.*)")
_WIDTH = 100


def commented(text: str, word: str) -> str:
    """The text of a spec in block style, each key explained where it stands first.

    A key that is left out is written `#key: value`: without the `#` it holds. Free lines `# …` stay.

    Args:
        word: the spec, as the reference calls it (`cleanroom`, `code_spec`, …).
    """
    descriptions = {key.path: key.description for key in keys()}
    explained: set[str] = set()
    places: list[tuple[int, str]] = [(-1, word)]
    lines: list[str] = []
    block: int | None = None
    for line in text.splitlines():
        match = _LINE.match(line)
        depth = len(line) - len(line.lstrip(" "))
        inside = block is not None and (not line.strip() or depth > block)
        if match is None or inside:
            lines.append(line)
            continue
        column = depth + len(match["item"] or "")
        block = column if match["value"].strip() in ("|", ">", ">-") else None
        while places[-1][0] >= column:
            places.pop()
        above = places[-1][1]
        # A name of the person's own (a column, an alias) is no key: what is below it belongs to the key above it.
        path = f"{above}.{match['key']}"
        known = path in descriptions
        places.append((column, path if known else above))
        if known and path not in explained:
            explained.add(path)
            if depth == 0 and lines:
                lines.append("")
            lines += _comment(descriptions[path], depth)
        lines.append(line)
    return "\n".join(lines) + "\n"


def _comment(text: str, depth: int) -> list[str]:
    prefix = " " * depth + "# "
    return textwrap.wrap(
        text, _WIDTH, initial_indent=prefix, subsequent_indent=prefix, break_long_words=False, break_on_hyphens=False
    )

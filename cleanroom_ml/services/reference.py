"""The reference of the specs' keys: found by a part of their path, and as a page.

`python -m cleanroom_ml.services.reference FILE` writes the page that is `docs/reference/specs.md`.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from difflib import get_close_matches
from pathlib import Path

from cleanroom_ml.errors import UsageError
from cleanroom_ml.specs.reference import MODELS, Key, keys

__all__ = ["Key", "explain", "find", "keys", "page"]

_INDEX = re.compile(r"\[\d+\]")
_NEAR = 5
_FILES = {
    "cleanroom": "`cleanroom.yaml`, the project file: what one party's directory holds.",
    "collaboration": "`collaboration.yaml`: who takes part, in which roles.",
    "code_spec": "A code spec: which staged code can be called.",
    "template": "A template: what a runner may run.",
    "data_offering": "A data offering: which columns are shared.",
    "analysis": "An analysis: one run of a template. `run` and `activate` write it.",
    "ml_job_action": "An ML job action. `status`, `logs` and `result` write it where a target has no more than that.",
}


def find(words: str) -> tuple[Key, ...]:
    """The keys that somebody means: by a whole path, its end, or as an error of `validate` names it.

    `ml_jobs[0].entrypoint` and `datasets.schema_and_template_policies.email.category` are understood: indexes, and
    names that are no key, are passed over.

    Raises:
        UsageError: no key is called so; names the nearest.
    """
    asked = [part for part in _INDEX.sub("", words.strip().removesuffix(".yaml")).split(".") if part]
    if not asked:
        raise UsageError("no key named", fix="cleanroom-ml help")
    everything = keys()
    exact = tuple(key for key in everything if key.path == ".".join(asked))
    below = tuple(key for key in everything if len(asked) == 1 and asked[0] in MODELS and key.parts[0] == asked[0])
    known = {part for key in everything for part in key.parts}
    wanted = [part for part in asked if part in known]
    ending = tuple(key for key in everything if asked[-1] == key.parts[-1] and _in_order(wanted, key.parts))
    found = exact or tuple(dict.fromkeys((*below, *ending)))
    if not found:
        raise _unknown(words, asked)
    return found


def explain(found: tuple[Key, ...]) -> str:
    """The keys for a person, several lines each."""
    blocks = []
    for key in found:
        lines = [key.path, f"  {key.holds}; {_presence(key)}", f"  {key.description}"]
        below = [each.parts[-1] for each in keys() if each.parts[:-1] == key.parts]
        if below:
            lines.append(f"  keys: {', '.join(below)}")
        blocks.append("\n".join(lines))
    return "\n\n".join(blocks)


def page() -> str:
    """The whole reference as Markdown."""
    return "\n".join(_page()) + "\n"


def _page() -> Iterator[str]:
    yield "# Every key of every spec"
    yield ""
    yield "Generated from the models (`make docs`). `cleanroom-ml help KEY` shows the same in a terminal."
    yield "In a path, names that you choose yourself (a column, an alias, a run) are left out."
    for word in MODELS:
        yield ""
        yield f"## {word}"
        yield ""
        yield _FILES[word]
        yield ""
        yield "| key | value | | what it is for |"
        yield "|---|---|---|---|"
        for key in keys():
            if key.parts[0] == word:
                cells = (f"`{'.'.join(key.parts[1:])}`", key.holds, _presence(key), key.description)
                yield "| " + " | ".join(_cell(cell) for cell in cells) + " |"


def _presence(key: Key) -> str:
    return "required" if key.required else f"default {key.default}" if key.default else "optional"


def _cell(text: str) -> str:
    """Markdown reads `<…>` as a tag and `|` as the next cell."""
    return text if text.startswith("`") else text.replace("|", "\\|").replace("<", "&lt;")


def _in_order(wanted: list[str], parts: tuple[str, ...]) -> bool:
    rest = iter(parts)
    return all(part in rest for part in wanted)


def _unknown(words: str, asked: list[str]) -> UsageError:
    everything = keys()
    ends = {key.parts[-1]: key for key in reversed(everything)}
    near = get_close_matches(".".join(asked), [key.path for key in everything], n=_NEAR, cutoff=0.7)
    near += [ends[name].path for name in get_close_matches(asked[-1], ends, n=_NEAR, cutoff=0.6)]
    listed = list(dict.fromkeys(near))[:_NEAR]
    return UsageError(
        f"no spec has a key {words!r}",
        why=f"did you mean {', '.join(listed)}?" if listed else None,
        fix=f"cleanroom-ml help {listed[0]}" if listed else "cleanroom-ml help",
    )


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(page(), encoding="utf-8")

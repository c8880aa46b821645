"""Small edits of a spec's own text that keep its comments and layout, and the next version after one."""

from __future__ import annotations

import re

from cleanroom_ml.errors import UsageError
from cleanroom_ml.naming import fold
from cleanroom_ml.specs.identifiers import VERSION_MAX
from cleanroom_ml.specs.problems import Problem, SpecProblems, displayed
from cleanroom_ml.specs.yaml_tree import Mapping, Scalar, Sequence, read_tree

_TRAILING_NUMBER = re.compile(r"(.*?)([0-9]+)\Z", re.DOTALL)


def bump_version(version: str) -> str:
    """The next version: `V1` → `V2`, `1` → `2`, `v1_9` → `v1_10`, `v09` → `v10`, `beta` → `beta_2`.

    Raises:
        UsageError: the next one would be longer than a version may be.
    """
    match = _TRAILING_NUMBER.match(version)
    following = match[1] + str(int(match[2]) + 1).zfill(len(match[2])) if match else f"{version}_2"
    if len(following) > VERSION_MAX:
        raise UsageError(
            f"there is no version after {displayed(version)}",
            why=f"a version has at most {VERSION_MAX} characters",
            fix="choose a shorter version in the spec's file",
        )
    return following


def set_version_in_text(text: str, new: str) -> str:
    """The spec's text with another version and nothing else changed.

    Raises:
        SpecProblems: the text is not a spec with a version.
    """
    version = _root(text).entries.get("version")
    if version is None or not isinstance(version.value, Scalar):
        raise SpecProblems([Problem("<spec>", 1, 1, "version", "the key is missing")])
    return _replace(text, version.value, new)


def replace_code_spec_reference(template_text: str, old_id: str, new_id: str) -> str:
    """The template's text with one id in its `code_specs` list replaced and nothing else changed.

    Raises:
        SpecProblems: the text is not YAML, or lists no such id.
    """
    entry = _root(template_text).entries.get("code_specs")
    items = entry.value.items if entry and isinstance(entry.value, Sequence) else []
    for item in items:
        if isinstance(item, Scalar) and item.text.upper() == fold(old_id):
            return _replace(template_text, item, new_id)
    raise SpecProblems([Problem("<spec>", 1, 1, "code_specs", f"does not list {displayed(old_id)}")])


def _root(text: str) -> Mapping:
    tree = read_tree(text.removeprefix("\ufeff"), "<spec>")
    if not isinstance(tree, Mapping):
        raise SpecProblems([Problem("<spec>", tree.line, tree.column, "", "the document is no mapping")])
    return tree


def _replace(text: str, value: Scalar, new: str) -> str:
    """`new` where `value` stands, in the same kind of quotes. `new` is a version or an id: it never needs escaping."""
    shift = len(text) - len(text.removeprefix("\ufeff"))
    start, end = value.start + shift, value.end + shift
    quote = text[start] if text[start] in "'\"" else ""
    return text[:start] + quote + new + quote + text[end:]

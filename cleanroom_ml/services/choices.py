"""What the values of a template may choose, beyond being data: for the person who decides on it."""

from __future__ import annotations

import re
from dataclasses import dataclass

from cleanroom_ml.specs.name_choices import CODE, STAGE, STATEMENT, Choice, name_choices
from cleanroom_ml.specs.template import Template
from cleanroom_ml.specs.template_text import Expression, assignments

_POLICIES = {
    "join_policy": "the join policy",
    "column_policy": "the column policy",
    "activation_policy": "the activation policy",
    "join_and_column_policy": "the join or the column policy",
}
# One variable, an element of it, and filters: what the last filter has checked is then all that is written.
_CHAIN = re.compile(r"[\w.]+(?:\[[^\[\]]*\])*(?:\s*\|\s*\w+)*\Z")
_ANYTHING = "*"
_MAX_STEPS = 1_000


@dataclass(frozen=True, slots=True)
class Chosen:
    """A place where a value is more than data.

    `kind` is name, stage, statement or code; `allowed` says what may be chosen there; `fixed`: the template's own text
    chooses, and nobody else.
    """

    kind: str
    text: str
    line: int
    allowed: str
    fixed: bool


@dataclass(frozen=True, slots=True)
class Choices:
    """All of them. `uncertain`: the template's blocks stand so that there may be more (see `specs.name_choices`)."""

    found: tuple[Chosen, ...]
    uncertain: bool


def choices_of(spec: Template) -> Choices:
    """What the values of a template may choose."""
    made = assignments(spec.template)
    read = name_choices(spec.template)
    return Choices(tuple(_chosen(spec, choice, made) for choice in read.found), read.uncertain)


def _chosen(spec: Template, choice: Choice, made: dict[str, frozenset[str]]) -> Chosen:
    expression = choice.expression
    if expression is None:
        return Chosen(choice.kind, choice.text, choice.line, "whatever the block computes for it", False)
    sources = _sources(expression.names, made)
    if sources <= {"preset_tables"}:
        named = ", ".join(table.template_view_name for table in spec.preset_tables) if sources else "its own text"
        return Chosen(choice.kind, choice.text, choice.line, f"fixed by the template: {named}", True)
    return Chosen(choice.kind, choice.text, choice.line, _allowed(choice.kind, expression), False)


def _sources(names: tuple[str, ...], made: dict[str, frozenset[str]]) -> frozenset[str]:
    """The variables from outside that names are made of; `*` where the template does not tell."""
    found: set[str] = set()
    seen: set[str] = set()
    left = list(names)
    while left:
        name = left.pop()
        if name in seen:
            continue
        seen.add(name)
        # A variable from outside stays one, where the template makes another of its name in some branch.
        found.add(name)
        left += made.get(name, ())
        if len(seen) > _MAX_STEPS:
            return frozenset({_ANYTHING})
    return frozenset(found - {name for name in found if made.get(name)} or {_ANYTHING}) if found else frozenset()


def _allowed(kind: str, expression: Expression) -> str:
    if kind == CODE:
        return "the code's own to use"
    if kind == STATEMENT:
        return "ANY statement: the runner writes it"
    if kind == STAGE:
        return "ANY stage of the room"
    plain = _CHAIN.match(expression.text) is not None
    if plain and expression.filters and expression.filters[-1] in _POLICIES:
        return f"a column that {_POLICIES[expression.filters[-1]]} of its data offering allows"
    if plain and not expression.filters and expression.names == ("source_table",):
        return "any dataset that is shared with the runner"
    if plain and not expression.filters and expression.names == ("my_table",):
        return "any dataset of the runner's own"
    return "ANY column, table or other name that the run can read: no policy filter checks it"

"""Templates as a target shows them: a spec as it was registered, or with what the target has added to it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass

from cleanroom_ml.specs.parse import plain_mapping
from cleanroom_ml.specs.problems import SpecProblems
from cleanroom_ml.specs.template_text import variable_names


@dataclass(frozen=True, slots=True)
class ReadTemplate:
    """What of a template's spec matters to whoever runs it."""

    name: str
    type: str
    body: str
    code_specs: tuple[str, ...]
    parameters: tuple[str, ...]

    def argument_names(self) -> frozenset[str]:
        """What a runner may pass: the parameters, and the variables of the body, which may be more than that."""
        return frozenset((*self.parameters, *variable_names(self.body)))


def read_template(shown: object) -> ReadTemplate | None:
    """The template of a TEMPLATE_SPEC: YAML, JSON or an object, whatever else is in it; None: it has no body to run."""
    text = json.dumps(shown, default=str) if isinstance(shown, dict) else str(shown or "")
    try:
        spec = plain_mapping(text, source="a template")
    except SpecProblems:
        return None
    body = spec.get("template")
    if not isinstance(body, str):
        return None
    return ReadTemplate(
        name=str(spec.get("name") or ""),
        type=str(spec.get("type") or "sql_analysis").lower(),
        body=body,
        code_specs=tuple(_texts(spec.get("code_specs"), "id")),
        parameters=tuple(_texts(spec.get("parameters"), "name")),
    )


def _texts(listed: object, key: str) -> Iterator[str]:
    """The texts of a list, or one member of each of its objects."""
    for each in listed if isinstance(listed, list) else ():
        value = each.get(key) if isinstance(each, dict) else each
        if isinstance(value, str):
            yield value

"""Every key of every spec, read from the models: its place, what it holds, whether it must be there, what it is for."""

from __future__ import annotations

import types
from collections.abc import Iterator, Mapping
from collections.abc import Mapping as MappingType
from dataclasses import dataclass
from functools import cache
from typing import Annotated, Literal, Union, get_args, get_origin

from pydantic.fields import FieldInfo

from cleanroom_ml.specs.analysis import Analysis
from cleanroom_ml.specs.base import SpecModel
from cleanroom_ml.specs.code_spec import CodeSpec
from cleanroom_ml.specs.collaboration import Collaboration
from cleanroom_ml.specs.data_offering import DataOffering
from cleanroom_ml.specs.ml_job_action import MlJobAction
from cleanroom_ml.specs.project import Project
from cleanroom_ml.specs.template import Template

MODELS: Mapping[str, type[SpecModel]] = {
    "cleanroom": Project,
    "collaboration": Collaboration,
    "code_spec": CodeSpec,
    "template": Template,
    "data_offering": DataOffering,
    "analysis": Analysis,
    "ml_job_action": MlJobAction,
}
"""The specs by the word that the reference begins with: the project file's is its own name, cleanroom.yaml."""

# A model's collected free keys stand flat in the file: what they are is said at the key above them.
_GATHERED = "arguments"
_WORDS: Mapping[object, str] = {str: "text", bool: "true or false", int: "whole number", float: "number"}


@dataclass(frozen=True, slots=True)
class Key:
    """One key. `path` begins with the spec's word; keys that a person chooses (a column, an alias) have no part in it.

    Attributes:
        holds: what its value is, in words.
        default: what holds where it is left out, as YAML; `` where it must be there or nothing holds.
    """

    path: str
    holds: str
    required: bool
    default: str
    description: str

    @property
    def parts(self) -> tuple[str, ...]:
        return tuple(self.path.split("."))


@cache
def keys() -> tuple[Key, ...]:
    """All keys of all specs, in the order of the models, each before the keys below it."""
    return tuple(key for word, model in MODELS.items() for key in _keys(word, model))


def _keys(above: str, model: type[SpecModel]) -> Iterator[Key]:
    for name, field in model.model_fields.items():
        if name == _GATHERED and hasattr(model, "listed"):
            continue
        path = f"{above}.{name}"
        holds, below = _described(field.annotation)
        yield Key(path, holds, field.is_required(), _default(field), field.description or "")
        if below is not None:
            yield from _keys(path, below)


def _default(field: FieldInfo) -> str:
    value = None if field.is_required() else field.get_default(call_default_factory=True)
    if isinstance(value, bool):
        return str(value).lower()
    return str(value) if isinstance(value, int | float | str) else ""


def _described(annotation: object) -> tuple[str, type[SpecModel] | None]:
    """What a value of this type is, in words, and the model of what is below it."""
    while True:
        origin = get_origin(annotation)
        if origin is Annotated:
            annotation = get_args(annotation)[0]
        elif origin in (Union, types.UnionType):
            annotation = next(part for part in get_args(annotation) if part is not type(None))
        else:
            break
    arguments = get_args(annotation)
    if origin is Literal:
        return " or ".join(str(value) for value in arguments), None
    if origin is tuple:
        inner, below = _described(arguments[0])
        return f"list: {inner}", below
    if origin is MappingType:
        inner, below = _described(arguments[1])
        return f"mapping of name to {inner}", below
    if isinstance(annotation, type) and issubclass(annotation, SpecModel):
        return "mapping", annotation
    return _WORDS.get(annotation, "any value"), None

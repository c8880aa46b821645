"""YAML text to a typed spec, or every problem found in it with its line and column."""

from __future__ import annotations

import types
from collections.abc import Mapping as MappingType
from difflib import get_close_matches
from enum import StrEnum
from typing import Annotated, TypeVar, Union, get_args, get_origin

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from cleanroom_ml.specs.analysis import Analysis
from cleanroom_ml.specs.base import FINDINGS, GATHERED, Finding, SpecModel
from cleanroom_ml.specs.code_spec import CodeSpec
from cleanroom_ml.specs.collaboration import Collaboration
from cleanroom_ml.specs.data_offering import DataOffering
from cleanroom_ml.specs.ml_job_action import MlJobAction
from cleanroom_ml.specs.problems import Problem, SpecProblems, displayed
from cleanroom_ml.specs.template import Template
from cleanroom_ml.specs.yaml_tree import (
    Mapping,
    Node,
    Scalar,
    Sequence,
    ambiguous_numbers,
    as_written,
    read_tree,
    to_python,
)

Spec = CodeSpec | Template | DataOffering | Collaboration | Analysis | MlJobAction
Model = TypeVar("Model", bound=SpecModel)
Location = tuple[str | int, ...]

MAX_PROBLEMS = 100


class SpecType(StrEnum):
    CODE_SPEC = "code_spec"
    TEMPLATE = "template"
    DATA_OFFERING = "data_offering"
    COLLABORATION = "collaboration"
    ANALYSIS = "analysis"
    ML_JOB_ACTION = "ml_job_action"


MODELS: dict[SpecType, type[Spec]] = {
    SpecType.CODE_SPEC: CodeSpec,
    SpecType.TEMPLATE: Template,
    SpecType.DATA_OFFERING: DataOffering,
    SpecType.COLLABORATION: Collaboration,
    SpecType.ANALYSIS: Analysis,
    SpecType.ML_JOB_ACTION: MlJobAction,
}
_TYPES: dict[type[SpecModel], SpecType] = {model: spec_type for spec_type, model in MODELS.items()}


def parse_spec(text: str, *, source: str = "<spec>", expect: SpecType | None = None) -> Spec:
    """The spec that `text` holds.

    Args:
        text: YAML, at most 16 MiB.
        source: the file's name, for messages.
        expect: the one type that is welcome; None: any of the six.

    Raises:
        SpecProblems: with every problem found, in the order of the file.
    """
    tree = _mapping(text, source)
    entry = tree.entries.get("spec_type")
    wanted = [expect] if expect else list(SpecType)
    allowed = ", ".join(wanted)
    if entry is None:
        raise SpecProblems([Problem(source, tree.line, tree.column, "spec_type", "the key is missing", allowed)])
    value = entry.value
    if not isinstance(value, Scalar) or value.text not in wanted:
        got = displayed(value.text) if isinstance(value, Scalar) else "a list or mapping"
        problem = Problem(source, value.line, value.column, "spec_type", f"is {got}", allowed)
        raise SpecProblems([problem])
    return build(MODELS[SpecType(value.text)], tree, text, source)


def parse_as(model: type[Model], text: str, *, source: str = "<spec>") -> Model:
    """Like `parse_spec`, for the one model wanted (one of the six, or the project file's).

    Raises:
        SpecProblems: with every problem found.
    """
    spec_type = _TYPES.get(model)
    if spec_type is not None:
        parsed = parse_spec(text, source=source, expect=spec_type)
        assert isinstance(parsed, model)
        return parsed
    return build(model, _mapping(text, source), text, source)


def plain_mapping(text: str, *, source: str = "<spec>") -> dict[str, object]:
    """The keys and values of a document that is no spec as it was written, such as one that a target shows with what
    it has added; under the bounds of every document, with numbers as the text that they are.

    Raises:
        SpecProblems: it is no mapping, or breaks a bound.
    """
    found = as_written(_mapping(text, source))
    assert isinstance(found, dict)
    return found


def _mapping(text: str, source: str) -> Mapping:
    tree = read_tree(text.removeprefix("\ufeff"), source)
    if not isinstance(tree, Mapping):
        problem = Problem(source, tree.line, tree.column, "", "the document is no mapping", "keys and values")
        raise SpecProblems([problem])
    return tree


def build(model: type[Model], tree: Mapping, text: str, source: str) -> Model:
    """The model that a tree holds.

    Raises:
        SpecProblems: with every problem found.
    """
    odd = [
        Problem(source, node.line, node.column, "", what, "put it in quotes") for node, what in ambiguous_numbers(tree)
    ]
    if odd:
        raise SpecProblems(odd[:MAX_PROBLEMS])
    try:
        return model.model_validate(to_python(tree))
    except ValidationError as error:
        placed = _Placer(model, tree, text.removeprefix("\ufeff").split("\n"), source)
        found = {problem: None for detail in error.errors(include_url=False) for problem in placed.problems(detail)}
        raise SpecProblems(sorted(found, key=lambda at: (at.line, at.column, at.field))[:MAX_PROBLEMS]) from None


def place(
    text: str, source: str, location: Location, what: str, allowed: str = "", *, line: int | None = None
) -> Problem:
    """A problem with a value of a document that was parsed before; `line` is 1-based inside a text of several lines."""
    placed = _Placer(SpecModel, _mapping(text, source), text.removeprefix("\ufeff").split("\n"), source)
    return placed.finding(location, Finding((), what, allowed, line=line))


_NATIVE = {
    "tuple_type": ("must be a list", "a list: one item a line, each after '- '"),
    "list_type": ("must be a list", "a list: one item a line, each after '- '"),
    "dict_type": ("must be a mapping", "keys and values"),
    "mapping_type": ("must be a mapping", "keys and values"),
    "model_type": ("must be a mapping", "keys and values"),
    "model_attributes_type": ("must be a mapping", "keys and values"),
}


class _Placer:
    """Turns pydantic's errors into problems with a place in the file."""

    def __init__(self, model: type[SpecModel], tree: Mapping, lines: list[str], source: str) -> None:
        self._model = model
        self._tree = tree
        self._lines = lines
        self._source = source

    def problems(self, detail: ErrorDetails) -> list[Problem]:
        kind, location, context = detail["type"], detail["loc"], detail.get("ctx", {})
        if kind == FINDINGS:
            return [self.finding(location, finding) for finding in context[FINDINGS]]
        if kind == "missing":
            return [self._problem(location, "the key is missing", parent=True)]
        if kind == "extra_forbidden":
            return [self._problem(location, *self._unknown(location), at_key=True)]
        if kind == "rule":
            if location and location[-1] == "[key]":
                return [self._problem(location[:-1], context["what"], context["allowed"], at_key=True)]
            return [self._problem(location, context["what"], context["allowed"])]
        what, allowed = _NATIVE.get(kind, (detail["msg"], ""))
        return [self._problem(location, what, allowed)]

    def _unknown(self, location: Location) -> tuple[str, str]:
        known = _keys_at(self._model, location[:-1])
        near = get_close_matches(str(location[-1]), known, n=1, cutoff=0.6)
        hint = f"; did you mean {near[0]!r}?" if near else ""
        return f"unknown key {displayed(location[-1])}{hint}", ", ".join(known)

    def finding(self, location: Location, finding: Finding) -> Problem:
        whole = (*location, *finding.loc)
        problem = self._problem(whole, finding.what, finding.allowed, at_key=finding.at_key)
        node, _ = self._walk(whole)
        if finding.line is None or not (isinstance(node, Scalar) and node.literal):
            return problem
        line = node.line + finding.line
        column = self._lines[line - 1].find(finding.needle) + 1 if line <= len(self._lines) else 0
        return Problem(self._source, line, max(column, 1), problem.field, problem.what, problem.allowed)

    def _problem(
        self, location: Location, what: str, allowed: str = "", *, at_key: bool = False, parent: bool = False
    ) -> Problem:
        node, key = self._walk(location[:-1] if parent else location)
        place = key if at_key and key is not None else node
        return Problem(self._source, place.line, place.column, _dotted(location), what, allowed)

    def _walk(self, location: Location) -> tuple[Node, Scalar | None]:
        """The node at a location and its key. A part that the file does not have (a model's own) is passed over."""
        node: Node = self._tree
        key: Scalar | None = None
        for part in location:
            if isinstance(node, Mapping) and str(part) in node.entries:
                entry = node.entries[str(part)]
                node, key = entry.value, entry.key
            elif isinstance(node, Sequence) and isinstance(part, int) and part < len(node.items):
                node, key = node.items[part], None
        return node, key


def _dotted(location: Location) -> str:
    text = ""
    for part in location:
        if isinstance(part, int):
            text += f"[{part}]"
        elif part != GATHERED:
            name = part if part.isidentifier() and len(part) <= 75 else displayed(part)
            text += f".{name}" if text else name
    return text


def _keys_at(model: type[SpecModel], location: Location) -> list[str]:
    """The keys that the model at a location knows; none where there is no model."""
    annotation: object = model
    for part in location:
        annotation = _strip(annotation)
        if isinstance(annotation, type) and issubclass(annotation, SpecModel):
            known = annotation.model_fields.get(str(part))
            annotation = known.annotation if known else None
        else:
            inner = get_args(annotation)
            annotation = inner[1] if get_origin(annotation) is MappingType else (inner[0] if inner else None)
    annotation = _strip(annotation)
    if isinstance(annotation, type) and issubclass(annotation, SpecModel):
        return list(annotation.model_fields)
    return []


def _strip(annotation: object) -> object:
    """An annotation without `Annotated` and `| None`."""
    while True:
        origin = get_origin(annotation)
        if origin is Annotated:
            annotation = get_args(annotation)[0]
        elif origin in (Union, types.UnionType):
            annotation = next(part for part in get_args(annotation) if part is not type(None))
        else:
            return annotation

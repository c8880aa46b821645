"""Specs as a target shows them: with what it has added, as YAML or as JSON."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeVar

import yaml

from cleanroom_ml.json_values import Document
from cleanroom_ml.specs.base import SpecModel
from cleanroom_ml.specs.code_spec import CodeSpec, MlJob
from cleanroom_ml.specs.collaboration import Collaboration
from cleanroom_ml.specs.parse import parse_as, plain_mapping
from cleanroom_ml.specs.problems import SpecProblems
from cleanroom_ml.specs.template import Template

Model = TypeVar("Model", bound=SpecModel)


def template_of(text: str, source: str) -> tuple[Template, Document]:
    """A template, and what stands beside it under keys that no template has.

    Raises:
        SpecProblems: it is none.
    """
    return read_shown(Template, text, source)


def collaboration_of(text: str, source: str) -> Collaboration:
    """A collaboration, whatever stands beside it.

    Raises:
        SpecProblems: it is none.
    """
    return read_shown(Collaboration, text, source)[0]


def code_spec_of(text: str, source: str) -> tuple[CodeSpec, Document, dict[str, Document]]:
    """A code spec, what stands beside it, and by each ML job's name what stands beside that: its manifest, mostly.

    Raises:
        SpecProblems: it is none.
    """
    plain = plain_mapping(text, source=source)
    beside: dict[str, Document] = {}
    jobs = []
    listed = plain.get("ml_jobs")
    for job in listed if isinstance(listed, list) else []:
        if isinstance(job, Mapping):
            jobs.append({key: value for key, value in job.items() if key in MlJob.model_fields})
            beside[str(job.get("name"))] = {key: value for key, value in job.items() if key not in MlJob.model_fields}
    known = {key: value for key, value in plain.items() if value not in (None, [], {})}
    written = yaml.safe_dump({**known, **({"ml_jobs": jobs} if jobs else {})}, sort_keys=False, allow_unicode=True)
    return (*read_shown(CodeSpec, written, source), beside)


def read_shown(model: type[Model], text: str, source: str) -> tuple[Model, Document]:
    """A spec of one kind, and what stands beside it under keys that it does not have.

    Raises:
        SpecProblems: it is none.
    """
    try:
        return parse_as(model, text, source=source), {}
    except SpecProblems as problems:
        plain = plain_mapping(text, source=source)
        known = model.model_fields.keys() | {"api_version", "spec_type"}
        beside = {key: value for key, value in plain.items() if key not in known}
        empty = {key for key, value in plain.items() if value in (None, [], {})}
        if not beside and not empty:
            raise problems
        kept = {key: value for key, value in plain.items() if key in known and key not in empty}
        return parse_as(model, yaml.safe_dump(kept, sort_keys=False, allow_unicode=True), source=source), beside

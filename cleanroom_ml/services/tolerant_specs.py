"""Specs as a target shows them: with what it has added, as YAML or as JSON."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeVar

import yaml

from cleanroom_ml.json_values import Document
from cleanroom_ml.specs.base import SpecModel
from cleanroom_ml.specs.code_spec import CodeSpec, MlJob
from cleanroom_ml.specs.collaboration import (
    ActivationDestinations,
    AnalysisRunner,
    Collaboration,
    DataProvider,
    Reference,
)
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
    """A collaboration, whatever stands beside it, and beside its runners, providers and references.

    Raises:
        SpecProblems: it is none.
    """
    try:
        return parse_as(Collaboration, text, source=source)
    except SpecProblems:
        known = _members(plain_mapping(text, source=source), Collaboration)
        runners = known.get("analysis_runners")
        known["analysis_runners"] = {
            alias: _runner(runner) for alias, runner in (runners.items() if isinstance(runners, Mapping) else ())
        }
        return parse_as(Collaboration, yaml.safe_dump(known, sort_keys=False, allow_unicode=True), source=source)


def _runner(told: object) -> dict[str, object]:
    runner = _members(told, AnalysisRunner)
    providers = runner.get("data_providers")
    runner["data_providers"] = {
        alias: {"data_offerings": _references(_members(provider, DataProvider).get("data_offerings"))}
        for alias, provider in (providers.items() if isinstance(providers, Mapping) else ())
    }
    if "templates" in runner:
        runner["templates"] = _references(runner["templates"])
    if "activation_destinations" in runner:
        runner["activation_destinations"] = _members(runner["activation_destinations"], ActivationDestinations)
    return runner


def _references(told: object) -> list[dict[str, object]]:
    """What is listed by its id, or as it."""
    listed = told if isinstance(told, list) else []
    return [_members(each, Reference) if isinstance(each, Mapping) else {"id": each} for each in listed]


def _members(told: object, model: type[SpecModel]) -> dict[str, object]:
    """What a model has a field for, and is there."""
    if not isinstance(told, Mapping):
        return {}
    return {str(key): value for key, value in told.items() if key in model.model_fields and value is not None}


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

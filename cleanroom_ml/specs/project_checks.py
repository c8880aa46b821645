"""What can be checked about a project without a server: each spec by itself, and the specs against each other."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from itertools import chain, islice
from pathlib import Path
from typing import Generic, TypeVar

from cleanroom_ml.errors import UsageError
from cleanroom_ml.naming import fold
from cleanroom_ml.specs.activation_text import activation_findings, bare_calls
from cleanroom_ml.specs.base import SpecModel
from cleanroom_ml.specs.code_spec import CodeSpec
from cleanroom_ml.specs.collaboration import Collaboration
from cleanroom_ml.specs.data_offering import DataOffering
from cleanroom_ml.specs.load import load_project, read_text
from cleanroom_ml.specs.parse import MAX_PROBLEMS, Location, parse_as, place
from cleanroom_ml.specs.problems import Problem, SpecProblems, displayed
from cleanroom_ml.specs.project import PROJECT_FILE, Project
from cleanroom_ml.specs.template import Template

Model = TypeVar("Model", bound=SpecModel)


def validate_project(directory: Path | str) -> tuple[Problem, ...]:
    """Every problem of a project and of the specs it names; empty where there is none.

    Checked between files: templates and the code specs they list and what of them they call, entrypoints, wheels and
    stage directories against the code directory, and the templates and arguments that `runs` and `activate` name
    where they are this party's own.

    Raises:
        UsageError: there is no project.
    """
    try:
        project = load_project(directory)
    except SpecProblems as error:
        return error.problems
    return tuple(_Checks(Path(directory), project).run())


def body_problems(template: Template, text: str, source: str) -> Iterator[Problem]:
    """What is wrong with the JinjaSQL of a template: syntax, filters that there are not, unknown variables, calls of
    nothing, and an activation that sends nothing.

    Not among the rules of the model: this parses Jinja, which is done for a person's own files, and by the engine in a
    sandbox, never with a text that somebody else sent.
    """
    from cleanroom_ml.template_names import template_problems

    parameters = [parameter.name for parameter in template.parameters]
    for found in template_problems(template.template, parameters, [table.alias for table in template.preset_tables]):
        yield place(text, source, ("template",), found.what, found.allowed, line=found.line)
    of_sql = chain(
        bare_calls(template.template),
        activation_findings(template.template) if template.type == "sql_activation" else (),
    )
    for finding in islice(of_sql, MAX_PROBLEMS):
        yield place(text, source, ("template",), finding.what, finding.allowed, line=finding.line)


def role_problems(spec: Collaboration, text: str, source: str) -> Iterator[Problem]:
    """Everybody who is declared owns it, runs, provides, or may receive results: initializing it is refused else.

    Source: docs/api-digest.md §9. Not among the rules of the model: the service says it in words of its own.
    """
    runners = spec.analysis_runners.values()
    named = chain(
        [spec.owner],
        spec.analysis_runners,
        chain.from_iterable(runner.data_providers for runner in runners),
        chain.from_iterable(runner.destinations for runner in runners),
    )
    known = {fold(alias) for alias in named}
    for alias in spec.collaborator_identifier_aliases:
        if fold(alias) not in known:
            what = f"{displayed(alias)} has no role: it neither owns, runs, provides nor receives"
            allowed = "name it as owner, runner, data provider or destination, or take it out"
            yield place(text, source, ("collaborator_identifier_aliases", alias), what, allowed)


@dataclass(frozen=True, slots=True)
class _File(Generic[Model]):
    """A parsed spec and the text it came from."""

    model: Model
    text: str
    source: str

    def problem(self, location: Location, what: str, allowed: str = "", *, line: int | None = None) -> Problem:
        return place(self.text, self.source, location, what, allowed, line=line)


class _Checks:
    def __init__(self, directory: Path, project: Project) -> None:
        self._directory = directory
        source = str(directory / PROJECT_FILE)
        self._file = _File(project, read_text(directory / PROJECT_FILE), source)
        self._project = project

    def run(self) -> Iterator[Problem]:
        problems: list[Problem] = []
        code_specs = self._all(CodeSpec, "code_specs", problems)
        templates = self._all(Template, "templates", problems)
        offerings = self._all(DataOffering, "offerings", problems)
        collaboration = self._collaboration(problems)
        yield from problems
        yield from _same_ids("code spec", [(file, file.model.id) for file in code_specs])
        yield from _same_ids("template", [(file, file.model.id) for file in templates])
        yield from _same_ids("data offering", [(file, file.model.id) for file in offerings])
        for code_spec in code_specs:
            yield from self._code(code_spec)
        # With a spec unread, what the others name of it cannot be told from a mistake.
        for template in templates:
            yield from body_problems(template.model, template.text, template.source)
        if not problems:
            for template in templates:
                yield from _calls(template, [file.model for file in code_specs])
            yield from self._runs([file.model for file in templates])
        if collaboration is not None:
            yield from role_problems(collaboration.model, collaboration.text, collaboration.source)
            yield from self._names(collaboration.model)

    def _all(self, model: type[Model], field: str, problems: list[Problem]) -> list[_File[Model]]:
        loaded = []
        for index, path in enumerate(getattr(self._project, field)):
            file = self._load(model, (field, index), path, problems)
            if file is not None:
                loaded.append(file)
        return loaded

    def _load(self, model: type[Model], at: Location, path: str, problems: list[Problem]) -> _File[Model] | None:
        source = str(self._directory / path)
        try:
            text = read_text(self._directory / path)
            return _File(parse_as(model, text, source=source), text, source)
        except SpecProblems as error:
            problems.extend(error.problems)
        except UsageError as error:
            problems.append(self._file.problem(at, f"{error.what}: {error.why}", "a file that exists"))
        return None

    def _collaboration(self, problems: list[Problem]) -> _File[Collaboration] | None:
        path = self._project.collaboration_path
        if not path.is_file():
            return None
        if not path.resolve().is_relative_to(self._project.root):
            what = f"{path.name} leads out of the project's directory"
            problems.append(Problem(str(self._directory / path.name), 0, 0, "", what, "a file in the directory"))
            return None
        return self._load(Collaboration, ("collaboration",), path.name, problems)

    def _code(self, file: _File[CodeSpec]) -> Iterator[Problem]:
        code = self._project.code_directory
        if code is None:
            return
        if not code.is_dir():
            yield self._file.problem(("code",), f"there is no directory {displayed(self._project.code or '')}")
            return
        for index, job in enumerate(file.model.ml_jobs):
            directory = self._staged_from(job.stage_code_dir, code)
            if directory is None:
                what = f"is not where `stage` uploads to ({self._project.stage_path})"
                yield file.problem(("ml_jobs", index, "stage_code_dir"), what, f"{self._project.stage_path}")
                continue
            if not (directory / job.entrypoint).is_file():
                what = f"there is no file {displayed(job.entrypoint)} in {displayed(str(directory))}"
                yield file.problem(("ml_jobs", index, "entrypoint"), what, "a file of the code directory")
            for at, requirement in enumerate(job.requirements):
                if requirement.wheel is not None and not (directory / requirement.wheel).is_file():
                    what = f"there is no file {displayed(requirement.wheel)} in {displayed(str(directory))}"
                    yield file.problem(
                        ("ml_jobs", index, "pip_requirements", at), what, "a wheel of the code directory"
                    )

    def _staged_from(self, stage_code_dir: str, code: Path) -> Path | None:
        """The directory here that `stage` uploads to a code directory; None where the project uploads elsewhere."""
        if self._project.stage is None:
            return code
        base_name, _, base_path = self._project.stage.partition("/")
        name, _, path = stage_code_dir.removeprefix("@").rstrip("/").partition("/")
        base, parts = base_path.split("/"), path.split("/")
        if name.upper() != base_name.upper() or parts[: len(base)] != base:
            return None
        return code.joinpath(*parts[len(base) :])

    def _runs(self, templates: list[Template]) -> Iterator[Problem]:
        wanted: list[tuple[Location, str, bool]] = [
            (("runs", name), run.template, False) for name, run in self._project.runs.items()
        ]
        if self._project.activate is not None:
            wanted.append((("activate",), self._project.activate.template, True))
        for at, name, activates in wanted:
            template = next((each for each in templates if fold(name) in (fold(each.name), fold(each.id))), None)
            if template is None:
                yield from self._other_version((*at, "template"), name, templates)
                continue
            if activates != (template.type == "sql_activation"):
                allowed = "sql_activation templates in activate, sql_analysis templates in runs"
                yield self._file.problem((*at, "template"), f"{displayed(name)} is of type {template.type}", allowed)
            args = (
                self._project.activate.args
                if activates and self._project.activate
                else self._project.runs[str(at[1])].args
            )
            takes = template.argument_names()
            for arg in args:
                if arg not in takes:
                    names = ", ".join(sorted(takes)) or "no arguments"
                    yield self._file.problem(
                        (*at, "args", arg), f"template {displayed(name)} takes no such argument", names
                    )

    def _other_version(self, at: Location, name: str, templates: list[Template]) -> Iterator[Problem]:
        """An id of this party's own template in a version that is not here. Any other name may be another party's."""
        for template in templates:
            if fold(name).startswith(fold(template.name) + "_"):
                what = f"there is no {displayed(name)} here; the template's id is {displayed(template.id)}"
                yield self._file.problem(at, what, f"{template.name}, {template.id}")

    def _names(self, collaboration: Collaboration) -> Iterator[Problem]:
        project = self._project
        if project.collaboration is not None and fold(project.collaboration) != fold(collaboration.name):
            here, there = displayed(project.collaboration), displayed(collaboration.name)
            what = f"is {here}, but {project.collaboration_path.name} has {there}"
            yield self._file.problem(("collaboration",), what, collaboration.name)
        for index, alias in enumerate(project.share_with):
            if collaboration.runner(alias) is None:
                allowed = ", ".join(collaboration.analysis_runners)
                what = f"{displayed(alias)} is no analysis runner of the collaboration"
                yield self._file.problem(("share_with", index), what, allowed)


def _same_ids(kind: str, files: Sequence[tuple[_File[Model], str]]) -> Iterator[Problem]:
    first: dict[str, str] = {}
    for file, identity in files:
        other = first.setdefault(fold(identity), file.source)
        if other != file.source:
            yield file.problem(
                ("version",), f"{other} is a {kind} with the id {displayed(identity)} too", "another version"
            )


def _calls(file: _File[Template], own: list[CodeSpec]) -> Iterator[Problem]:
    """What a template lists and calls must be what this party's code specs are and declare.

    Registering looks for them among all that the account registered. Where the project has no code specs, that is all
    that can be said here; where it has some, a template that lists another one has its name wrong.
    """
    template = file.model
    by_id = {fold(code_spec.id): code_spec for code_spec in own}
    names = {fold(code_spec.name): code_spec for code_spec in own}
    for index, listed in enumerate(template.code_specs):
        if own and fold(listed) not in by_id:
            older = next((each for name, each in names.items() if fold(listed).startswith(name + "_")), None)
            near = older.id if older else next(iter(get_close_matches(listed, [each.id for each in own], n=1)), None)
            what = f"lists {displayed(listed)}, but the code spec here is {displayed(older.id)}" if older else ""
            hint = f"; did you mean {displayed(near)}?" if near else ""
            yield file.problem(
                ("code_specs", index),
                what or f"lists {displayed(listed)}, which is none of the project's code specs{hint}",
                ", ".join(each.id for each in own),
            )
    for call in template.code_calls():
        called = names.get(fold(call.code_spec_name))
        if called and fold(call.callable_name) not in {fold(each) for each in called.callable_names()}:
            what = f"the code spec {displayed(called.id)} has no {displayed(call.callable_name)}"
            allowed = ", ".join(each.name for each in called.ml_jobs) or "its functions and procedures"
            yield file.problem(("template",), what, allowed, line=call.line)

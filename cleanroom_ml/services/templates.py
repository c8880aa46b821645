"""Register templates and ask for their approval (docs/api-digest.md §4)."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

from cleanroom_ml.connection import Connection
from cleanroom_ml.connection.session import Row
from cleanroom_ml.errors import UsageError
from cleanroom_ml.services.code_specs import RegisteredCodeSpec, register_code_spec
from cleanroom_ml.services.registration import Registered, register_file
from cleanroom_ml.services.update_requests import UpdateRequest, list_requests
from cleanroom_ml.specs.code_spec import CodeSpec
from cleanroom_ml.specs.load import load_spec
from cleanroom_ml.specs.project import Project
from cleanroom_ml.specs.template import Template


@dataclass(frozen=True, slots=True)
class Submitted:
    """One template's way to one runner. `new` is False where the same request had been sent before."""

    template_id: str
    runner: str
    request_id: str
    status: str
    new: bool


@dataclass(frozen=True, slots=True)
class Submission:
    """Everything that `template submit` did, in its order."""

    code_specs: tuple[RegisteredCodeSpec, ...]
    templates: tuple[Registered, ...]
    requests: tuple[Submitted, ...]


def submit(
    connection: Connection,
    project: Project,
    collaboration: str,
    paths: tuple[Path, ...],
    *,
    runners: tuple[str, ...],
    allow_secrets: Collection[str] = (),
) -> Submission:
    """Ask the runners, and their data providers, to approve the templates of these files.

    Registers first what is not registered yet: the code specs that the templates name, then the templates. Repeating it
    sends nothing twice.

    Args:
        allow_secrets: paths in the code directory that look like secrets and are meant to be there.

    Raises:
        UsageError: no runner to share with, or a file that is no template.
        ConflictError: something is registered under the same id with other content.
        ServerError: a staged file changed since registration (the message names it), …
    """
    if not runners:
        raise UsageError("nobody to share the templates with", fix="share_with: [ALIAS] in cleanroom.yaml, or --with")
    templates = [(path, _template(path)) for path in paths]
    wanted = {listed.upper() for _, template in templates for listed in template.code_specs}
    code_specs = tuple(
        register_code_spec(connection, project, path, allow_secrets=allow_secrets)
        for path in project.code_spec_paths
        if _id(path) in wanted
    )
    registered = tuple(register_file(connection, path) for path, _ in templates)
    before = list_requests(connection, collaboration)
    for _, template in templates:
        missing = [alias for alias in runners if _latest(before, template.id, alias) is None]
        if missing:
            connection.call("COLLABORATION.ADD_TEMPLATE_REQUEST", collaboration, template.id, missing)
    after = list_requests(connection, collaboration)
    known = {request.id for request in before}
    return Submission(
        code_specs,
        registered,
        tuple(
            Submitted(template.id, alias, request.id, request.status, request.id not in known)
            for _, template in templates
            for alias in runners
            if (request := _latest(after, template.id, alias)) is not None
        ),
    )


def list_templates(connection: Connection, collaboration: str) -> list[Row]:
    """The templates approved for somebody in the collaboration, as this party sees them."""
    return connection.call("COLLABORATION.VIEW_TEMPLATES", collaboration)


def _latest(requests: tuple[UpdateRequest, ...], template_id: str, runner: str) -> UpdateRequest | None:
    """The newest request of a template for a runner; one that failed or was withdrawn counts as never sent."""
    matching = [
        request
        for request in requests
        if request.template_id.upper() == template_id.upper()
        and request.runner.upper() == runner.upper()
        and request.status != "FAILED"
        and not request.withdrawn
    ]
    return matching[-1] if matching else None


def _template(path: Path) -> Template:
    spec = load_spec(path)
    if not isinstance(spec, Template):
        raise UsageError(f"{path} is a {spec.spec_type}", why="a template is expected here")
    return spec


def _id(path: Path) -> str:
    spec = load_spec(path)
    return spec.id.upper() if isinstance(spec, CodeSpec) else ""

"""Register templates and ask for their approval (docs/api-digest.md §4)."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from cleanroom_ml.connection import Connection
from cleanroom_ml.connection.session import Row
from cleanroom_ml.errors import CleanroomError, CommunicationError, ServerError, UsageError
from cleanroom_ml.services.answers import told_aliases
from cleanroom_ml.services.applied import Change, apply
from cleanroom_ml.services.approvals import sent_by
from cleanroom_ml.services.code_specs import RegisteredCodeSpec, register_code_spec
from cleanroom_ml.services.memberships import runners as runners_of
from cleanroom_ml.services.named import not_there
from cleanroom_ml.services.registration import Registered, register_file
from cleanroom_ml.services.update_requests import REMOVE_TEMPLATE, UpdateRequest, list_requests
from cleanroom_ml.services.waiting import patiently
from cleanroom_ml.services.whose import own_names
from cleanroom_ml.specs.code_spec import CodeSpec
from cleanroom_ml.specs.load import load_spec
from cleanroom_ml.specs.project import Project
from cleanroom_ml.specs.template import Template

# Seconds between looks for what was just sent: it may be listed a few seconds late (API reference,
# VIEW_UPDATE_REQUESTS).
_PAUSES: Final = (0.5, 1.0, 2.0, 4.0, 8.0, 15.0)


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
    """Everything that `template submit` did, in its order. `unlisted`: what was sent and the target lists not yet.

    `superseded`: other versions of these templates whose requests this party sent earlier, and that wait still.
    """

    code_specs: tuple[RegisteredCodeSpec, ...]
    templates: tuple[Registered, ...]
    requests: tuple[Submitted, ...]
    unlisted: tuple[str, ...] = ()
    superseded: tuple[str, ...] = ()


def submit(
    connection: Connection,
    project: Project,
    collaboration: str,
    paths: tuple[Path, ...],
    *,
    runners: tuple[str, ...],
    allow_secrets: Collection[str] = (),
    pause: Callable[[float], None] = time.sleep,
) -> Submission:
    """Ask the runners, and their data providers, to approve the templates of these files.

    Registers first what is not registered yet: the code specs that the templates name, then the templates. Repeating it
    sends nothing twice.

    Args:
        allow_secrets: paths in the code directory that look like secrets and are meant to be there.
        pause: waits between two looks at the target.

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
    sent: list[tuple[str, str]] = []
    for _, template in templates:
        missing = [alias for alias in runners if _latest(before, template.id, alias) is None]
        if missing:
            wanted_of = [(template.id, alias) for alias in missing]
            try:
                connection.call("COLLABORATION.ADD_TEMPLATE_REQUEST", collaboration, template.id, missing)
            except CommunicationError as broken:
                _look_for(connection, collaboration, wanted_of, {request.id for request in before}, pause, broken)
            except ServerError as refused:
                _who_runs(connection, collaboration, missing, refused)
                raise
            sent += wanted_of
    after = _listed(connection, collaboration, sent, {request.id for request in before}, pause)
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
        tuple(
            f"{template_id} for {alias}" for template_id, alias in sent if _latest(after, template_id, alias) is None
        ),
        _superseded(connection, collaboration, [template for _, template in templates], after),
    )


def _who_runs(connection: Connection, collaboration: str, wanted: Sequence[str], refused: ServerError) -> None:
    """Where a template was to be shared with somebody who runs nothing, the refusal names those who do."""
    try:
        running = runners_of(connection, collaboration)
    except CleanroomError:  # not this role's to see: what the target said of it is all that is known
        return
    other = next((alias for alias in wanted if alias.upper() not in {each.upper() for each in running}), None)
    if other is not None and running:
        refused.why = not_there("analysis runner", other, running, fix="").why
        refused.fix = "share it with who runs: cleanroom-ml template submit " + " ".join(
            f"--with {each}" for each in running
        )


def _superseded(
    connection: Connection, collaboration: str, submitted: Sequence[Template], requests: Sequence[UpdateRequest]
) -> tuple[str, ...]:
    """The ids of the templates of older requests of this party, each once, oldest first."""
    found: list[UpdateRequest] = []
    for template in submitted:
        newest = max((at for at, each in enumerate(requests) if each.concerns(template.id)), default=-1)
        found += [
            each
            for each in requests[: newest + 1]
            if each.open and each.concerns(template.name) and each.template_id.upper() != template.id.upper()
        ]
    if not found:
        return ()
    names = own_names(connection, collaboration)
    return tuple(dict.fromkeys(each.template_id for each in found if sent_by(each, names)))


def _look_for(
    connection: Connection,
    collaboration: str,
    sent: Sequence[tuple[str, str]],
    known: set[str],
    pause: Callable[[float], None],
    broken: CommunicationError,
) -> None:
    """Return if a request whose answer never came is listed: then it was sent, and to send it again would be twice.

    Raises:
        CommunicationError: it is not listed, which does not prove that it was not sent.
    """
    what = f"the connection broke while the request for {sent[0][0]} was being sent"
    look = "before you repeat it, look: cleanroom-ml requests --all"
    try:
        after = patiently(lambda: _listed(connection, collaboration, sent, known, pause))
    except CleanroomError:
        why = f"{broken.why or broken.what}; whether it was sent is not known"
        raise CommunicationError(what, why=why, fix=look) from broken
    if not all(any(each.asks_for(*wanted) for each in after if each.id not in known) for wanted in sent):
        why = "it is not listed; it may be listed later, and it was not sent again"
        raise CommunicationError(what, why=why, fix=look) from broken


def _listed(
    connection: Connection,
    collaboration: str,
    sent: Sequence[tuple[str, str]],
    known: set[str],
    pause: Callable[[float], None],
) -> tuple[UpdateRequest, ...]:
    """The requests, once those that were sent are among them: a target may list them seconds late."""
    for seconds in (*_PAUSES, None):
        after = list_requests(connection, collaboration)
        new = [request for request in after if request.id not in known]
        late = [each for each in sent if not any(request.asks_for(*each) for request in new)]
        if not late or seconds is None:
            break
        pause(seconds)
    return after


def remove_from_room(
    connection: Connection, collaboration: str, template_id: str, runners: Sequence[str]
) -> tuple[str, ...]:
    """Take a template away from runners that it was shared with; nobody has to approve that. Repeating is safe.

    Args:
        runners: aliases; empty means all that have it.

    Returns:
        The aliases that had it.

    Raises:
        UsageError: it is not approved for anybody in the collaboration, as far as this account sees.
        ServerError: the target refused: this account has not shared it; or it failed later.
        WaitTimeoutError: it was sent, and the template is still shown.
    """
    there, have = _shared(connection, collaboration, template_id)
    if not there and not runners and not _was_removed(connection, collaboration, template_id):
        raise UsageError(
            f"no template {template_id!r} in the collaboration {collaboration}", fix="cleanroom-ml template list"
        )
    wanted = [alias for alias in runners if alias.upper() in have] if runners else list(have.values())
    if wanted:
        look = "cleanroom-ml template list; cleanroom-ml requests --all"
        apply(
            connection,
            collaboration,
            Change(f"removing {template_id}", REMOVE_TEMPLATE, template_id, tuple(wanted), look),
            lambda: connection.call("COLLABORATION.REMOVE_TEMPLATE", collaboration, template_id, wanted),
            lambda: {alias.upper() for alias in wanted}.isdisjoint(_shared(connection, collaboration, template_id)[1]),
        )
    return tuple(wanted)


def _was_removed(connection: Connection, collaboration: str, template_id: str) -> bool:
    """Whether the last that was asked of a template is that it is taken away."""
    for seconds in (*_PAUSES[:3], None):  # requests may be listed late
        requests = [each for each in list_requests(connection, collaboration) if _is_about(each, template_id)]
        if requests and requests[-1].kind == REMOVE_TEMPLATE:
            return True
        if seconds is not None:
            time.sleep(seconds)
    return False


def _is_about(request: UpdateRequest, template_id: str) -> bool:
    return request.template_id.upper() == template_id.upper()


def _shared(connection: Connection, collaboration: str, template_id: str) -> tuple[bool, dict[str, str]]:
    """Whether a template is there, and the aliases that have it, by their names in upper case."""
    rows = [row for row in list_templates(connection, collaboration) if _is(row, template_id)]
    return bool(rows), {
        alias.upper(): alias for row in rows for alias in told_aliases(row.get("shared_with"), template_id)
    }


def _is(row: Row, template_id: str) -> bool:
    return str(row.get("template_id") or "").upper() == template_id.upper()


def list_templates(connection: Connection, collaboration: str) -> list[Row]:
    """The templates approved for somebody in the collaboration, as this party sees them."""
    return connection.call("COLLABORATION.VIEW_TEMPLATES", collaboration)


def _latest(requests: tuple[UpdateRequest, ...], template_id: str, runner: str) -> UpdateRequest | None:
    """The newest request of a template for a runner; one that failed, was withdrawn, or whose template was taken away
    again counts as never sent.
    """
    found: UpdateRequest | None = None
    for request in requests:
        if request.asks_for(template_id, runner) and request.status != "FAILED" and not request.withdrawn:
            found = request
        elif _takes_away(request, template_id, runner):
            found = None
    return found


def _takes_away(request: UpdateRequest, template_id: str, runner: str) -> bool:
    return (
        request.kind == REMOVE_TEMPLATE
        and request.status not in ("FAILED", "REJECTED")
        and request.template_id.upper() == template_id.upper()
        and runner.upper() in {alias.upper() for alias in request.share_with}
    )


def _template(path: Path) -> Template:
    spec = load_spec(path)
    if not isinstance(spec, Template):
        raise UsageError(f"{path} is a {spec.spec_type}", why="a template is expected here")
    return spec


def _id(path: Path) -> str:
    spec = load_spec(path)
    return spec.id.upper() if isinstance(spec, CodeSpec) else ""

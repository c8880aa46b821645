"""Rendering a template where it can do no harm: in a sandboxed worker, with limits on time and memory."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from cleanroom_ml.engine.rooms.policies import Policies, Use
from cleanroom_ml.engine.rooms.ports import Renderer
from cleanroom_ml.engine.sandbox.errors import WorkerCancelled, WorkerError, WorkerTimeout
from cleanroom_ml.engine.sql.binds import Value
from cleanroom_ml.engine.sql.errors import SqlError, room_error
from cleanroom_ml.error_names import ErrorName, known
from cleanroom_ml.json_values import Document

HANDLER = "cleanroom_ml.engine.rooms.render_worker:handle"
PRELOAD = ("jinja2", "jinja2.sandbox", "cleanroom_ml.engine.rooms.render_worker")
MEMORY_BYTES = 256 << 20
SECONDS = 10.0


class Workers(Protocol):
    """`sandbox.workers.SandboxedWorkers`."""

    def call(self, request: dict[str, object], fds: Sequence[int] = (), *, timeout_seconds: float) -> Document:
        """The handler's answer. Raises WorkerError."""


@dataclass(frozen=True, slots=True)
class Rendered:
    """SQL text with placeholders, and their values by name: never to be spliced, only to be bound. `uses` are columns
    whose owner the statement has to tell (`policies.check`).
    """

    sql: str
    binds: Mapping[str, Value]
    uses: tuple[Use, ...] = ()


class SandboxedRenderer:
    """`ports.Renderer` over a pool of sandboxed workers made for `HANDLER`."""

    def __init__(self, workers: Workers, *, seconds: float = SECONDS) -> None:
        self._workers = workers
        self._seconds = seconds

    def call(self, request: Mapping[str, object]) -> Document:
        """See `ports.Renderer.call`."""
        try:
            return self._workers.call(dict(request), timeout_seconds=self._seconds)
        except WorkerCancelled:
            raise SqlError.cancelled() from None
        except WorkerTimeout:
            raise room_error(
                ErrorName.TemplateRenderError, f"the template was not rendered within {self._seconds:g} s"
            ) from None
        except WorkerError:
            raise room_error(
                ErrorName.TemplateRenderError, "the template was stopped: it needs too much memory, or crashed"
            ) from None


def check_template(renderer: Renderer, template: str, names: Mapping[str, object]) -> None:
    """Raises SqlError SpecValidationError where a template does not compile, or uses a name that nobody could mean.

    `names` are those that it declares (`arguments.declared`).
    """
    answer = renderer.call({"template": template, "check": True, **names})
    if "error" in answer:
        raise room_error(ErrorName.SpecValidationError, f"template: {answer['error']['message']}")


def render(
    renderer: Renderer,
    template: str,
    variables: Mapping[str, object],
    *,
    tables: Sequence[Policies] = (),
    providers: Sequence[Policies] = (),
    presets: Sequence[str] = (),
    names: Mapping[str, object] | None = None,
) -> Rendered:
    """The statement that a template gives for these variables. `names` are those of the run (`arguments.passed`).

    Raises:
        SqlError: TemplateRenderError, PolicyViolationError, PresetTableUnsupportedReferenceError, or
            SpecValidationError: an argument that the template does not take, a variable that has no value.
    """
    answer = renderer.call(
        {
            "template": template,
            "variables": dict(variables),
            "tables": [dict(table) for table in tables],
            "providers": [dict(table) for table in providers],
            "presets": list(presets),
            **(names or {}),
        }
    )
    if "error" in answer:
        # From inside of the sandbox: a name is one of ours, or none.
        name = known(str(answer["error"]["name"])) or ErrorName.TemplateRenderError
        raise room_error(name, str(answer["error"]["message"]))
    return Rendered(str(answer["sql"]), dict(answer["binds"]), tuple(Use(*use) for use in answer["uses"]))

"""Arguments of a run: those that the template takes, and no other.

Checked where a template is parsed anyway, in the rendering sandbox; the front hands over names and reads none of the
text. Imports nothing of ours but names.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from typing import Protocol, TypedDict

from jinja2 import nodes

from cleanroom_ml.error_names import ErrorName
from cleanroom_ml.template_names import names_of


class Named(Protocol):
    """A parameter of a template."""

    @property
    def name(self) -> str: ...


class RenderRequest(TypedDict, total=False):
    """What a template is rendered with (`render_worker.handle`), or with `check` only looked at."""

    template: str
    check: bool
    variables: dict[str, object]
    tables: list[dict[str, list[str]]]
    providers: list[dict[str, list[str]]]
    presets: list[str]
    parameters: list[str]
    arguments: list[str]


class NamesError(Exception):
    """A template uses a name that nobody could have meant, or a run passes one. `name` is the error's, for clients."""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.name = ErrorName.SpecValidationError
        self.message = message


def declared(parameters: Iterable[Named], presets: Iterable[str]) -> dict[str, object]:
    """What registration hands to the sandbox: the names that a template declares."""
    return {"parameters": [parameter.name for parameter in parameters], "presets": list(presets)}


def passed(
    parameters: Iterable[Named], arguments: Mapping[str, object], mapped: Iterable[tuple[str, str, bool]]
) -> dict[str, object]:
    """What RUN hands to the sandbox: the declared names, and those of every argument and view that is passed."""
    names = [*arguments, *(name for name, _, _ in mapped)]
    return {"parameters": [parameter.name for parameter in parameters], "arguments": names}


def check_names(tree: nodes.Template, request: RenderRequest) -> None:
    """In the sandbox: the names of a template, against what it declares and what it is given.

    A variable that is not declared has a value where the runner passes one: then it is an argument like the others.

    Raises:
        NamesError: a variable is neither declared nor provided nor passed; an argument is one that the template does
            not take.
    """
    if "parameters" not in request:
        return
    names = names_of(tree)
    parameters = request["parameters"]
    arguments = request.get("arguments", ())
    for variable, unknown in names.unknown(parameters, request.get("presets", ())):
        if variable not in arguments:
            raise NamesError(f"template, line {unknown.line}: {unknown.what}.")
    takes = names.arguments(parameters)
    for argument in arguments:
        if argument not in takes:
            near = get_close_matches(argument, takes, n=1, cutoff=0.6)
            hint = f" Did you mean '{near[0]}'?" if near else ""
            listed = ", ".join(sorted(takes)) or "none"
            raise NamesError(f"the template takes no argument '{argument[:100]}'; it takes: {listed[:1000]}.{hint}")

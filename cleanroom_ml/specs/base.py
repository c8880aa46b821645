"""What every spec model is built from: the frozen base class and the way a rule reports that it is broken."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict
from pydantic_core import PydanticCustomError

from cleanroom_ml.specs.problems import displayed

API_VERSION = "2.0.0"

FINDINGS = "findings"
"""Type of the pydantic error that carries several `Finding`s of one model."""


GATHERED = " "
"""Key under which a model collects a mapping's free keys; no identifier, so no key of a file can be it."""


class PlainInt(int):
    """An integer that was written plain in YAML; `text` is how, so that `version: 2025_10` stays what was written."""

    text: str


class PlainFloat(float):
    """A number that was written plain in YAML; `text` is how, so that `runtime_version: 3.10` does not become 3.1."""

    text: str


@dataclass(frozen=True, slots=True)
class Finding:
    """A rule between fields that is broken, placed relative to the model that found it.

    Attributes:
        loc: keys and indexes from the model to the value.
        at_key: report the place of the key rather than of its value.
        line: 1-based line inside the value, where that is a text of several lines.
        needle: the text on that line to point at.
    """

    loc: tuple[str | int, ...]
    what: str
    allowed: str = ""
    at_key: bool = False
    line: int | None = None
    needle: str = ""


def violation(what: str, allowed: str = "") -> PydanticCustomError:
    """The error that a validator raises when its rule is broken."""
    return PydanticCustomError("rule", "{what}", {"what": what, "allowed": allowed})


def report(findings: Iterable[Finding]) -> None:
    """Raise all findings of a model at once; do nothing where there are none."""
    found = tuple(findings)
    if found:
        summary = "; ".join(finding.what for finding in found)
        raise PydanticCustomError(FINDINGS, "{what}", {"what": summary, FINDINGS: found})


class SpecModel(BaseModel):
    """Frozen, closed to unknown keys. Models are built by `parse_spec`; building one directly checks the same rules."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)


def as_text(value: object) -> str:
    """A scalar as the text that was written. Booleans and empty values are refused: they need quotes to be text."""
    if isinstance(value, str):
        return value
    if isinstance(value, PlainInt | PlainFloat):
        return value.text
    if isinstance(value, bool):
        raise violation("must be text, but YAML reads it as true or false", "put it in quotes")
    if value is None:
        raise violation("is empty", "a text")
    if isinstance(value, int | float):
        return str(value)
    raise violation("must be text", "a text")


def as_bool(value: object) -> bool:
    if isinstance(value, bool):
        return value
    raise violation(f"must be true or false, not {displayed(value)}", "true, false")


def bounded_text(maximum: int) -> Callable[[object], str]:
    """A check for free text of at most `maximum` characters."""

    def check(value: object) -> str:
        text = as_text(value)
        if len(text) > maximum:
            raise violation(f"has {len(text):,} characters", f"at most {maximum:,} characters")
        return text

    return check


def one_of(values: Iterable[str], *, fold: bool = False) -> Callable[[object], str]:
    """A check for one of a few words; with `fold`, in any case (the word comes back in lower case)."""
    words = tuple(values)

    def check(value: object) -> str:
        text = as_text(value)
        word = text.lower() if fold else text
        if word not in words:
            raise violation(f"{displayed(text)} is not known", ", ".join(words))
        return word

    return check


def positive_int(value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= 1_000_000:
        raise violation(f"must be a whole number, not {displayed(value)}", "1, 2, 3, …")
    return int(value)


def as_json(value: object) -> object:
    """A value that JSON can carry, in plain Python types: no NaN, no infinity, keys are text."""
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, str):
        return str(value)
    if isinstance(value, int):
        return int(value)
    if isinstance(value, float):
        if not math.isfinite(value):
            raise violation("is not a finite number", "a value that JSON can carry")
        return float(value)
    if isinstance(value, list | tuple):
        return [as_json(item) for item in value]
    if isinstance(value, Mapping) and all(isinstance(key, str) for key in value):
        return {str(key): as_json(item) for key, item in value.items()}
    raise violation("is not a value that JSON can carry", "text, number, true, false, null, list or mapping")


def repeated(items: Iterable[str]) -> list[int]:
    """Indexes of the items that an earlier one equals."""
    seen: set[str] = set()
    again = []
    for index, item in enumerate(items):
        if item in seen:
            again.append(index)
        seen.add(item)
    return again


ApiVersion = Annotated[Literal["2.0.0"], BeforeValidator(one_of([API_VERSION]))]
Bool = Annotated[bool, BeforeValidator(as_bool)]
Description = Annotated[str, BeforeValidator(bounded_text(1_000))]
Json = Annotated[Any, BeforeValidator(as_json)]
"""Any: a person's own values, which templates are rendered with; they have been checked to be JSON."""
PositiveInt = Annotated[int, BeforeValidator(positive_int)]
ShortDescription = Annotated[str, BeforeValidator(bounded_text(500))]

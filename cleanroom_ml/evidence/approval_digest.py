"""The approval digest: one value for everything that an approval is about (design/architecture.md, decision 5).

It is `sha256:` and the SHA-256, in hexadecimal, of the UTF-8 text of this JSON, with the keys of every object sorted by
code point, no white space between tokens, and no character escaped where JSON does not require it:

    {"code_specs": [{"content_digests": {<ml job name>: <content digest, 64 hex digits>, …}, "id": <code spec id>,
                     "images": {<ml job name>: <image>, …}, "spec": <YAML text as registered>}, …],
     "collaboration": <name>, "dependency_lock": <as the request has it, or null>, "extra": {…}, "format": 1,
     "image": <image, or null>, "requester": <alias>, "runner": <alias>, "template": <YAML text as registered>}

The list of code specs is sorted by id. Values are texts, whole numbers, true, false, null, lists and objects; other
numbers are refused, because they have no one way of being written. In Python, with the object above as `subject`:

    "sha256:" + hashlib.sha256(
        json.dumps(subject, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()).hexdigest()
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from cleanroom_ml.errors import UsageError

FORMAT = 1
_MAX_DEPTH = 32


class NotCanonicalError(UsageError):
    """A value that has no single written form, so that two sides could compute two digests of it."""


@dataclass(frozen=True, slots=True)
class ApprovedCodeSpec:
    """A code spec as it was registered: `spec` is its YAML text, digests and images go by the name of the ML job."""

    id: str
    spec: str
    content_digests: Mapping[str, str] = field(default_factory=dict)
    images: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ApprovalSubject:
    """Everything that is approved. `template` is the YAML text of the spec, as registered."""

    collaboration: str
    runner: str
    requester: str
    template: str
    code_specs: tuple[ApprovedCodeSpec, ...] = ()
    dependency_lock: Any = None
    image: str | None = None
    extra: Mapping[str, Any] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """The object that is digested."""
        return {
            "format": FORMAT,
            "collaboration": self.collaboration,
            "runner": self.runner,
            "requester": self.requester,
            "template": self.template,
            "code_specs": [
                {
                    "id": code_spec.id,
                    "spec": code_spec.spec,
                    "content_digests": dict(code_spec.content_digests),
                    "images": dict(code_spec.images),
                }
                for code_spec in sorted(self.code_specs, key=lambda each: each.id)
            ],
            "dependency_lock": self.dependency_lock,
            "image": self.image,
            "extra": dict(self.extra),
        }


def approval_digest(subject: ApprovalSubject) -> str:
    """`sha256:<64 hex digits>` of the subject.

    Raises:
        NotCanonicalError: a value in it has no single written form.
    """
    return "sha256:" + hashlib.sha256(canonical_json(subject.to_json())).hexdigest()


def canonical_json(value: Any) -> bytes:
    """The one way to write a value as JSON, in UTF-8.

    Raises:
        NotCanonicalError: it holds a float or another type, a key that is no text, half a character, or is too deep.
    """
    _check(value, 0)
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    try:
        return text.encode("utf-8")
    except UnicodeEncodeError:
        raise NotCanonicalError("a text holds half a character (an unpaired surrogate)") from None


def _check(value: Any, depth: int) -> None:
    if depth > _MAX_DEPTH:
        raise NotCanonicalError(f"a value is nested deeper than {_MAX_DEPTH} levels")
    if value is None or type(value) in (str, int, bool):
        return
    if type(value) in (list, tuple):
        for item in value:
            _check(item, depth + 1)
    elif type(value) is dict:
        for key, item in value.items():
            if type(key) is not str:
                raise NotCanonicalError("a key is no text")
            _check(item, depth + 1)
    else:
        raise NotCanonicalError(
            f"a value of type {type(value).__name__} has no single written form",
            fix="use texts, whole numbers, true, false, null, lists and objects",
        )

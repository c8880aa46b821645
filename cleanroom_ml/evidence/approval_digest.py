"""The approval digest: one value for everything that an approval is about (docs/ARCHITECTURE.md, decision 5).

It is `sha256:` and the SHA-256, in hexadecimal, of the UTF-8 text of one JSON object, with the keys of every object
sorted by code point, no white space between tokens, and no character escaped where JSON does not require it. The
object is the request as the engine's APPROVALS.DESCRIBE_REQUEST shows it in its column SUBJECT, with three changes, so
that whatever a request carries is in the digest unless it is named here:

- `format` is 2;
- `approval_digest` and `previous` (what the viewer approved before) are left out;
- of each ML job, `content_manifest` is left out: its `content_digest` stands for it, 64 hexadecimal digits over the
  lines `<sha256>  <path>\\n` sorted by path.

So it holds the template, each code spec with its jobs and hashes, the dependency locks and images, the result limit,
and whose all of it is: `room`, the unique id of the room, and `parties`, the accounts of the owner, the one who asks,
each runner, every data provider and every destination. A room of the same name in which other accounts go by the same
aliases has another digest. In Python, with the column SUBJECT as `text`:

    subject = json.loads(text) | {"format": 2}
    for key in ("approval_digest", "previous"):
        subject.pop(key, None)
    for code_spec in subject["code_specs"]:
        for job in code_spec["ml_jobs"]:
            del job["content_manifest"]
    written = json.dumps(subject, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    digest = "sha256:" + hashlib.sha256(written.encode()).hexdigest()

Values are texts, whole numbers, true, false, null, lists and objects; other numbers are refused, because they have no
one way of being written.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping

from cleanroom_ml.errors import UsageError

FORMAT = 2
_MAX_DEPTH = 32


class NotCanonicalError(UsageError):
    """A value that has no single written form, so that two sides could compute two digests of it."""


def approval_digest(subject: Mapping[str, object]) -> str:
    """`sha256:<64 hex digits>` of what `approval_subject` gives for a request.

    Raises:
        NotCanonicalError: a value in it has no single written form.
    """
    return "sha256:" + hashlib.sha256(canonical_json(dict(subject))).hexdigest()


def canonical_json(value: object) -> bytes:
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


def _check(value: object, depth: int) -> None:
    if depth > _MAX_DEPTH:
        raise NotCanonicalError(f"a value is nested deeper than {_MAX_DEPTH} levels")
    if value is None or type(value) in (str, int, bool):
        return
    if isinstance(value, list | tuple) and type(value) in (list, tuple):
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

"""The portable digest: over what both targets show of a request, where the engine's own covers all that it holds.

It is `portable:sha256:` and the SHA-256, in hexadecimal, of the canonical JSON (`approval_digest`) of one object:

- `format`: 1;
- `collaboration`: the owner's name for it, in upper case, and `owner`: the owner's account;
- `requested_by`: the account that asks, and `share_with`: the accounts of the runners, sorted;
- `template_id`: in upper case, and `template`: the template's spec;
- `code_specs`: of each code spec, sorted by `id` (in upper case), its `spec` and its `content`: of each ML job by name
  the content digest of its files, null where the target does not show them. A code spec that is not shown has null for
  both.

Accounts are `ORG.ACCOUNT` in upper case. A spec is the object that its YAML stands for, with every field that has its
default left out, no white space at the end of texts, and numbers that are no whole ones as text. What only the engine
shows (locks, images, limits, providers, destinations) is not in it. A person who pins it where something is null has
pinned that it was null.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from typing import Final

from cleanroom_ml.evidence.approval_digest import canonical_json

FORMAT: Final = 1
PREFIX: Final = "portable:sha256:"


def portable_digest(
    *,
    collaboration: str,
    owner: str,
    requested_by: str,
    share_with: Iterable[str],
    template_id: str,
    template: Mapping[str, object],
    code_specs: Iterable[Mapping[str, object]],
) -> str:
    """`portable:sha256:<64 hex digits>`.

    Args:
        code_specs: of each `id`, `spec` and `content` (see above).

    Raises:
        NotCanonicalError: a value has no single written form.
    """
    subject = {
        "format": FORMAT,
        "collaboration": collaboration.upper(),
        "owner": owner.upper(),
        "requested_by": requested_by.upper(),
        "share_with": sorted(account.upper() for account in share_with),
        "template_id": template_id.upper(),
        "template": plain(template),
        "code_specs": sorted(
            (
                {"id": str(each["id"]).upper(), "spec": plain(each["spec"]), "content": plain(each["content"])}
                for each in code_specs
            ),
            key=lambda each: str(each["id"]),
        ),
    }
    return PREFIX + hashlib.sha256(canonical_json(subject)).hexdigest()


def plain(value: object) -> object:
    """A value in the one form in which it is digested: texts without white space at their end, lists, no floats."""
    if isinstance(value, str):
        return value.rstrip()
    if isinstance(value, float):
        return repr(value)
    if isinstance(value, Mapping):
        return {str(key): plain(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [plain(inner) for inner in value]
    return value

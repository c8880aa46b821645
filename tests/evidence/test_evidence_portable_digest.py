"""The portable digest, recomputed by hand from what is written of it (docs/reference/approvals.md; its module)."""

from __future__ import annotations

import hashlib
from typing import Any

import pytest

from cleanroom_ml.evidence import NotCanonicalError
from cleanroom_ml.evidence.portable_digest import PREFIX, portable_digest

SPEC = {"template_name": "train", "template": "select 1;\n\n", "bounds": {"low": 0.5, "high": 2}}
REQUEST: dict[str, Any] = {
    "collaboration": "lookalike",
    "owner": "org.publisher",
    "requested_by": "ORG.PUBLISHER",
    "share_with": ["org.b", "ORG.A"],
    "template_id": "train_v1",
    "template": SPEC,
    "code_specs": [
        {"id": "z_V1", "spec": None, "content": None},
        {"id": "a_V1", "spec": {"name": "a"}, "content": {"train": "a" * 64}},
    ],
}
WRITTEN = (
    '{"code_specs":[{"content":{"train":"' + "a" * 64 + '"},"id":"A_V1","spec":{"name":"a"}},'
    '{"content":null,"id":"Z_V1","spec":null}],"collaboration":"LOOKALIKE","format":1,"owner":"ORG.PUBLISHER",'
    '"requested_by":"ORG.PUBLISHER","share_with":["ORG.A","ORG.B"],'
    '"template":{"bounds":{"high":2,"low":"0.5"},"template":"select 1;","template_name":"train"},'
    '"template_id":"TRAIN_V1"}'
)
"""By the module's text, and by hand."""


def test_anybody_can_recompute_it() -> None:
    assert portable_digest(**REQUEST) == "portable:sha256:" + hashlib.sha256(WRITTEN.encode()).hexdigest()


@pytest.mark.parametrize(
    "same",
    [
        {"share_with": ("ORG.A", "ORG.B")},
        {"code_specs": REQUEST["code_specs"][::-1]},
        {"template": {**SPEC, "template": "select 1;"}},
        {"template": {**SPEC, "bounds": {"high": 2, "low": "0.5"}}},
        {"collaboration": "LOOKALIKE", "owner": "ORG.PUBLISHER", "template_id": "TRAIN_V1"},
    ],
    ids=["order", "order of code specs", "white space at the end", "a number as text", "case"],
)
def test_what_the_two_targets_show_differently_is_the_same(same: dict[str, Any]) -> None:
    assert portable_digest(**REQUEST | same) == portable_digest(**REQUEST)


@pytest.mark.attack
@pytest.mark.parametrize(
    "other",
    [
        {"collaboration": "lookalike2"},
        {"owner": "ORG.MALLORY"},
        {"requested_by": "ORG.MALLORY"},
        {"share_with": ["ORG.A"]},
        {"share_with": ["ORG.A", "ORG.B", "ORG.C"]},
        {"template_id": "train_v2"},
        {"template": {**SPEC, "template": " select 1;"}},
        {"template": {**SPEC, "bounds": {"low": 0.5, "high": 3}}},
        {"template": {**SPEC, "bounds": [{"low": 0.5, "high": 2}]}},
        {"code_specs": REQUEST["code_specs"][:1]},
        {"code_specs": [{"id": "z_V1", "spec": None, "content": {"train": None}}, REQUEST["code_specs"][1]]},
        {"code_specs": [REQUEST["code_specs"][0], {**REQUEST["code_specs"][1], "content": {"train": "b" * 64}}]},
        {"code_specs": [REQUEST["code_specs"][0], {**REQUEST["code_specs"][1], "content": None}]},
    ],
)
def test_whatever_else_changes_is_another_digest(other: dict[str, Any]) -> None:
    """A person who pins it where something is null has pinned that it was null."""
    found = portable_digest(**REQUEST | other)
    assert found.startswith(PREFIX)
    assert found != portable_digest(**REQUEST)


@pytest.mark.parametrize("value", [b"x", {1, 2}, "\ud800"])
def test_what_has_no_single_written_form_is_refused(value: object) -> None:
    with pytest.raises(NotCanonicalError):
        portable_digest(**REQUEST | {"template": {"template": [value]}})

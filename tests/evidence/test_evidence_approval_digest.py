"""The approval digest: anybody recomputes it, and nothing that is approved can change without changing it."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from cleanroom_ml.evidence import ApprovalSubject, ApprovedCodeSpec, NotCanonicalError, approval_digest

texts = st.text(st.characters(exclude_categories=("Cs",)), max_size=12)
canonical = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), texts),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(texts, inner, max_size=3)),
    max_leaves=6,
)
code_specs = st.builds(
    ApprovedCodeSpec,
    id=texts,
    spec=texts,
    content_digests=st.dictionaries(texts, texts, max_size=2),
    images=st.dictionaries(texts, texts, max_size=2),
)
FIELDS: dict[str, st.SearchStrategy[Any]] = {
    "collaboration": texts,
    "runner": texts,
    "requester": texts,
    "template": texts,
    "code_specs": st.lists(code_specs, max_size=2, unique_by=lambda each: each.id).map(tuple),
    "dependency_lock": canonical,
    "image": st.none() | texts,
    "extra": st.dictionaries(texts, canonical, max_size=2),
}
subjects = st.builds(ApprovalSubject, **FIELDS)


def test_the_recipe_of_the_docstring_gives_a_known_value() -> None:
    subject = ApprovalSubject(
        "C", "adv", "pub", "template: é\n", (ApprovedCodeSpec("m_V1", "x", {"train": "00"}, {"train": "1"}),)
    )
    written = (
        '{"code_specs":[{"content_digests":{"train":"00"},"id":"m_V1","images":{"train":"1"},"spec":"x"}],'
        '"collaboration":"C","dependency_lock":null,"extra":{},"format":1,"image":null,"requester":"pub","runner":"adv",'
        '"template":"template: é\\n"}'
    )
    assert approval_digest(subject) == "sha256:" + hashlib.sha256(written.encode()).hexdigest()


@given(subjects)
def test_anybody_can_recompute_it(subject: ApprovalSubject) -> None:
    text = json.dumps(subject.to_json(), sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    assert approval_digest(subject) == "sha256:" + hashlib.sha256(text.encode()).hexdigest()


def canonically(value: Any) -> str:
    return json.dumps(value, sort_keys=True)


@pytest.mark.parametrize("field", FIELDS)
@given(data=st.data(), subject=subjects)
def test_any_field_that_changes_changes_the_digest(field: str, data: st.DataObject, subject: ApprovalSubject) -> None:
    changed = replace(subject, **{field: data.draw(FIELDS[field])})
    assume(canonically(changed.to_json()) != canonically(subject.to_json()))
    assert approval_digest(changed) != approval_digest(subject)


@pytest.mark.parametrize("field", ["id", "spec", "content_digests", "images"])
@given(data=st.data(), code_spec=code_specs)
def test_any_field_of_a_code_spec_too(field: str, data: st.DataObject, code_spec: ApprovedCodeSpec) -> None:
    changed = replace(
        code_spec, **{field: data.draw(texts if field in ("id", "spec") else st.dictionaries(texts, texts, max_size=2))}
    )
    assume(changed != code_spec)
    one, other = (ApprovalSubject("c", "r", "q", "t", (each,)) for each in (code_spec, changed))
    assert approval_digest(one) != approval_digest(other)


def test_the_order_of_code_specs_and_of_keys_does_not_count() -> None:
    first, second = ApprovedCodeSpec("a", "x", {"j": "1", "k": "2"}), ApprovedCodeSpec("b", "y")
    turned = replace(first, content_digests={"k": "2", "j": "1"})
    assert approval_digest(ApprovalSubject("c", "r", "q", "t", (first, second))) == approval_digest(
        ApprovalSubject("c", "r", "q", "t", (second, turned))
    )


@pytest.mark.parametrize("value", [1.0, float("nan"), b"x", {1: "a"}, {"a": {1.5}}, "\ud800", object()])
def test_what_has_no_single_written_form_is_refused(value: Any) -> None:
    with pytest.raises(NotCanonicalError):
        approval_digest(ApprovalSubject("c", "r", "q", "t", dependency_lock=value))


def test_depth_is_bounded() -> None:
    value: Any = []
    for _ in range(10_000):
        value = [value]
    with pytest.raises(NotCanonicalError, match="deeper"):
        approval_digest(ApprovalSubject("c", "r", "q", "t", extra={"x": value}))

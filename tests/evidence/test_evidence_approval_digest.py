"""The approval digest: anybody recomputes it, and nothing that is approved can change without changing it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from copy import deepcopy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cleanroom_ml.artifacts.manifest import FileEntry, Manifest
from cleanroom_ml.errors import HashMismatchError, UsageError
from cleanroom_ml.evidence import NotCanonicalError, approval_digest, approval_subject, canonical_json, parties_of

MANIFEST = Manifest((FileEntry("lib/a.py", 1, "a" * 64), FileEntry("train.py", 2, "b" * 64)))
REQUEST: dict[str, Any] = {
    "room": "4f00",
    "collaboration": "lookalike",
    "parties": [
        {"account": "LOCAL.ADVERTISER", "alias": "adv", "roles": ["analysis_runner", "data_provider"]},
        {"account": "LOCAL.PUBLISHER", "alias": "pub", "roles": ["owner", "requester", "activation_destination"]},
    ],
    "requester": "pub",
    "runner": "adv",
    "template_id": "train_V1",
    "template": "template: é\n",
    "code_specs": [
        {
            "id": "m_V1",
            "name": "m",
            "spec": "x",
            "ml_jobs": [
                {
                    "name": "train",
                    "entrypoint": "train.py",
                    "content_manifest": MANIFEST.to_json(),
                    "content_digest": MANIFEST.content_digest,
                    "image": "local",
                    "pip_requirements": ["pandas"],
                    "allow_monitoring": False,
                }
            ],
        }
    ],
    "dependency_lock": {"m_V1$train": {"packages": [{"name": "a", "sha256": "0" * 64}]}},
    "image": "local",
    "result_limit_bytes": 65536,
    "previous": None,
    "approval_digest": "sha256:whatever the server says",
}


def digest(request: dict[str, Any]) -> str:
    return approval_digest(approval_subject(request))


def by_the_docstring(text: str) -> str:
    """The recipe of approval_digest.py, as somebody without this package would write it."""
    subject = json.loads(text) | {"format": 2}
    for key in ("approval_digest", "previous"):
        subject.pop(key, None)
    for code_spec in subject["code_specs"]:
        for job in code_spec["ml_jobs"]:
            del job["content_manifest"]
    written = json.dumps(subject, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return "sha256:" + hashlib.sha256(written.encode()).hexdigest()


def places(value: Any, at: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Every place of a request that holds a plain value."""
    if isinstance(value, dict | list):
        for key, inner in value.items() if isinstance(value, dict) else enumerate(value):
            yield from places(inner, (*at, key))
    else:
        yield at


def changed(at: tuple[Any, ...], value: Any) -> dict[str, Any]:
    request = deepcopy(REQUEST)
    inner: Any = request
    for key in at[:-1]:
        inner = inner[key]
    inner[at[-1]] = value
    return request


def test_anybody_can_recompute_it() -> None:
    assert digest(REQUEST) == by_the_docstring(json.dumps(REQUEST))
    assert digest(REQUEST) == digest(REQUEST | {"previous": {"template": "x"}, "approval_digest": "sha256:other"})


@pytest.mark.parametrize("at", [at for at in places(REQUEST) if at[0] not in ("previous", "approval_digest")])
def test_whatever_changes_in_a_request_is_another_digest_or_no_request(at: tuple[Any, ...]) -> None:
    old: Any = REQUEST
    for key in at:
        old = old[key]
    other = changed(at, (not old) if isinstance(old, bool) else old + 1 if isinstance(old, int) else f"{old}x")
    if at[-1] == "size":
        # Bytes of the same hash have the same size: a wrong one is refused as the file is mounted.
        return
    try:
        assert digest(other) != digest(REQUEST)
    except (HashMismatchError, UsageError):
        assert {"parties", "requester", "runner", "content_digest", "content_manifest"} & set(at)


@pytest.mark.attack
@pytest.mark.parametrize("place", [(), ("code_specs", 0), ("code_specs", 0, "ml_jobs", 0), ("parties", 0)])
def test_what_a_later_version_adds_to_a_request_is_in_the_digest(place: tuple[Any, ...]) -> None:
    if place and place[0] == "parties":
        # A party is read whole: account, alias and roles are all there is of one, and all of it as it stands.
        assert digest(changed((*place, "region"), "eu")) != digest(REQUEST)
        return
    assert digest(changed((*place, "runs_as"), "root")) != digest(REQUEST)


@pytest.mark.attack
def test_another_account_behind_an_alias_is_another_digest() -> None:
    for number in (0, 1):
        assert digest(changed(("parties", number, "account"), "LOCAL.MALLORY")) != digest(REQUEST)
    assert digest(changed(("room",), "4f01")) != digest(REQUEST)


@pytest.mark.parametrize(
    "changes",
    [
        {"parties": []},
        {"parties": None},
        {"room": ""},
        {"parties": [{"account": "LOCAL.A"}]},
        {"parties": REQUEST["parties"][:1]},
        {"requester": "adv"},
        {"runner": "pub"},
    ],
)
def test_a_request_that_does_not_say_whose_it_is(changes: dict[str, Any]) -> None:
    with pytest.raises(HashMismatchError):
        digest(REQUEST | changes)


@pytest.mark.attack
@pytest.mark.parametrize("key", ["account", "alias"])
def test_nobody_stands_for_another(key: str) -> None:
    twice = changed(("parties", 0, key), REQUEST["parties"][1][key].lower())
    with pytest.raises(HashMismatchError, match=f"have one {key}"):
        parties_of(twice | {"runner": twice["parties"][0]["alias"]})


def test_a_request_of_before_named_one_runner_and_now_it_names_several() -> None:
    several = {key: value for key, value in REQUEST.items() if key != "runner"} | {"share_with": ["ADV"]}
    [runner, other] = parties_of(several)
    assert (runner.account, other.account) == ("LOCAL.ADVERTISER", "LOCAL.PUBLISHER")
    assert [each.to_json() for each in (runner, other)] == REQUEST["parties"]
    with pytest.raises(HashMismatchError, match="other parties as its runner"):
        parties_of(several | {"share_with": ["adv", "pub"]})
    nobody = changed(("parties", 0, "roles"), ["data_provider"])
    with pytest.raises(HashMismatchError, match="does not name an analysis runner"):
        parties_of(nobody)


@pytest.mark.attack
def test_a_job_whose_hashes_are_missing_or_are_others_is_refused() -> None:
    missing = changed(("code_specs", 0, "ml_jobs", 0, "content_manifest"), [])
    with pytest.raises(HashMismatchError, match="'train' of m_V1 has no content_manifest"):
        digest(missing)
    other = changed(("code_specs", 0, "ml_jobs", 0, "content_digest"), f"sha256:{'0' * 64}")
    with pytest.raises(HashMismatchError, match="does not add up") as caught:
        digest(other)
    assert caught.value.differences == (f"claimed {'0' * 64}", f"computed {MANIFEST.content_digest}")
    prefixed = changed(("code_specs", 0, "ml_jobs", 0, "content_digest"), MANIFEST.digest)
    assert digest(prefixed) == digest(REQUEST)


@pytest.mark.attack
def test_two_jobs_of_one_name_are_refused() -> None:
    request = deepcopy(REQUEST)
    jobs = request["code_specs"][0]["ml_jobs"]
    jobs.append(jobs[0] | {"name": "TRAIN", "entrypoint": "evil.py"})
    with pytest.raises(HashMismatchError, match="two ML jobs"):
        digest(request)


texts = st.text(st.characters(exclude_categories=("Cs",)), max_size=12)
canonical = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), texts),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(texts, inner, max_size=3)),
    max_leaves=6,
)


@given(canonical)
def test_there_is_one_way_to_write_a_value(value: Any) -> None:
    written = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    assert canonical_json(value) == written.encode()


@pytest.mark.parametrize("value", [1.0, float("nan"), b"x", {1: "a"}, {"a": {1.5}}, "\ud800", object()])
def test_what_has_no_single_written_form_is_refused(value: Any) -> None:
    with pytest.raises(NotCanonicalError):
        digest(REQUEST | {"dependency_lock": value})


def test_depth_is_bounded() -> None:
    value: Any = []
    for _ in range(10_000):
        value = [value]
    with pytest.raises(NotCanonicalError, match="deeper"):
        digest(REQUEST | {"extra": value})

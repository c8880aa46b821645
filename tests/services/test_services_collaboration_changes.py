"""A spec file against the collaboration that is there: the same again succeeds, other content is a conflict.

Source: README.md, "Every command can be repeated". What is linked and approved later stands in the collaboration's
spec: docs/api-digest.md §3.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from cleanroom_ml.errors import ConflictError, ServerError
from cleanroom_ml.services.collaboration_changes import check_created_from
from cleanroom_ml.specs.collaboration import Collaboration
from cleanroom_ml.specs.parse import parse_as

SPEC = """
api_version: 2.0.0
spec_type: collaboration
name: look
description: Both.
owner: alice
collaborator_identifier_aliases: {alice: ORG.ALICE, bob: ORG.BOB}
analysis_runners:
  bob: {data_providers: {alice: {data_offerings: []}}, activation_destinations: {snowflake_collaborators: [alice]}}
"""
SINCE = SPEC.replace("data_offerings: []", "data_offerings: [{id: rows_v1}]").replace(
    "bob: {data_providers", "bob: {templates: [{id: train_v1}], data_providers"
)


def check(file: str, shown: str) -> None:
    check_created_from(parse_as(Collaboration, file), shown, path=Path("c.yaml"))


@pytest.mark.parametrize(
    "shown",
    [SPEC, SINCE, SPEC.replace("alice", "ALICE").replace("ORG.BOB", "org.bob"), SPEC + "distribution: external", ""],
)
def test_the_same_spec_is_the_same_whatever_was_linked_since(shown: str) -> None:
    check(SPEC, shown)
    check(SINCE, SPEC)


@pytest.mark.parametrize(
    ("old", "new", "differs"),
    [
        ("ORG.BOB", "ORG.EVE", "the account of bob is ORG.EVE in the file, ORG.BOB in the collaboration"),
        ("description: Both.", "description: All.", "the description"),
        ("owner: alice", "owner: bob", "the owner is bob in the file, alice in the collaboration"),
        ("bob: ORG.BOB", "bob: ORG.BOB, eve: ORG.EVE", "the collaborator eve is in the file only"),
        ("[alice]", "[alice, bob]", "bob as a destination of bob is in the file only"),
        ("[alice]", "[]", "alice as a destination of bob is in the collaboration only"),
        (
            "{alice: {data_offerings: []}}",
            "{alice: {data_offerings: []}, bob: {data_offerings: []}}",
            "bob as a data provider of bob is in the file only",
        ),
        (
            "analysis_runners:",
            "analysis_runners:\n  alice: {data_providers: {bob: {data_offerings: []}}}",
            "alice as an analysis runner is in the file only",
        ),
    ],
)
def test_what_differs_is_named_with_the_command_to_type(old: str, new: str, differs: str) -> None:
    with pytest.raises(ConflictError) as caught:
        check(SPEC.replace(old, new), SPEC)
    assert caught.value.differences == (differs,)
    assert caught.value.fix == "cleanroom-ml collaboration edit c.yaml"


def test_an_edit_that_would_take_out_what_was_linked_since_says_how_to_keep_it() -> None:
    with pytest.raises(ConflictError) as caught:
        check(SPEC.replace("Both.", "All."), SINCE)
    assert "(the template train_v1 of bob, the data offering rows_v1 of alice for bob)" in str(caught.value.fix)
    assert "cleanroom-ml collaboration show" in str(caught.value.fix)


def test_a_spec_that_cannot_be_read_is_not_taken_for_the_same() -> None:
    with pytest.raises(ServerError, match="cannot be told whether look is what the file says"):
        check(SPEC, "[]")

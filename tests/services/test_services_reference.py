"""The reference of the specs' keys: complete, and found by whatever a person types."""

from __future__ import annotations

import pytest

from cleanroom_ml.errors import UsageError
from cleanroom_ml.services import reference
from cleanroom_ml.specs.reference import MODELS, keys


def paths(words: str) -> list[str]:
    return [key.path for key in reference.find(words)]


def test_every_key_says_in_a_sentence_what_it_is_for() -> None:
    for key in keys():
        assert key.description.endswith((".", "….")), key.path
        assert key.description[0].isupper() or key.description.split()[0].islower(), key.path
        assert "\n" not in key.description


def test_every_spec_is_there() -> None:
    assert {key.parts[0] for key in keys()} == set(MODELS)


@pytest.mark.parametrize(
    ("words", "found"),
    [
        ("code_spec.ml_jobs.entrypoint", ["code_spec.ml_jobs.entrypoint"]),
        ("ml_jobs[0].entrypoint", ["code_spec.ml_jobs.entrypoint"]),
        ("entrypoint", ["code_spec.ml_jobs.entrypoint"]),
        ("source_tables", ["analysis.template_configuration.view_mappings.source_tables"]),
        (
            "datasets[1].schema_and_template_policies.hashed_email.category",
            ["data_offering.datasets.schema_and_template_policies.category"],
        ),
        ("runs.train.tables", ["cleanroom.runs.tables"]),
        ("share_with", ["cleanroom.share_with"]),
    ],
)
def test_a_key_is_found(words: str, found: list[str]) -> None:
    assert paths(words) == found


def test_a_word_of_several_specs_finds_all_and_a_spec_all_of_its_keys() -> None:
    assert {"code_spec.description", "template.description", "template.parameters.description"} <= set(
        paths("description")
    )
    assert [path for path in paths("cleanroom.yaml") if path.startswith("cleanroom.")][:2] == [
        "cleanroom.version",
        "cleanroom.collaboration",
    ]


@pytest.mark.parametrize("words", ["entrypiont", "code_spec.ml_jobs.entrypiont", "ml_job.entripoint"])
def test_a_mistyped_key_is_told_the_nearest(words: str) -> None:
    with pytest.raises(UsageError) as caught:
        reference.find(words)
    assert "code_spec.ml_jobs.entrypoint" in str(caught.value.why)
    assert caught.value.fix == "cleanroom-ml help code_spec.ml_jobs.entrypoint"


@pytest.mark.parametrize("words", ["", ".", "[0]", "🙂", "x" * 10_000, "a" + ".a" * 5_000])
def test_what_is_no_key_at_all(words: str) -> None:
    with pytest.raises(UsageError):
        reference.find(words)

"""Edits of a spec's text: the next version, and nothing else."""

from __future__ import annotations

import pytest

from cleanroom_ml.errors import UsageError
from cleanroom_ml.specs.edit import bump_version, replace_code_spec_reference, set_version_in_text
from cleanroom_ml.specs.problems import SpecProblems


@pytest.mark.parametrize(
    ("version", "following"),
    [
        ("V1", "V2"),
        ("1", "2"),
        ("v1_9", "v1_10"),
        ("V9", "V10"),
        ("v09", "v10"),
        ("v99", "v100"),
        ("beta", "beta_2"),
        ("a1b", "a1b_2"),
    ],
)
def test_bump(version: str, following: str) -> None:
    assert bump_version(version) == following


@pytest.mark.parametrize("version", ["x" * 19, "9" * 20])
def test_no_version_after_the_longest(version: str) -> None:
    with pytest.raises(UsageError, match="no version after"):
        bump_version(version)


@pytest.mark.parametrize("written", ["V1", "'V1'", '"V1"'])
@pytest.mark.parametrize("mark", ["", "\ufeff"])
def test_only_the_version_changes(written: str, mark: str) -> None:
    text = f"{mark}# V1 é\nname:   t   # version: V1\nml_jobs: [{{version: V1}}]\nversion:  {written}  # V1\nx: V1\n"
    quote = written[0] if written[0] in "'\"" else ""
    expected = text.replace(f"version:  {written}", f"version:  {quote}V2{quote}")
    assert set_version_in_text(text, "V2") == expected


def test_flow_style_and_crlf_are_kept() -> None:
    assert set_version_in_text("{name: t, version: 1, x: 1}\r\n", "2") == "{name: t, version: 2, x: 1}\r\n"


def test_a_reference_is_replaced_in_the_list_only() -> None:
    text = "code_specs:  # m_V1\n  - other_V1\n  - 'm_V1'   # the model\ntemplate: |\n  -- m_V1\n"
    assert replace_code_spec_reference(text, "M_v1", "m_V2") == text.replace("'m_V1'", "'m_V2'")


@pytest.mark.parametrize("text", ["a: 1\n", "code_specs: [x_V1]\n", "code_specs: m_V1\n", "[m_V1]\n"])
def test_what_is_not_there_cannot_be_replaced(text: str) -> None:
    with pytest.raises(SpecProblems):
        replace_code_spec_reference(text, "m_V1", "m_V2")


def test_a_text_without_version_is_refused() -> None:
    with pytest.raises(SpecProblems, match="version: the key is missing"):
        set_version_in_text("name: t\n", "V2")

"""Where a problem is reported: file, 1-based line and column, field; and that all are reported at once."""

from __future__ import annotations

import pytest

from cleanroom_ml.specs.parse import SpecType, parse_spec
from cleanroom_ml.specs.problems import Problem, SpecProblems

HEAD = "api_version: 2.0.0\nspec_type: template\nversion: V1\ntype: sql_analysis\n"


def problems(text: str, **options: SpecType) -> tuple[Problem, ...]:
    with pytest.raises(SpecProblems) as caught:
        parse_spec(text, source="t.yaml", **options)
    return caught.value.problems


def test_several_errors_at_once_each_in_its_place() -> None:
    text = """\
# a comment
api_version: 2.0.0
spec_type: code_spec
name:   9x
ml_job: []
version: "way_too_long_a_version_for_anybody"
ml_jobs:
  - name: train
    entrypoint: train
    stage_code_dir: '@DB.S.ST/code'
    pip_requirements: [xgboost, "--index-url https://évil", ok]
  - entrypoint: b.py
    stage_code_dir: 1
"""
    found = problems(text)
    assert [(problem.line, problem.column, problem.field) for problem in found] == [
        (4, 9, "name"),
        (5, 1, "ml_job"),
        (6, 10, "version"),
        (9, 17, "ml_jobs[0].entrypoint"),
        (11, 33, "ml_jobs[0].pip_requirements[1]"),
        (12, 5, "ml_jobs[1].name"),
        (13, 21, "ml_jobs[1].stage_code_dir"),
    ]
    assert "did you mean 'ml_jobs'?" in found[1].what
    assert found[5].what == "the key is missing"
    assert all(problem.allowed for problem in found if problem.field != "ml_jobs[1].name")


def test_the_one_line_form() -> None:
    found = problems(HEAD + "name: t\ntemplate: x\nparameters:\n  - nmae: a\n")
    assert [str(problem) for problem in found] == [
        "t.yaml:8:5: parameters[0].name: the key is missing",
        "t.yaml:8:5: parameters[0].nmae: unknown key 'nmae'; did you mean 'name'?; "
        "allowed: name, description, required, default, type",
    ]


def test_columns_count_characters_not_bytes() -> None:
    text = HEAD + "name: t\ntemplate: x\nparameters: [{name: a, description: 'éé', surprise: 1}]\n"
    assert [(found.line, found.column) for found in problems(text)] == [(7, 43)]


@pytest.mark.parametrize(
    ("body", "place"),
    [
        ("template: |\n  select 1;\n\n  call cleanroom.m_V1$job(1)\n", (9, 8)),
        ("template: |2\n   call cleanroom.m_V1$job(1)\n", (7, 9)),
        ("template: 'call cleanroom.m_V1$job(1)'\n", (6, 11)),
    ],
)
def test_the_documented_error_for_an_id_in_the_body(body: str, place: tuple[int, int]) -> None:
    found = problems(
        HEAD.replace("type:", "name: t\ntype:", 1).replace("name: t\n", "", 1)
        + "name: t\n"
        + body
        + "code_specs: [m_V1]\n"
    )
    assert [(problem.line, problem.column) for problem in found] == [place]
    assert found[0].what == (
        "Template references unknown code spec callables: 'm_V1$job'. 'm_V1' looks like a code spec ID. "
        "Use the code spec name (without the version suffix) instead."
    )


def test_a_problem_with_a_key_points_at_the_key() -> None:
    text = "api_version: 2.0.0\nspec_type: analysis\ntemplate: t_V1\ntemplate_configuration:\n  arguments:\n    9x: 1\n"
    assert [(found.line, found.column) for found in problems(text)] == [(6, 5)]


@pytest.mark.parametrize(
    ("text", "line", "column", "what"),
    [
        ("", 1, 1, "the file is empty"),
        ("- a\n", 1, 1, "no mapping"),
        ("a: [1\nb: 2\n", 2, 2, "not valid YAML"),
        ("a: 1\n\tb: 2\n", 2, 1, "not valid YAML"),
        ("a: 'x\n", 2, 1, "not valid YAML"),
        ("a: 1\n", 1, 1, "the key is missing"),
        ("spec_type: other\n", 1, 12, "is 'other'"),
        ("spec_type: [x]\n", 1, 12, "a list or mapping"),
    ],
)
def test_what_is_no_spec_at_all(text: str, line: int, column: int, what: str) -> None:
    found = problems(text)
    assert [(problem.line, problem.column) for problem in found] == [(line, column)]
    assert what in found[0].what


def test_another_type_than_expected_is_refused() -> None:
    found = problems(HEAD + "name: t\ntemplate: x\n", expect=SpecType.CODE_SPEC)
    assert (found[0].line, found[0].column, found[0].allowed) == (2, 12, "code_spec")


def test_plain_numbers_stay_what_was_written() -> None:
    spec = parse_spec(HEAD.replace("V1", "2025_10") + "name: t\ntemplate: x\n")
    assert spec.version == "2025_10"
    assert parse_spec(HEAD.replace("V1", "010") + "name: t\ntemplate: x\n").version == "010"


@pytest.mark.parametrize(("plain", "what"), [("true", "true or false"), ("", "is empty"), ("[a]", "must be text")])
def test_what_yaml_does_not_read_as_text_needs_quotes(plain: str, what: str) -> None:
    assert what in problems(HEAD + f"template: x\nname: {plain}\n")[0].what

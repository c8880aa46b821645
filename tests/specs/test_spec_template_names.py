"""Unknown variables, syntax errors and unknown filters of a template, read from Jinja's own tree, never evaluated."""

from __future__ import annotations

import re
import time
from pathlib import Path

import pytest

from cleanroom_ml.services.projects import check
from cleanroom_ml.specs.project_checks import validate_project
from cleanroom_ml.template_names import template_problems

SAMPLES = Path(__file__).parents[2] / "sample_projects"
# The shapes of the templates in Snowflake's documentation (spec-template, custom-templates, ml-jobs), not their text.
DOCUMENTED = [
    ("SELECT 1 FROM IDENTIFIER( {{ source_table[0] }} ) LIMIT {{ row_count }};", ["row_count"]),
    ("SELECT IDENTIFIER({{ a | column_policy }}) FROM IDENTIFIER({{ source_table[0] }}) AS p1", ["source_tables", "a"]),
    ("FROM IDENTIFIER({{ preset_tables['publisher'] }}) JOIN IDENTIFIER({{ my_table[0] }})", ["source_tables"]),
    ("SELECT {{ any_variable }} FROM p WHERE x < {{ max_income }}", []),
    ("SELECT 1 {% if where_phrase %} WHERE {{ where_phrase | sqlsafe }}{% endif %};", ["other"]),
    (
        "call cleanroom.m$j({{ compute_pool }}, {{ num_instances | default(1) }}, {{ w | default('W') }})",
        ["compute_pool"],
    ),
    ("SELECT p1.{{ c | sqlsafe | activation_policy }}, {{ xs | inclause }}", ["c", "xs"]),
    ("{% for c in cols %}{{ c | sqlsafe }}{% if not loop.last %},{% endif %}{% endfor %}", ["cols"]),
    ("{% set n = limit if limit is defined else 10 %}{{ n }}{{ range(3) | join }}", ["other"]),
    ("{% macro col(x) %}{{ x | sqlsafe }}{% endmacro %}{{ col(name) }}", ["name"]),
]


def said(body: str, *parameters: str) -> list[tuple[int, str]]:
    return [(found.line, found.what) for found in template_problems(body, parameters)]


@pytest.mark.parametrize(("body", "parameters"), DOCUMENTED)
def test_documented_templates_are_left_alone(body: str, parameters: list[str]) -> None:
    assert said(body, *parameters) == []


@pytest.mark.parametrize(
    ("body", "line", "what"),
    [
        ("select {{ vraiable }}", 1, "the variable 'vraiable' is neither .*; did you mean 'variable'"),
        ("\n\n{% if variable > other %}{% endif %}", 3, "the variable 'other'"),
        ("{% set x = sorce_table %}{{ x }}", 1, "did you mean 'source_table'"),
        ("{% for row in rows %}{{ row }}{% endfor %}", 1, "the variable 'rows'"),
        ("{{ f(nope) }}{{ variable }}", 1, "the variable 'f'"),
        ("{{ vraiable | default(1) }}", 1, "the variable 'vraiable' is neither .*; did you mean 'variable'"),
        ("{{ variable | colum_policy }}", 1, "No filter named 'colum_policy'"),
        ("{{ variable is positiv }}", 1, "No test named 'positiv'"),
        ("select {{ variable", 1, "unexpected end of template"),
        ("\n{% if variable %}", 2, "Unexpected end of template"),
        ("{% frobnicate %}", 1, "unknown tag 'frobnicate'"),
        ("{{ " + "(" * 5000 + "1" + ")" * 5000 + " }}", 1, "is nested too deeply"),
    ],
)
def test_what_cannot_be_meant_is_told_with_its_line(body: str, line: int, what: str) -> None:
    found = said(body, "variable")
    assert [at for at, _ in found] == [line] * len(found)
    assert found
    assert re.search(what, found[0][1])


@pytest.mark.attack
@pytest.mark.parametrize(
    "body",
    [
        "{{ 'x' * 1000000000 }}",
        "{{ 9 ** (9 ** 9) }}",
        "{{ -(10 ** 100000000) }}",
        "{{ 'x' | center(1000000000) }}",
        "{% set x = 'x' * 1000000000 %}",
        "{% if ('x' * 1000000000) == 'x' %}{% endif %}",
        "{{ ('x' * 1000000000) is string }}",
        "{{ 'x'.__class__.__mro__ }}{{ range(10 ** 9) | list }}",
        "{% for x in range(10 ** 9) %}{% endfor %}",
    ],
)
def test_nothing_of_a_template_is_computed_as_it_is_read(body: str) -> None:
    began = time.process_time()
    said(body, "variable")
    assert time.process_time() - began < 1


def write(directory: Path, body: str, args: str = "{}") -> Path:
    (directory / "cleanroom.yaml").write_text(
        f"version: 1\ncollaboration: c\ntemplates: [t.yaml]\nruns:\n  t: {{template: t, args: {args}}}\n"
    )
    head = "api_version: 2.0.0\nspec_type: template\nname: t\nversion: V1\ntype: sql_analysis\n"
    (directory / "t.yaml").write_text(
        f"{head}parameters: [{{name: a}}]\ntemplate: |\n  select {{{{ a }}}},\n    {body}\n"
    )
    return directory


@pytest.mark.parametrize("body", ["{{ nope }}", "{{ a | nofilter }}", "{% if a %}"])
def test_validate_tells_it_with_file_and_line(body: str, tmp_path: Path) -> None:
    write(tmp_path, body)
    (problem,) = validate_project(tmp_path)
    (alone,) = check(tmp_path / "t.yaml").problems
    assert (problem.file, problem.line) == (str(tmp_path / "t.yaml"), 9)
    assert alone == problem


def test_validate_tells_of_an_argument_that_the_template_does_not_take(tmp_path: Path) -> None:
    (problem,) = validate_project(write(tmp_path, "{{ b | default(1) }}", "{a: 1, b: 2, nope: 3}"))
    assert "runs.t.args.nope: template 't' takes no such argument" in str(problem)


def test_the_templates_of_the_sample_projects_are_right() -> None:
    checked = [path for path in SAMPLES.glob("*/*/*.yaml") if "spec_type: template" in path.read_text()]
    assert len(checked) > 10
    assert [check(path).problems for path in checked] == [()] * len(checked)

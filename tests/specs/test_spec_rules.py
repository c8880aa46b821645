"""Every rule and limit of docs/api-digest.md §2: one text that keeps it, one that breaks it."""

from __future__ import annotations

from typing import Any

import pytest
from spec_rules import REGISTERED
from spec_rules_of_runs import RUN
from spec_texts import BASES, function, text

from cleanroom_ml.errors import UsageError
from cleanroom_ml.specs.code_spec import CodeSpec
from cleanroom_ml.specs.parse import parse_spec
from cleanroom_ml.specs.problems import SpecProblems


@pytest.mark.parametrize(
    ("kind", "good", "bad", "field"), REGISTERED + RUN, ids=lambda value: value if isinstance(value, str) else ""
)
def test_rule(kind: str, good: dict[str, Any], bad: dict[str, Any], field: str) -> None:
    assert parse_spec(text(kind, good)).spec_type == kind
    with pytest.raises(SpecProblems) as caught:
        parse_spec(text(kind, bad), source="spec.yaml")
    fields = [problem.field for problem in caught.value.problems]
    assert field in fields if field else fields
    assert all(
        problem.file == "spec.yaml" and problem.line >= 1 and problem.column >= 1 for problem in caught.value.problems
    )
    assert isinstance(caught.value, UsageError)
    assert caught.value.exit_code == 2


@pytest.mark.parametrize("kind", BASES)
def test_unknown_and_missing_keys_are_refused_in_every_spec(kind: str) -> None:
    with pytest.raises(SpecProblems, match="unknown key 'surprise'"):
        parse_spec(text(kind, {"surprise": 1}))
    for key in BASES[kind]:
        if key == "ml_jobs":
            continue
        with pytest.raises(SpecProblems) as caught:
            parse_spec(text(kind, {key: ...}))
        assert [(problem.field, problem.what) for problem in caught.value.problems] == [(key, "the key is missing")]


def test_a_code_body_may_have_12_mb_and_no_more() -> None:
    lines = ("x" * 1023 + "\n") * (12 * 1024)
    assert len(lines) == 12 * 1024**2
    head = text("code_spec", function(code_body=...)) + "  code_body: |\n"
    spec = parse_spec(head + "    " + lines.replace("\n", "\n    ").rstrip(" "))
    assert isinstance(spec, CodeSpec)
    assert spec.functions[0].code_body == lines
    with pytest.raises(SpecProblems, match="12 MB"):
        parse_spec(head + "    " + lines.replace("\n", "\n    ") + "y\n")


def test_models_are_frozen() -> None:
    spec = parse_spec(text("template", {}))
    with pytest.raises(ValueError, match="frozen"):
        spec.name = "other"  # type: ignore[misc]


@pytest.mark.parametrize(("name", "expected"), [("m", "m_V1"), ('"My m"', '"My m_V1"')])
def test_an_id_is_name_and_version(name: str, expected: str) -> None:
    assert parse_spec(text("template", {"name": name})).id == expected

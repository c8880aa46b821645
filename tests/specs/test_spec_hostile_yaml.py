"""YAML written by somebody who wants to do harm. Nothing is executed, nothing explodes, everything is named."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from cleanroom_ml.specs.parse import parse_spec
from cleanroom_ml.specs.problems import Problem, SpecProblems
from cleanroom_ml.specs.yaml_tree import MAX_BYTES, MAX_DEPTH, read_tree, to_python

HEAD = "api_version: 2.0.0\nspec_type: analysis\ntemplate: t_V1\ntemplate_configuration:\n  arguments:\n"


def refused(text: str) -> str:
    with pytest.raises(SpecProblems) as caught:
        parse_spec(text)
    return str(caught.value)


@pytest.mark.attack
def test_an_object_tag_runs_nothing(tmp_path: Path) -> None:
    proof = tmp_path / "proof"
    text = HEAD + f"    a: !!python/object/apply:os.mkdir ['{proof}']\n"
    assert "tag" in refused(text)
    assert not proof.exists()
    yaml.unsafe_load(text)
    assert proof.exists(), "the attack works on a loader that follows tags"


@pytest.mark.parametrize("tag", ["!!python/name:os.system", "!custom", "!!binary", "!!set", "!!timestamp", "!!int"])
def test_other_tags_are_refused(tag: str) -> None:
    assert "tag" in refused(HEAD + f"    a: {tag} x\n")


@pytest.mark.attack
def test_a_billion_laughs_are_refused_at_once() -> None:
    lines = ["    a0: &a0 [lol, lol, lol, lol, lol, lol, lol, lol, lol, lol]"]
    lines += [f"    a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 10)]
    started = time.monotonic()
    assert "too many values" in refused(HEAD + "\n".join(lines) + "\n")
    assert time.monotonic() - started < 2


@pytest.mark.attack
def test_a_large_text_repeated_by_aliases_is_refused() -> None:
    text = HEAD + f"    a: &a '{'x' * 1_000_000}'\n    b: [{', '.join(['*a'] * 1000)}]\n"
    assert "too large with its aliases" in refused(text)


def test_a_few_aliases_are_fine_and_recursion_is_not() -> None:
    spec = parse_spec(HEAD + "    a: &x [1, 2]\n    b: *x\n")
    assert spec.template_configuration.arguments == {"a": [1, 2], "b": [1, 2]}  # type: ignore[union-attr]
    assert "names nothing that is complete" in refused(HEAD + "    a: &x [1, *x]\n")
    assert "names nothing" in refused(HEAD + "    a: *y\n")


@pytest.mark.parametrize("opening", ["[", "{a: ", "- "])
def test_depth_is_bounded(opening: str) -> None:
    assert "nested too deep" in refused(HEAD + "    a: " + ("\n      " if opening == "- " else "") + opening * 100_000)
    nested = "[" * (MAX_DEPTH - 3) + "]" * (MAX_DEPTH - 3)
    assert parse_spec(HEAD + f"    a: {nested}\n")
    assert "nested too deep" in refused(HEAD + f"    a: [{nested}]\n")


def test_depth_cannot_be_hidden_in_aliases() -> None:
    lines = ["    a0: &a0 [x]"] + [f"    a{n}: &a{n} [*a{n - 1}]" for n in range(1, 100)]
    assert "nested too deep" in refused(HEAD + "\n".join(lines) + "\n")


def test_duplicate_keys_are_all_named() -> None:
    message = refused(
        "api_version: 2.0.0\nspec_type: analysis\ntemplate: t_V1\ntemplate: u_V1\n'spec_type': template\n"
    )
    assert "<spec>:4:1: the key 'template' stands here twice; first on line 3" in message
    assert "<spec>:5:1: the key 'spec_type' stands here twice; first on line 2" in message


@pytest.mark.parametrize(
    "text",
    ["    ? [a]\n    : 1\n", "    ? {a: b}\n    : 1\n", "    <<: {a: 1}\n"],
)
def test_odd_keys_are_refused(text: str) -> None:
    assert "key" in refused(HEAD + text)


@pytest.mark.parametrize(
    ("text", "character"),
    [
        ("    a: 'x\0y'\n", "U+0000"),
        ('    a: "x\\0y"\n', "U+0000"),
        ('    a: "\\e[31m"\n', "U+001B"),
        ("    a: 'x\x1b[2J'\n", "U+001B"),
        ("    a: 'x\u202ey'\n", "U+202E"),
        ('    a: "x\\u2066y"\n', "U+2066"),
        ("    'a\u202eb': 1\n", "U+202E"),
        ("    a: 'x -- \u2028drop'\n", "U+2028"),
        ("    a: 'x -- \x85drop'\n", "U+0085"),
        ("    a: '\udcff'\n", "U+DCFF"),
        ('    "a\\x07": 1\n', "U+0007"),
    ],
)
def test_invisible_characters_are_refused_written_out_or_escaped(text: str, character: str) -> None:
    assert f"invisible character {character}" in refused(HEAD + text)


def test_the_place_of_an_invisible_character() -> None:
    with pytest.raises(SpecProblems) as caught:
        parse_spec(HEAD + "    é: 'x\0y'\n")
    assert [(found.line, found.column) for found in caught.value.problems] == [(6, 10)]


def test_messages_never_carry_control_characters_or_long_values() -> None:
    message = refused(HEAD + '    "a\\u200bb\\nc": 1\n')
    assert message.replace("\n", "").isprintable()
    assert len(refused("spec_type: " + "x" * 100_000 + "\n")) < 500


def test_size_is_bounded() -> None:
    assert "too large" in refused("a: '" + "x" * MAX_BYTES + "'\n")
    assert "too large" in refused("a: '" + "é" * (MAX_BYTES // 2) + "'\n")


def test_two_documents_are_refused() -> None:
    assert "second document" in refused(HEAD + "    a: 1\n---\n" + HEAD)


@pytest.mark.parametrize("plain", ["12:30", "1:2:3.5", "0x_", "-0b__", "1" * 65, "0x" + "f" * 100])
def test_numbers_that_surprise_need_quotes(plain: str) -> None:
    assert "allowed: put it in quotes" in refused(HEAD + f"    a: {plain}\n")
    assert parse_spec(HEAD + f"    a: '{plain}'\n")


@pytest.mark.parametrize("value", [".nan", ".inf", "-.inf"])
def test_numbers_that_json_cannot_carry_are_refused(value: str) -> None:
    assert "not a finite number" in refused(HEAD + f"    a: {value}\n")


@pytest.mark.parametrize(
    "text",
    [
        "a: 1",
        "a: [1, 2.5, x, yes, ~, null, 0x1f, 010, 1_000, 1e3, 1.0e+3, +5, '1', \"a\\tb\"]",
        "a: |\n  x\n   y\n",
        "{a: {}, b: []}",
    ],
)
def test_what_is_accepted_reads_as_safe_loading_reads_it(text: str) -> None:
    assert to_python(read_tree(text, "x")) == yaml.safe_load(text)


FRAGMENTS = [
    *[
        "a",
        "b",
        ": ",
        "- ",
        "\n",
        "\n  ",
        "\n    ",
        "[",
        "]",
        "{",
        "}",
        ", ",
        "? ",
        "&x ",
        "*x",
        "!t ",
        "!!str ",
        "| ",
        ">-",
    ],
    *[
        "'",
        '"',
        "#",
        "<<",
        "---",
        "...",
        "%YAML 1.1",
        "0x_",
        "0b1",
        "1_0",
        "1.5e3",
        ".inf",
        "~",
        "yes",
        "=",
        "\t",
        "\\",
        "é",
    ],
]


@settings(max_examples=1000, deadline=None)
@given(st.sampled_from(["", HEAD, HEAD + "    a: "]), st.lists(st.sampled_from(FRAGMENTS), max_size=14).map("".join))
def test_any_text_is_a_spec_or_a_problem_with_a_place(head: str, text: str) -> None:
    found: tuple[Problem, ...] = ()
    try:
        parse_spec(head + text)
    except SpecProblems as error:
        found = error.problems
    assert all(problem.line >= 1 and problem.column >= 1 and problem.what for problem in found)


def test_a_date_stays_text() -> None:
    assert to_python(read_tree("a: 2026-01-02", "x")) == {"a": "2026-01-02"}

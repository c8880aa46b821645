"""What is read from a template's body: the code it calls, and what enters the SQL unbound."""

from __future__ import annotations

import jinja2
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jinja2 import nodes

from cleanroom_ml.specs.template_text import code_calls, sqlsafe_expressions


@pytest.mark.parametrize(
    ("body", "calls"),
    [
        ("call cleanroom.my_model$train({{ pool }}, 1)", [("my_model", "train")]),
        ("CALL CleanRoom . My_Model$Train(1)", [("My_Model", "Train")]),
        ("call cleanroom\n  .\n  m$j(1)", [("m", "j")]),
        ('call "CLEANROOM"."M$J"(1)', [("M", "J")]),
        ('call cleanroom."my m$j"(1)', [("my m", "j")]),
        ("select cleanroom.a$f(x), cleanroom.a$g(y)", [("a", "f"), ("a", "g")]),
        ("execute immediate 'call cleanroom.a$f()'", [("a", "f")]),
        ("-- cleanroom.a$f(x)\nselect 1", [("a", "f")]),
        ("select * from cleanroom.table1", []),
        ("select not_cleanroom.a$f(x)", []),
        ('call "cleanroom".a$f()', []),
        ("cleanroom.$f cleanroom.a$", []),
    ],
)
def test_calls(body: str, calls: list[tuple[str, str]]) -> None:
    assert [(call.code_spec_name, call.callable_name) for call in code_calls(body)] == calls


def test_a_call_knows_its_line() -> None:
    assert [call.line for call in code_calls("\ncall cleanroom.a$f(\ncleanroom.b$g())")] == [2, 3]


@pytest.mark.parametrize(
    ("body", "found"),
    [
        ("{{ x | sqlsafe }}", [("x | sqlsafe", 1, ("x",))]),
        ("a\n{{x|sqlsafe}}", [("x|sqlsafe", 2, ("x",))]),
        ("{{- x\n|\nsqlsafe -}}", [("x\n|\nsqlsafe", 1, ("x",))]),
        ("{{ t[0] | upper | sqlsafe | join_policy }}", [("t[0] | upper | sqlsafe | join_policy", 1, ("t",))]),
        ("{{ (x ~ '}}' ~ y.z) | sqlsafe }}", [("(x ~ '}}' ~ y.z) | sqlsafe", 1, ("x", "y"))]),
        ("{{ {'a': {}}[k] | sqlsafe }}", [("{'a': {}}[k] | sqlsafe", 1, ("k",))]),
        ("{% set y = x|sqlsafe %}", [("set y = x|sqlsafe", 1, ("y", "x"))]),
        ("{%- filter sqlsafe -%}{{ x }}{%- endfilter -%}", [("filter sqlsafe", 1, ())]),
        ("{% if a %}{{ x|sqlsafe if b else c }}{% endif %}", [("x|sqlsafe if b else c", 1, ("x", "b", "c"))]),
        ("{{ x }} {{ 'sqlsafe' }} {{ sqlsafe }} {# {{ x | sqlsafe }} #}", []),
        ("{% raw %}{{ x | sqlsafe }}{% endraw %}{{ y|sqlsafe }}", [("y|sqlsafe", 1, ("y",))]),
        ("{# don't #}{{ x|sqlsafe }}", [("x|sqlsafe", 1, ("x",))]),
        ("it's {{ x|sqlsafe }}", [("x|sqlsafe", 1, ("x",))]),
        ('{{ "it\'s \\" }}" ~ x|sqlsafe }}', [('"it\'s \\" }}" ~ x|sqlsafe', 1, ("x",))]),
        ("{{ x | sqlsafe", [("x | sqlsafe", 1, ("x",))]),
    ],
)
def test_sqlsafe(body: str, found: list[tuple[str, int, tuple[str, ...]]]) -> None:
    assert [tuple(expression) for expression in sqlsafe_expressions(body)] == found


FRAGMENTS = [
    "{{ ", "{{- ", " }}", " -}}", "{% set a = ", "{% if ", " %}", "{% endif %}", "{# ", " #}", "{% raw %}",
    "{% endraw %}", "x", "y", " | sqlsafe", "|sqlsafe", " | upper", "'", '"', "'}}'", "\\", "{", "}", "(", ")", "[0]",
    "\n", " ~ ", "select ", "-- ", "{'k': {}}", "+", "-",
]  # fmt: skip


def jinja_finds(body: str) -> bool:
    """Whether Jinja itself, parsing the body, sees the filter sqlsafe anywhere."""
    tree = jinja2.Environment().parse(body)
    return any(node.name == "sqlsafe" for node in tree.find_all(nodes.Filter))


@settings(max_examples=500, deadline=None)
@given(st.lists(st.sampled_from(FRAGMENTS), max_size=12).map("".join))
def test_nothing_that_jinja_renders_unbound_is_missed(body: str) -> None:
    try:
        unbound = jinja_finds(body)
    except jinja2.TemplateError:
        sqlsafe_expressions(body)
        return
    assert bool(sqlsafe_expressions(body)) == unbound

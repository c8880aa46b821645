"""JinjaSQL as templates rely on it, and as attackers try it."""

from __future__ import annotations

import time
from typing import Any

import pytest

from cleanroom_ml.engine.rooms import render_worker
from cleanroom_ml.engine.rooms.render import SandboxedRenderer, check_template, render
from cleanroom_ml.engine.sql.errors import SqlError

TABLES = [
    {"join": ["EMAIL"], "column": ["CITY", "AGE"], "activation": ["EMAIL"]},
    {"join": ["EMAIL", "AGE"], "column": ["CITY"], "activation": []},
]


def rendered(template: str, tables: Any = TABLES, presets: Any = ("PUB",), **variables: Any) -> tuple[str, list[Any]]:
    answer = render_worker.handle({"template": template, "variables": variables, "tables": tables, "presets": presets})
    assert "error" not in answer, answer
    return answer["sql"], list(answer["binds"].values())


def refused(template: str, tables: Any = TABLES, **variables: Any) -> tuple[str, str]:
    answer = render_worker.handle({"template": template, "variables": variables, "tables": tables, "presets": ["PUB"]})
    assert "error" in answer, answer
    return answer["error"]["name"], answer["error"]["message"]


B = ":CLEANROOM_BIND_"


@pytest.mark.parametrize(
    ("template", "variables", "sql", "values"),
    [
        ("SELECT {{ x }}", {"x": "a'b"}, f"SELECT {B}0", ["a'b"]),
        ("SELECT {{ 'constant' }}", {}, f"SELECT {B}0", ["constant"]),
        ("{{ n | default(1) }}", {}, f"{B}0", [1]),
        ("{{ x | sqlsafe }}", {"x": "a < 5"}, "a < 5", []),
        ("IN {{ xs | inclause }}", {"xs": ["a", 2]}, f"IN ({B}0,{B}1)", ["a", 2]),
        ("{{ x | bind }}", {"x": "a"}, f"{B}0", ["a"]),
        ("{% if w %}WHERE {{ w | sqlsafe }}{% endif %};", {}, ";", []),
        ("{{ source_table[0] }}", {"source_table": ["a.b.c"]}, f"{B}0", ["a.b.c"]),
        ("{% for x in xs %}{{ x }},{% endfor %}", {"xs": [1, None]}, f"{B}0,{B}1,", [1, None]),
        ("{% macro m(x) %}f({{ x }}){% endmacro %}{{ m(y) }}", {"y": "z"}, f"f({B}0)", ["z"]),
        ("{{ x | sqlsafe | upper }}", {"x": "drop"}, f"{B}0", ["DROP"]),
        ("{% macro m() %}a{% endmacro %}{{ m() ~ y }}", {"y": "; DROP"}, f"{B}0", ["a; DROP"]),
        ("'{{ x }}'", {"x": "' OR 1=1 --"}, f"'{B}0'", ["' OR 1=1 --"]),
        ("{{ p1_col | sqlsafe | join_policy }}", {"p1_col": "p1.email"}, "p1.email", []),
        ("{{ c | column_policy }}", {"c": "p.city"}, f"{B}0", ["p.city"]),
        ("{{ c | join_and_column_policy }}", {"c": "p2.age"}, f"{B}0", ["p2.age"]),
        ("{{ c | join_policy }}", {"c": "c1.whatever"}, f"{B}0", ["c1.whatever"]),
        ("{{ c | join_policy }}", {"c": "email"}, f"{B}0", ["email"]),
    ],
)
def test_rendering(template: str, variables: dict[str, Any], sql: str, values: list[Any]) -> None:
    assert rendered(template, **variables) == (sql, values)


@pytest.mark.parametrize(
    ("template", "column"),
    [
        ("{{ c | column_policy }}", "p1.email"),
        ("{{ c | activation_policy }}", "p1.city"),
        ("{{ c | join_policy }}", "p1.age"),
        ("{{ c | join_policy }}", "age"),  # p1 does not allow it, p2 does: whose column it is cannot be told
        ("{{ c | join_policy }}", "p3.email"),
        ("{{ c | join_policy }}", "p0.email"),
        ("{{ c | join_policy }}", "x.email"),
        ("{{ c | join_policy }}", "p1.secret"),
        ("{{ c | sqlsafe | join_policy }}", "p1.email OR 1=1"),
        ("{{ c | sqlsafe | join_policy }}", "p1.email, p1.secret"),
        ("{{ c | sqlsafe | join_policy }}", 'p1."email"'),
        ("{{ c | join_policy }}", "a.p1.email"),
        ("{{ c | join_policy }}", ""),
    ],
)
@pytest.mark.attack
def test_policy_filters_refuse(template: str, column: str) -> None:
    assert refused(template, c=column)[0] == "PolicyViolationError"


@pytest.mark.attack
def test_without_the_filter_the_column_gets_through() -> None:
    assert rendered("{{ c | sqlsafe }}", c="p1.email, p1.secret")[0] == "p1.email, p1.secret"


def test_preset_tables_take_no_filter_and_are_no_variable() -> None:
    assert refused("{{ c | column_policy }}", c="pub.city")[0] == "PresetTableUnsupportedReferenceError"
    assert refused("{{ pub.city }}")[0] == "PresetTableUnsupportedReferenceError"


def test_policy_before_sqlsafe_is_an_error() -> None:
    assert "left to right" in refused("{{ c | join_policy | sqlsafe }}", c="p1.email")[1]


@pytest.mark.parametrize(
    ("template", "variables"),
    [
        ("{{ ''.__class__.__mro__[1].__subclasses__() }}", {}),
        ("{{ x.__init__.__globals__ }}", {"x": "a"}),
        ("{{ (x | attr('__class__')) }}", {"x": "a"}),
        ("{{ self._TemplateReference__context }}", {}),
        ("{{ ['a'] | map('sqlsafe') | first }}", {}),
        ("{{ ['a'] | map('sql' ~ 'safe') | first }}", {}),
        ("{{ ['a'] | map('bind') | first }}", {}),
        ("{{ x | safe }}", {"x": "; DROP"}),
        ("{{ x | tojson }}", {"x": "; DROP"}),
        ("{% filter replace('X', x) %}X{% endfilter %}", {"x": "; DROP"}),
        ("{% call x.format() %}{% endcall %}", {"x": "; DROP"}),
        ("{% include 'other' %}", {}),
        ("{% import 'other' as o %}", {}),
        ("{% extends 'other' %}", {}),
        ("{{ x | identifier }}", {"x": "a"}),
        ("{{ missing }}", {}),
        ("{{ xs[3] }}", {"xs": [1]}),
        ("{{ xs }}", {"xs": [1]}),
        ("{{ 1 / 0 }}", {}),
        ("{{ 10 ** 40 }}", {}),
        ("{{ 'nan' | float }}", {}),
        ("{% for %}", {}),
    ],
)
@pytest.mark.attack
def test_what_templates_may_not_do(template: str, variables: dict[str, Any]) -> None:
    assert refused(template, **variables)[0] == "TemplateRenderError"


@pytest.mark.attack
@pytest.mark.parametrize(
    "template",
    [
        "{{ '%s' % (x | sqlsafe) }}",
        "{{ (x | sqlsafe) ~ '' }}",
        "{{ [x | sqlsafe] | join }}",
        "{% set s %}A{% endset %}{{ s.replace('A', x) }}",
        "{% set s %}A{% endset %}{{ s ~ x }}",
        "{{ x | sqlsafe | trim }}",
        "{{ cycler(x).next() }}",
        "{{ dict(a=x).a }}",
    ],
)
def test_nothing_but_sqlsafe_itself_writes_into_the_statement(template: str) -> None:
    assert "DROP" not in rendered(template, x="; DROP")[0]


@pytest.mark.attack
def test_the_mark_of_safe_text_is_what_holds_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """If any string counted as SQL, arguments would be spliced."""
    monkeypatch.setattr(render_worker, "SqlText", str)
    assert rendered("SELECT {{ x }}", x="1; DROP TABLE t") == ("SELECT 1; DROP TABLE t", [])


@pytest.mark.sandbox
@pytest.mark.attack
@pytest.mark.parametrize(
    "template",
    [
        "{% for a in range(99999) %}{% for b in range(99999) %}{% endfor %}{% endfor %}",
        "{% set ns = namespace(s='x' * 1000) %}{% for a in range(60) %}{% set ns.s = ns.s ~ ns.s %}{% endfor %}",
        "{{ 'x' * (10 ** 11) }}",
        "{{ 9 ** (9 ** 9) }}",
        "{% for a in range(99999) %}xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx{% endfor %}",
        "{{ " + "(" * 5000 + "1" + ")" * 5000 + " }}",
    ],
    ids=["loop", "doubling", "memory", "power", "output", "nesting"],
)
def test_bombs_end_in_the_worker_and_the_next_call_works(renderer: SandboxedRenderer, template: str) -> None:
    began = time.monotonic()
    with pytest.raises(SqlError, match="TemplateRenderError"):
        render(renderer, template, {})
    assert time.monotonic() - began < 15
    assert render(renderer, "SELECT {{ x }}", {"x": 1}).binds == {"CLEANROOM_BIND_0": 1}


@pytest.mark.sandbox
def test_syntax_errors_are_found_when_a_template_is_registered(renderer: SandboxedRenderer) -> None:
    with pytest.raises(SqlError, match=r"SpecValidationError: template: line 1"):
        check_template(renderer, "SELECT {{ x", {})


TWO = {"source_table": ["a.b.c"], "my_table": [], "options": {"weights": [1]}}


@pytest.mark.parametrize(
    ("template", "said"),
    [
        (
            "{{ source_table[1] }}",
            ("source_table[1] has no value", "1 table", "view_mappings.source_tables", "--table"),
        ),
        ("{{ my_table[0] }}", ("my_table[0] has no value", "no table", "local_view_mappings.my_tables")),
        ("IDENTIFIER({{ source_table[2] | sqlsafe }})", ("source_table[2]", "--table")),
        ("{{ source_table[1] | column_policy }}", ("source_table[1]", "--table")),
        ("{{ source_table[1] | inclause }}", ("source_table[1]", "--table")),
        ("{{ source_table[1].name }}", ("source_table[1]", "--table")),
        ("{{ source_table[1] ~ '_x' }}", ("source_table[1]", "--table")),
        ("{{ source_table[1] | upper }}", ("source_table[1]", "--table")),
        ("{{ options.weights[7] }}", ("options.weights[7] has no value", "'options'")),
        ("{{ options.depth }}", ("options.depth has no value", "'options'")),
        ("{{ depth }}", ("the variable 'depth' has no value", "pass it as an argument")),
        ("{{ depth.x }}", ("the variable 'depth' has no value", "pass it as an argument")),
        ("{{ depths | inclause }}", ("the variable 'depths' has no value", "pass it as an argument")),
    ],
)
def test_what_a_run_did_not_bring_is_named_as_the_template_has_it(template: str, said: tuple[str, ...]) -> None:
    """A table too few was "the variable 0 has no value", or an empty text that the next filter made something of."""
    name, message = refused(template, **TWO)
    assert name == "TemplateRenderError"
    assert [part for part in said if part not in message] == []


def test_a_template_may_ask_whether_a_table_is_there() -> None:
    asking = "{% if source_table[1] %}a{% endif %}{{ source_table[1] | default('b') }}{{ source_table[1] is defined }}"
    assert rendered(asking, **TWO) == (f"{B}0{B}1", ["b", False])

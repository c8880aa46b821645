"""Where a bound value is more than data: nothing that SQL takes a name from is missed, whatever stands around it."""

from __future__ import annotations

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlglot.dialects.snowflake import Snowflake
from sqlglot.errors import TokenError
from sqlglot.tokens import TokenType

from cleanroom_ml.engine.rooms.render_worker import handle
from cleanroom_ml.specs.name_choices import name_choices


def read(body: str) -> list[tuple[str, str, int]]:
    choices = name_choices(body)
    assert not choices.uncertain
    return [(choice.kind, choice.text, choice.line) for choice in choices.found]


@pytest.mark.parametrize(
    ("body", "found"),
    [
        ("select IDENTIFIER({{ x }}), {{ y }}", [("name", "IDENTIFIER({{ x }})", 1)]),
        ("identifier\n /* ( */ -- (\n(\n{{x}})", [("name", "IDENTIFIER({{ x }})", 4)]),
        ("IDENTIFIER('a.' || f({{ x }}))", [("name", "IDENTIFIER({{ x }})", 1)]),
        ("IDEN{# #}TIFIER({{ x }})", [("name", "IDENTIFIER({{ x }})", 1)]),
        ("{% raw %}IDENTIFIER{% endraw %}({{ x }})", [("name", "IDENTIFIER({{ x }})", 1)]),
        ("{% raw %}IDENTIFIER({{ x }}){% endraw %}", []),
        ("TABLE({{ t }}), TABLE(FLATTEN({{ s }}))", [("name", "TABLE({{ t }})", 1)]),
        ("select $1 from @{{ s }}", [("stage", "@{{ s }}", 1)]),
        ("begin execute immediate {{ q }}; end", [("statement", "EXECUTE IMMEDIATE {{ q }}", 1)]),
        ("let q := {{ x }};\nexecute immediate :q", [("statement", "EXECUTE IMMEDIATE :q", 2)]),
        ("create table identifier(:name) as select {{ x }}", [("name", "IDENTIFIER(:name)", 1)]),
        ("select x from identifier($v)", [("name", "IDENTIFIER($v)", 1)]),
        ("select x from identifier(?)", [("name", "IDENTIFIER(?)", 1)]),
        ("select 'it''s IDENTIFIER(', {{ x }}", [("name", "IDENTIFIER({{ x }})", 1)]),
        ("call cleanroom.m$j({{ p }}, f({{ t }}))", [("code", "{{ p }}", 1), ("code", "{{ t }}", 1)]),
        ("select not_identifier({{ x }}), identifiers({{ x }}), a.table_({{ x }})", []),
        ("{% for c in cs %}IDENTIFIER({{ c }}){% if not loop.last %}, {% endif %}{% endfor %}",
         [("name", "IDENTIFIER({{ c }})", 1)]),
    ],
)  # fmt: skip
def test_places(body: str, found: list[tuple[str, str, int]]) -> None:
    assert read(body) == found


@pytest.mark.attack
@pytest.mark.parametrize(
    "body",
    [
        "IDEN{% if 1 %}TIFIER{% endif %}({{ x }})",
        "IDENTIFIER {% if 0 %} zz {% endif %}({{ x }})",
        "IDENTIFIER{% if 0 %}zz{% endif %}({{ x }})",
        "IDENTIFIER({% if 0 %}){% endif %}{{ x }})",
        "{% if 0 %}'{% endif %} IDENTIFIER /*a*/ ({{ x }})",
        "{% if 0 %}/*{% endif %} IDENTIFIER /* ( ) */ ({{ x }})",
        '{% if 0 %}"{% endif %} IDENTIFIER /* ( ) */ ({{ x }})',
        "EXECUTE {% if 0 %}x{% endif %} IMMEDIATE {{ x }}",
        "@{% if 1 %}s{% endif %}{{ x }}",
    ],
)
def test_branches_that_could_put_a_name_together_are_never_called_data(body: str) -> None:
    assert name_choices(body).uncertain


FRAGMENTS = [
    "IDENTIFIER", "identifier", "IDEN", "TIFIER", "TABLE", "(", ")", " ", "\n", "{{ x }}", "{{ y }}", "{% if x %}",
    "{% else %}", "{% if 0 %}", "{% endif %}", "{# c #}", "/*", "*/", "--", "//", "'", '"', "$$", "\\", "a", ",", ";",
    "IDENTIFIER(", "'a'", "{%- if 0 -%}", "{% set z = x %}", "{{ z }}",
]  # fmt: skip


def chooses(sql: str) -> bool:
    """Whether the engine's own tokenizer sees a bound value inside of IDENTIFIER( … ) or right inside of TABLE( … )."""
    try:
        tokens = Snowflake().tokenize(sql)
    except TokenError:
        return False
    opened: list[str] = []
    before = ""
    for number, token in enumerate(tokens):
        text = token.text.upper()
        if token.token_type == TokenType.L_PAREN:
            opened.append(before)
        elif token.token_type == TokenType.R_PAREN and opened:
            opened.pop()
        bound = text.startswith("CLEANROOM_BIND_") and tokens[number - 1].text == ":"
        if bound and ("IDENTIFIER" in opened or opened[-1:] == ["TABLE"]):
            return True
        before = text if token.token_type in (TokenType.VAR, TokenType.TABLE) else ""
    return False


@settings(max_examples=300, deadline=None)
@given(st.lists(st.sampled_from(FRAGMENTS), min_size=3, max_size=14).map("".join))
def test_nothing_that_names_an_object_when_rendered_is_missed(body: str) -> None:
    rendered = handle({"template": body, "variables": {"x": "v", "y": "w", "z": "u"}})
    if "error" in rendered or not chooses(rendered["sql"]):
        name_choices(body)
        return
    choices = name_choices(body)
    assert choices.uncertain or any(choice.kind == "name" for choice in choices.found)


@pytest.mark.attack
@pytest.mark.parametrize(
    "piece",
    ["IDENTIFIER(", "{{ x }}", "'", "/*", "$$", "\\'", "@", "IDENTIFIER(:x\n", "{% set a = ", ": ", "{#", "{% raw %}"],
)
def test_a_long_text_is_read_in_time_that_grows_with_it(piece: str) -> None:
    spent = []
    for count in (2_000, 8_000):
        began = time.process_time()
        name_choices(piece * count)
        spent.append(time.process_time() - began)
    assert spent[1] < 10 * spent[0] + 0.5

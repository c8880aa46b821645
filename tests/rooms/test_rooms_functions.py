"""Functions of code specs, as user-guide/cleanrooms/resources-code-specs and -/spec-code-spec have them."""

from __future__ import annotations

import hashlib
import json

import pytest
from rooms_world import OFFERING, SQL_TEMPLATE, World, request_id, told
from test_rooms_runs import BODY, VIEW, refused, run
from test_rooms_runs import give as give_plain

from cleanroom_ml.engine.rooms.catalog import ProviderCatalog, RoomCatalog
from cleanroom_ml.engine.sql.errors import SqlError
from cleanroom_ml.engine.sql.routines import Distance

pytestmark = pytest.mark.sandbox

UTILS = """
api_version: 2.0.0
spec_type: code_spec
name: string_utils
version: v1
artifacts:
  - {alias: helpers, stage_path: '@DATA.PUBLIC.CODE/lib/helpers.py'}
functions:
  - name: clean_string
    type: UDF
    language: PYTHON
    runtime_version: "3.10"
    handler: clean
    arguments: [{name: input_str, type: STRING}]
    returns: STRING
    code_body: |
      def clean(input_str):
          if input_str is None:
              return None
          if input_str == 'fail':
              raise ValueError(input_str)
          return input_str.strip().lower()
  - name: tokenize_text
    type: UDTF
    language: PYTHON
    handler: Tokenizer
    arguments: [{name: text, type: STRING}, {name: delimiter, type: STRING}]
    returns: TABLE(token STRING, position INTEGER)
    code_body: |
      class Tokenizer:
          def process(self, text, delimiter):
              if text is None:
                  return
              for i, token in enumerate(text.split(delimiter if delimiter else ' ')):
                  yield (token.strip(), i)
  - name: helped
    type: UDF
    language: PYTHON
    handler: helpers.shout
    arguments: [{name: text, type: STRING}]
    returns: STRING
    imports: [helpers]
"""
HELPERS = "def shout(text):\n    return text.upper() + '!'\n"


def give(world: World, body: str, name: str, code: str = "string_utils_v1") -> None:
    """Registers, submits and approves a template that lists the code spec."""
    spec = SQL_TEMPLATE.replace(BODY, f"code_specs: [{code}]\ntemplate: |\n  {body}").replace(
        "name: count", f"name: {name}"
    )
    world.publisher.call("REGISTER_TEMPLATE", spec)
    world.publisher.call("ADD_TEMPLATE_REQUEST", "lookalike", f"{name}_v1", ["adv"])
    world.advertiser.call("APPROVE_UPDATE_REQUEST", "lookalike", request_id(world.advertiser))


@pytest.fixture
def registered(joined: World) -> World:
    joined.stage("PUBLISHER", {"lib/helpers.py": HELPERS})
    joined.publisher.call("REGISTER_CODE_SPEC", UTILS)
    return joined


@pytest.mark.attack
def test_templates_call_functions_of_their_code_specs_and_no_others(
    registered: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    called = "SELECT cleanroom.string_utils$clean_string({{ x }}) AS C, cleanroom.string_utils$helped('hi') AS H"
    give(registered, called, "scalar")
    assert run(registered, name="scalar_v1", x="  Hello ") == [{"C": "hello", "H": "HI!"}]
    rows = (
        "SELECT p.city, t.token, t.position FROM IDENTIFIER({{ source_table[0] }}) AS p, "
        "TABLE(cleanroom.string_utils$tokenize_text(p.city, 's')) AS t ORDER BY 3"
    )
    give(registered, rows, "rows")
    assert [list(row.values()) for row in run(registered, VIEW, name="rows_v1")] == [
        ["Oslo", "O", 0],
        ["Oslo", "lo", 1],
    ]
    # What the code says of its error may be a value of another party's.
    with pytest.raises(SqlError) as error:
        run(registered, name="scalar_v1", x="fail")
    assert error.value.message.endswith("ValueError\n in function CLEAN_STRING")
    # A runner's own functions are not there, in whatever schema they are called for.
    for text in ("CREATE DATABASE own", "CREATE FUNCTION own.public.mine(x INT) RETURNS INT AS 'x'"):
        registered.advertiser.sql(text)
    give(registered, "SELECT {{ f | sqlsafe }}(1) AS X", "any")
    for name in ("mine", "own.public.mine", "cleanroom.mine", "cleanroom.string_utils$nothing"):
        with pytest.raises(SqlError, match="Unknown function"):
            run(registered, name="any_v1", f=name)
    # Without the control they are there.
    monkeypatch.setattr(
        RoomCatalog,
        "functions",
        lambda self, parts: ProviderCatalog(
            self._storage, "ADVERTISER", self.context(), database="OWN", schema="PUBLIC"
        ).functions(parts),
    )
    assert run(registered, name="any_v1", f="mine") == [{"X": 1}]


def test_an_approval_holds_the_code_and_what_it_imports(registered: World) -> None:
    give(registered, "SELECT cleanroom.string_utils$helped('hi') AS H", "t")
    subject = told(registered.advertiser)
    (code,) = subject["code_specs"]
    digest = hashlib.sha256(HELPERS.encode()).hexdigest()
    assert "input_str.strip().lower()" in code["spec"]
    assert code["artifacts"] == [
        {
            "alias": "helpers",
            "stage_path": "@DATA.PUBLIC.CODE/lib/helpers.py",
            "size": len(HELPERS),
            "sha256": digest,
        }
    ]
    (shown,) = registered.advertiser.call("VIEW_CODE_SPECS", "lookalike")
    assert digest in shown["CODE_SPEC"]
    # The stage is changed afterwards: what runs is what was pinned, and nothing more is submitted with it.
    registered.stage("PUBLISHER", {"lib/helpers.py": "def shout(text):\n    return 'stolen'\n"})
    registered.storage.collect_garbage(0)
    assert run(registered, name="t_v1") == [{"H": "HI!"}]
    again = SQL_TEMPLATE.replace(BODY, "code_specs: [string_utils_v1]\ntemplate: |\n  SELECT 1 AS X")
    registered.publisher.call("REGISTER_TEMPLATE", again)
    message = refused(registered.publisher, "ADD_TEMPLATE_REQUEST", "lookalike", "count_v1", ["adv"])
    assert message.startswith("ContentHashMismatchError")
    json.dumps(subject)


@pytest.mark.parametrize(
    ("old", "new", "error"),
    [
        ("returns: STRING", "returns: NO_SUCH_TYPE", "SpecValidationError"),
        ("lib/helpers.py'", "lib/missing.py'", "CodeSpecArtifactNotFoundAtStageError"),
        ("lib/helpers.py'", f"lib/helpers.py', content_hash: '{'0' * 64}'", "ContentHashMismatchError"),
    ],
)
def test_what_cannot_be_run_is_not_registered(joined: World, old: str, new: str, error: str) -> None:
    joined.stage("PUBLISHER", {"lib/helpers.py": HELPERS})
    assert refused(joined.publisher, "REGISTER_CODE_SPEC", UTILS.replace(old, new, 1)).startswith(error)
    assert "not installed" in refused(
        joined.publisher,
        "REGISTER_CODE_SPEC",
        UTILS.replace("    imports: [helpers]", "    packages: [no-such-package]\n    imports: [helpers]"),
    )


def test_a_providers_view_calls_its_own_functions(joined: World) -> None:
    """With the rights of whoever owns them, whoever runs the template that reads the view."""
    world = joined
    for text in (
        "CREATE FUNCTION data.public.short(c VARCHAR) RETURNS VARCHAR AS 'left(c, 2)'",
        "CREATE VIEW data.public.cities AS SELECT email_hash, short(city) AS city FROM data.public.customers",
    ):
        world.publisher.sql(text)
    world.publisher.call("REGISTER_DATA_OFFERING", OFFERING.replace("CUSTOMERS", "CITIES").replace("sales", "cut"))
    world.publisher.call("LINK_DATA_OFFERING", "lookalike", "cut_v1", ["adv"])
    give_plain(world, "SELECT p.city AS C FROM IDENTIFIER({{ source_table[0] }}) AS p WHERE p.city IS NOT NULL")
    assert run(world, "pub.cut_v1.customers") == [{"C": "Os"}]


@pytest.mark.attack
def test_nobody_of_the_provider_stands_in_for_what_an_offered_view_calls(
    joined: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A lesser role of the provider's account gives its own function, whose argument fits better, the name that the
    view calls (developer-guide/udf-stored-procedure-naming-conventions, "Overloading"): the runner would get what the
    view hides.
    """
    provider = joined.publisher
    for text in (
        "CREATE ROLE lib",
        "CREATE ROLE lesser",
        f"GRANT ROLE lesser TO USER {provider.session.user}",
        "GRANT USAGE ON DATABASE data TO ROLE lesser",
        "GRANT USAGE, CREATE FUNCTION ON SCHEMA data.public TO ROLE lesser",
        "CREATE FUNCTION data.public.masked(c VARCHAR) RETURNS VARCHAR AS $$ 'masked' $$",
        "GRANT OWNERSHIP ON FUNCTION data.public.masked(VARCHAR) TO ROLE lib",
        "USE ROLE lesser",
        "CREATE FUNCTION data.public.other(c INT) RETURNS VARCHAR AS $$ 'bare ' || c $$",
        "GRANT USAGE ON FUNCTION data.public.other(INT) TO ROLE accountadmin",
        "USE ROLE accountadmin",
        "CREATE VIEW data.public.cities AS "
        "SELECT email_hash, masked(length(city)) AS city FROM data.public.customers WHERE city = 'Oslo'",
        "USE ROLE lesser",
        "ALTER FUNCTION data.public.other(INT) RENAME TO data.public.masked",
        "USE ROLE accountadmin",
    ):
        provider.sql(text)
    provider.call("REGISTER_DATA_OFFERING", OFFERING.replace("CUSTOMERS", "CITIES").replace("sales", "cut"))
    provider.call("LINK_DATA_OFFERING", "lookalike", "cut_v1", ["adv"])
    give_plain(joined, "SELECT p.city AS C FROM IDENTIFIER({{ source_table[0] }}) AS p")
    assert run(joined, "pub.cut_v1.customers") == [{"C": "masked"}]
    monkeypatch.setattr(Distance, "of", lambda *_: Distance.OWN)
    assert run(joined, "pub.cut_v1.customers") == [{"C": "bare 4"}], "without the control it is not"

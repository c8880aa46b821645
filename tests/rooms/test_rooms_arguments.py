"""Arguments and variables: refused at registration and by RUN, by the parser in the sandbox and not by the front."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

import jinja2
import pytest
from rooms_world import SQL_TEMPLATE, World, request_id

from cleanroom_ml.engine.rooms import render
from cleanroom_ml.engine.sql.errors import SqlError

pytestmark = pytest.mark.sandbox

DECLARED = SQL_TEMPLATE.replace("type: sql_analysis\n", "type: sql_analysis\nparameters: [{name: col}, {name: city}]\n")
TABLES = ["pub.sales_v1.customers"]


def refused(party: Any, name: str, *args: Any) -> str:
    with pytest.raises(SqlError) as caught:
        party.call(name, *args)
    return caught.value.message


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("= {{ city }}", "= {{ ciyt }}", "line 2: the variable 'ciyt' is neither .*did you mean 'city'"),
        ("= {{ city }}", "= {{ city | default(1) }} {{ town }}", "the variable 'town'"),
        ("= {{ city }}", "= {{ city ", "line 2: unexpected end of template"),
        ("= {{ city }}", "= {{ city | nofilter }}", "No filter named 'nofilter'"),
        ("= {{ city }}", "= {{ city }} {% endif %}", "Encountered unknown tag 'endif'"),
    ],
)
def test_registration_refuses_it(joined: World, old: str, new: str, said: str) -> None:
    message = refused(joined.publisher, "REGISTER_TEMPLATE", DECLARED.replace(old, new))
    assert re.search(said, message), message
    assert joined.publisher.call("VIEW_REGISTERED_TEMPLATES") == []


def approved(world: World, text: str, template_id: str = "count_v1") -> World:
    world.publisher.call("REGISTER_TEMPLATE", text)
    world.publisher.call("ADD_TEMPLATE_REQUEST", "lookalike", template_id, ["adv"])
    world.advertiser.call("APPROVE_UPDATE_REQUEST", "lookalike", request_id(world.advertiser))
    return world


@pytest.mark.parametrize("text", [SQL_TEMPLATE, DECLARED], ids=["without a list", "declared"])
def test_run_refuses_an_argument_that_the_template_does_not_take(joined: World, text: str) -> None:
    approved(joined, text)
    given = {"col": "city", "city": "Oslo"}
    assert joined.advertiser.call("RUN", "lookalike", "count_v1", TABLES, [], given) == [{"N": 1}]
    for extra, said in (
        ({"nope": 1}, "takes no argument 'nope'; it takes: city, col."),
        ({"CITY": "Rome"}, "takes no argument 'CITY'"),
        ({"citty": "Rome"}, "Did you mean 'city'?"),
        ({"range": 1}, "takes no argument 'range'"),
    ):
        message = refused(joined.advertiser, "RUN", "lookalike", "count_v1", TABLES, [], given | extra)
        assert message.startswith("SpecValidationError")
        assert said in message
    spec = {
        "api_version": "2.0.0",
        "spec_type": "analysis",
        "template": "count_v1",
        "template_configuration": {
            "view_mappings": {"source_tables": TABLES, "nope": TABLES[0]},
            "arguments": given,
        },
    }
    assert "takes no argument 'nope'" in refused(joined.advertiser, "RUN", "lookalike", json.dumps(spec))


def test_run_of_an_activation_refuses_it_too(joined: World) -> None:
    body = """
api_version: 2.0.0
spec_type: template
name: send
version: v1
type: sql_activation
parameters: [{name: city}]
template: |
  BEGIN
    CREATE OR REPLACE TABLE cleanroom.activation_data_x AS
      SELECT p.hashed_email_sha256 FROM IDENTIFIER({{ source_table[0] }}) AS p WHERE p.city = {{ city }};
    RETURN 'x';
  END;
"""
    approved(joined, body, "send_v1")
    spec = {
        "api_version": "2.0.0",
        "spec_type": "analysis",
        "template": "send_v1",
        "template_configuration": {
            "view_mappings": {"source_tables": TABLES},
            "arguments": {"city": "Oslo", "limit": 3},
            "activation": {"snowflake_collaborator": "pub", "segment_name": "s"},
        },
    }
    assert "takes no argument 'limit'; it takes: city." in refused(
        joined.advertiser, "RUN", "lookalike", json.dumps(spec)
    )


def test_what_a_job_template_gives_a_default_is_an_argument(submitted: World) -> None:
    """As in the documented ML job template: num_instances and warehouse have defaults and are not in the list."""
    submitted.advertiser.call("APPROVE_UPDATE_REQUEST", "lookalike", request_id(submitted.advertiser))
    arguments = {"compute_pool": "ML_POOL", "num_instances": 1, "warehouse": "COMPUTE_WH"}
    message = refused(submitted.advertiser, "RUN", "lookalike", "train_v1", TABLES, [], arguments)
    assert "ComputePoolError" in message, "the arguments are right: the pool is what is missing"
    assert "takes no argument 'nodes'" in refused(
        submitted.advertiser, "RUN", "lookalike", "train_v1", TABLES, [], arguments | {"nodes": 2}
    )


def test_a_template_that_was_registered_before_the_rule_is_refused_by_run(
    joined: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It runs where its runner passes what it did not declare: then that is an argument like the others."""
    original = render.check_template
    monkeypatch.setattr(
        "cleanroom_ml.engine.rooms.templates.check_template", lambda renderer, text, names: original(renderer, text, {})
    )
    approved(joined, DECLARED.replace("{{ city }}", "{{ town }}"))
    message = refused(joined.advertiser, "RUN", "lookalike", "count_v1", TABLES, [], {"col": "city"})
    assert "the variable 'town' is neither a parameter nor provided" in message
    given = {"col": "city", "town": "Oslo"}
    assert joined.advertiser.call("RUN", "lookalike", "count_v1", TABLES, [], given) == [{"N": 1}]


@pytest.mark.attack
def test_the_front_parses_no_template(joined: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """What Jinja's parser would do with a text, it does in the sandbox: in this process it is never called."""

    def parsed(*_: Any, **__: Any) -> Mapping[str, Any]:
        raise AssertionError("a template was parsed in the front")

    for name in ("parse", "compile", "from_string", "lex"):
        monkeypatch.setattr(jinja2.Environment, name, parsed)
    approved(joined, DECLARED)
    assert "citty" in refused(
        joined.advertiser, "RUN", "lookalike", "count_v1", TABLES, [], {"col": "city", "citty": "x"}
    )

"""Linking tells what can be read by it, and what a target tells of readers is checked before it is sent back."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from services_targets import Account

from cleanroom_ml.cli.commands.offering import linked_lines
from cleanroom_ml.errors import ServerError
from cleanroom_ml.services.offerings import link_spec, own_runners, unlink
from cleanroom_ml.services.templates import remove_from_room
from cleanroom_ml.specs.data_offering import DataOffering
from cleanroom_ml.specs.parse import parse_as

SPEC = """\
api_version: 2.0.0
spec_type: data_offering
name: clicks
version: {version}
datasets:
  - alias: clicks
    data_object_fqn: shop.public.clicks
    allowed_analyses: {analyses}
    schema_and_template_policies: {{ID: {{category: passthrough}}}}
"""
VIEWS, TEMPLATES = "COLLABORATION.VIEW_DATA_OFFERINGS", "COLLABORATION.VIEW_TEMPLATES"


def offering(version: str = "V2", analyses: str = "template_only") -> DataOffering:
    return parse_as(DataOffering, SPEC.format(version=version, analyses=analyses), source="clicks.yaml")


def shared(*ids: str, aliases: Any = '["brand"]') -> list[dict[str, Any]]:
    return [{"data_offering_id": each, "template_view_name": each, "shared_with": aliases} for each in ids]


def linked(analyses: str, *ids: str) -> list[str]:
    registered = [
        {"data_offering_id": "clicks_V1", "data_offering_spec": SPEC.format(version="V1", analyses=analyses)},
        {
            "data_offering_id": "clicks_more_V1",
            "data_offering_spec": SPEC.replace("name: clicks", "name: clicks_more").format(
                version="V1", analyses=analyses
            ),
        },
    ]
    account = Account({VIEWS: shared(*ids), "REGISTRY.VIEW_REGISTERED_DATA_OFFERINGS": registered})
    return list(linked_lines(link_spec(account, "room", offering(analyses=analyses), ("brand",))))


def test_an_older_version_that_is_linked_still_is_told() -> None:
    """Whoever made a narrower version was not told that the wider one stayed readable."""
    assert linked("template_only", "clicks_V2", "clicks_V1", "clicks_more_V1", "clicks_V9") == [
        "clicks_V2: linked before, readable by the templates of brand",
        "  clicks_V1 is still linked: cleanroom-ml offering unlink clicks_V1",
    ]


def test_free_form_sql_is_told_where_it_may_read() -> None:
    assert linked("template_and_freeform_sql", "clicks_V2") == [
        "clicks_V2: linked before, readable by the templates of brand, and clicks by any SQL of theirs",
        "  warning: clicks has no freeform_sql_policies: every row of it is readable",
    ]


@pytest.mark.attack
@pytest.mark.parametrize(
    "change",
    [
        lambda account: unlink(account, "room", "clicks_V1"),
        lambda account: remove_from_room(account, "room", "clicks_V1", ()),
        lambda account: own_runners(account, "room"),
    ],
    ids=["unlink", "remove", "own"],
)
def test_an_alias_that_is_none_is_not_sent_back(change: Callable[[Account], object]) -> None:
    """A target told one of 300,000 letters, and `offering unlink` said that it had taken the offering from it."""
    long = "x" * 300_000
    status = {"collaborator_account": "ACME.ADVERTISER", "collaborator_name": long, "roles": "ANALYSIS_RUNNER"}
    account = Account(
        {
            VIEWS: shared("clicks_V1", aliases=[long]),
            TEMPLATES: [{"template_id": "clicks_V1", "shared_with": [long]}],
            "COLLABORATION.GET_STATUS": [{**status, "status": "JOINED"}],
        }
    )
    with pytest.raises(ServerError, match="the target tells no alias") as caught:
        change(account)
    assert len(str(caught.value.why)) < 150
    assert not [sql for sql in account.sent if "UNLINK" in sql or "REMOVE" in sql]

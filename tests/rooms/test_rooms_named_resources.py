"""What a collaboration's spec names of an account's own has to be readable for who makes the collaboration.

Source: cleanrooms/registries and cleanrooms/manage-access: READ on a custom registry.
"""

from __future__ import annotations

import pytest
from rooms_roles import BESIDE, admin, lesser, refused
from rooms_world import COLLABORATION, SQL_TEMPLATE, World


@pytest.mark.attack
@pytest.mark.sandbox
def test_a_collaboration_shows_nothing_of_a_registry_that_its_maker_may_not_read(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """VIEW_TEMPLATES of a collaboration has the text of the templates that INITIALIZE names."""
    own, thief = world.publisher, lesser(world, "PUBLISHER", "THIEF")
    own.call("CREATE_REGISTRY", '"the eu"', "TEMPLATE")
    own.call("REGISTER_TEMPLATE", '"the eu"', SQL_TEMPLATE)
    for privilege in ("CREATE COLLABORATION", "VIEW REGISTERED TEMPLATES"):
        admin(own, "GRANT_PRIVILEGE_ON_ACCOUNT_TO_ROLE", privilege, "thief")
    for privilege in BESIDE:
        own.sql(f"GRANT {privilege} ON ACCOUNT TO ROLE thief")
    spec = COLLABORATION.replace("    activation", "    templates: [{id: count_v1}]\n    activation")
    assert "you have no registry" in refused(thief, "INITIALIZE", spec)
    assert thief.call("VIEW_REGISTERED_TEMPLATES") == []
    admin(own, "GRANT_PRIVILEGE_ON_OBJECT_TO_ROLE", "READ", "REGISTRY", '"the eu"', "thief")
    assert [row["NAME"] for row in thief.call("VIEW_REGISTERED_TEMPLATES")] == ["count"], "its name is in quotes"
    own.call("REGISTER_TEMPLATE", SQL_TEMPLATE.replace("name: count", "name: other"))
    readable = spec.replace("{id: count_v1}", "{id: count_v1}, {id: other_v1}").replace("lookalike", "readable")
    assert thief.call("INITIALIZE", readable), "it may read the one, and the other is in no custom registry"
    admin(own, "REVOKE_PRIVILEGE_ON_OBJECT_FROM_ROLE", "READ", "REGISTRY", '"the eu"', "thief")
    monkeypatch.setattr("cleanroom_ml.engine.rooms.named_resources.AT", {})
    assert thief.call("INITIALIZE", spec), "nobody asked for READ"

"""What the runner's arguments and table names can do to an approved template: nothing but be values."""

from __future__ import annotations

from typing import Any

import pytest
from guarantees_world import LINKED, OFFERED_ELSEWHERE, ROOM, World

from cleanroom_ml.engine.rooms import analysis, catalog
from cleanroom_ml.engine.rooms.access import by_alias
from cleanroom_ml.engine.rooms.catalog import ScopeView
from cleanroom_ml.engine.rooms.render import Rendered, render
from cleanroom_ml.engine.rooms.views import ResolvedView
from cleanroom_ml.errors import CleanroomError
from cleanroom_ml.services import jobs

pytestmark = [pytest.mark.sandbox, pytest.mark.attack]

INJECTIONS = (
    "x' OR '1'='1",
    "x'' OR 1=1 --",
    "x\\' OR 1=1 --",
    "'; DROP TABLE SHOP_DB.PUBLIC.VISITS; --",
    "x') UNION SELECT 1, UNLISTED FROM SHOP_DB.PUBLIC.VISITS --",
    "$$ || 'x",
    "{{ source_table[0] }}",
    "{% raw %}' OR 1=1{% endraw %}",
    "\u02bc OR \u02bc1\u02bc=\u02bc1",
)


def test_an_argument_is_a_value(world_here: World) -> None:
    assert world_here.pick("Bern") == [{"n": 2}]
    for injection in INJECTIONS:
        assert world_here.pick(injection) == [{"n": 0}], injection


def test_spliced_it_would_be_sql(world_here: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each of these would be another statement, if the renderer did what a plain template engine does."""

    def spliced(*given: Any, **more: Any) -> Rendered:
        rendered = render(*given, **more)
        sql = rendered.sql
        for name, value in sorted(rendered.binds.items(), key=lambda item: -len(item[0])):
            sql = sql.replace(f":{name}", f"'{value}'")
        return Rendered(sql, {})

    monkeypatch.setattr(analysis, "render", spliced)
    assert world_here.pick(INJECTIONS[0])[0]["n"] == 3


@pytest.mark.parametrize("value", [["Bern"], {"a": 1}, 1.5, True])
def test_an_argument_has_its_declared_type(world_here: World, value: object) -> None:
    with pytest.raises(CleanroomError, match=r"city|string|type"):
        world_here.pick(value)


def test_only_what_is_linked_can_be_mapped(world_here: World) -> None:
    for table in (
        OFFERED_ELSEWHERE,
        "shop.offer_v1.salaries",
        "SHOP_DB.PUBLIC.VISITS",
        "SHOP_DB.PUBLIC.SALARIES",
        "brand.offer_v1.visits",
        "nobody.offer_v1.visits",
        "SFDCR_VAULT.CLEANROOM.NOTES",
    ):
        with pytest.raises(CleanroomError):
            world_here.pick("Bern", table)
    with pytest.raises(CleanroomError, match="not your own"):
        jobs.run(world_here.brand, jobs.JobRun(ROOM, "pick", (), (LINKED,), {"city": "Bern"}))


def test_an_offering_that_is_not_linked_is_behind_two_locks(world_here: World, monkeypatch: pytest.MonkeyPatch) -> None:
    def careless(connection: Any, registries: Any, runner: Any, name: str, *, local: bool = False) -> ResolvedView:
        parts = tuple(name.upper().split("."))
        provider = by_alias(connection, runner.collaboration, parts[0])
        assert provider is not None
        view = ScopeView((parts[0], parts[1], parts[2]), provider.account, provider.alias_key, parts[1], parts[2])
        return ResolvedView(view, parts[1], provider.alias, {"join": [], "column": [], "activation": []})

    monkeypatch.setattr(analysis, "resolve_view", careless)
    with pytest.raises(CleanroomError, match="does not exist or not authorized"):
        world_here.pick("Bern", OFFERED_ELSEWHERE)
    monkeypatch.setattr(catalog.RoomCatalog, "_still_shared", lambda self, view: True)
    assert world_here.pick("Bern", OFFERED_ELSEWHERE)[0]["n"] == 1

"""Columns of which several have one name: what a set operation calls them is told by their places."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from sql_world import World

from cleanroom_ml.engine.sql.catalog import ContextValues
from cleanroom_ml.engine.sql.resolve import listening


class Listening(World):
    """A session whose names are listened to, as those of a room are."""

    def __init__(self, root: Path) -> None:
        super().__init__(root)
        self.called: set[str | None] = set()

    def context(self) -> ContextValues:
        return replace(super().context(), listener=self)

    def on_alias(self, alias: str, name: tuple[str, ...] | None) -> None:
        pass

    def on_column(self, column: str | None) -> None:
        self.called.add(column)


ONE_BY_ONE = "select name, born::varchar born from people union all select name, born::varchar born from people"
SHIFTED = """select name, name, born::varchar born from people
 union all select name, born::varchar born, born::varchar born from people"""


@pytest.mark.attack
def test_a_repeated_name_hides_no_column_behind_another(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The right side's second column is called NAME in the result, which a room's policies have to hear of."""
    world = Listening(tmp_path)
    world.query(ONE_BY_ONE)
    assert world.called == set(), "each is called what it was"
    world.query(SHIFTED)
    assert None in world.called, "anything may be called anything"
    world.called.clear()
    monkeypatch.setattr(listening, "is_repeated", lambda _: False)
    world.query(SHIFTED)
    assert world.called == set(), "without the control nobody hears that a BORN became a NAME"

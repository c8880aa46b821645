"""What every kind of thing with a name in a schema keeps: it is made, hidden, renamed and dropped by the same rules.

sql-reference/sql/create, …/alter, …/drop; user-guide/tables-temp-transient: a temporary thing is its session's, hides
the permanent one of its name, and goes with its session.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest

from cleanroom_ml.engine.storage.changes import CreateTable, DropTable, RenameTable
from cleanroom_ml.engine.storage.errors import AlreadyExists, InvalidName, NotFound
from cleanroom_ml.engine.storage.grants import Thing
from cleanroom_ml.engine.storage.keys import Column, Key
from cleanroom_ml.engine.storage.sessions import Session
from cleanroom_ml.engine.storage.storage import Storage

T = Key("ACME", "DB", "PUBLIC", "T")
U = Key("ACME", "DB", "OTHER", "U")
COLUMNS = (Column("A", "VARCHAR"),)


@dataclass(frozen=True)
class Kind:
    """A kind of thing, by what storage has for it. `make` gives it a text to be known by, `said` tells it.

    Any: each kind's own store.
    """

    name: str
    store: Callable[[Storage], Any]
    make: Callable[..., bool]
    said: Callable[[Any], str]
    get: Callable[..., Any]
    rename: Callable[..., object]
    drop: Callable[..., bool]
    change: Callable[..., object]

    def __str__(self) -> str:
        return self.name


def _table(storage: Storage, key: Key, text: str, session_id: str | None, **more: Any) -> bool:
    kind = "TABLE" if session_id is None else "TEMPORARY"
    change = CreateTable(key, COLUMNS, kind=kind, session_id=session_id, comment=text, **more)  # type: ignore[arg-type]
    return storage.tables.commit([change])[0]


def _routine(name: str) -> Kind:
    def stored(storage: Storage) -> Any:
        return getattr(storage, name)

    def make(storage: Storage, key: Key, text: str, session_id: str | None, **more: Any) -> bool:
        return bool(stored(storage).create(key, key.name, {"text": text}, session_id=session_id, **more))

    return Kind(
        name,
        stored,
        make,
        lambda found: str(found.definition["text"]),
        lambda storage, key, session_id: stored(storage).get(key, session_id),
        lambda storage, key, new, session_id: stored(storage).change(key, new, new.name, {"text": "first"}, session_id),
        lambda storage, key, session_id, **more: stored(storage).drop(key, session_id=session_id, **more),
        lambda storage, key, text, session_id: stored(storage).change(key, key, key.name, {"text": text}, session_id),
    )


TABLE = Kind(
    "table",
    lambda storage: storage.tables,
    _table,
    lambda found: str(found.comment),
    lambda storage, key, session_id: storage.tables.get(key, session_id),
    lambda storage, key, new, session_id: storage.tables.commit([RenameTable(key, new, session_id)]),
    lambda storage, key, session_id, if_exists=False: storage.tables.commit([DropTable(key, if_exists, session_id)])[0],
    lambda storage, key, text, session_id: storage.tables.comment(key, text, session_id),
)
VIEW = Kind(
    "view",
    lambda storage: storage.views,
    lambda storage, key, text, session_id, **more: storage.views.create(
        key, COLUMNS, "select 1", comment=text, session_id=session_id, **more
    ),
    lambda found: str(found.comment),
    lambda storage, key, session_id: storage.views.get(key, session_id),
    lambda storage, key, new, session_id: storage.views.rename(key, new, session_id=session_id),
    lambda storage, key, session_id, **more: storage.views.drop(key, session_id=session_id, **more),
    lambda storage, key, text, session_id: storage.views.alter(key, comment=text, session_id=session_id),
)
FILE_FORMAT = Kind(
    "file format",
    lambda storage: storage.file_formats,
    lambda storage, key, text, session_id, **more: storage.file_formats.create(
        key, "CSV", {"SKIP_HEADER": 1}, comment=text, session_id=session_id, **more
    ),
    lambda found: str(found.comment),
    lambda storage, key, session_id: storage.file_formats.get(key, session_id),
    lambda storage, key, new, session_id: storage.file_formats.rename(key, new, session_id=session_id),
    lambda storage, key, session_id, **more: storage.file_formats.drop(key, session_id=session_id, **more),
    lambda storage, key, text, session_id: storage.file_formats.alter(key, comment=text, session_id=session_id),
)
SEQUENCE = Kind(
    "sequence",
    lambda storage: storage.sequences,
    lambda storage, key, text, _, **more: storage.sequences.create(key, comment=text, **more),
    lambda found: str(found.comment),
    lambda storage, key, _: storage.sequences.get(key),
    lambda storage, key, new, _: storage.sequences.rename(key, new),
    lambda storage, key, _, **more: storage.sequences.drop(key, **more),
    lambda storage, key, text, _: storage.sequences.alter(key, comment=text),
)
POLICY = Kind(
    "row access policy",
    lambda storage: storage.policies,
    lambda storage, key, text, _, **more: storage.policies.create(key, "ROW ACCESS POLICY", "{}", comment=text, **more),
    lambda found: str(found.comment),
    lambda storage, key, _: storage.policies.get(key, "ROW ACCESS POLICY"),
    lambda storage, key, new, _: storage.policies.rename(key, "ROW ACCESS POLICY", new),
    lambda storage, key, _, **more: storage.policies.drop(key, "ROW ACCESS POLICY", **more),
    lambda storage, key, text, _: storage.policies.alter(key, "ROW ACCESS POLICY", comment=text),
)
PERMANENT = (TABLE, VIEW, FILE_FORMAT, SEQUENCE, POLICY, _routine("functions"), _routine("procedures"))
TEMPORARY = (TABLE, VIEW, FILE_FORMAT, _routine("functions"))


@pytest.fixture
def opened(storage: Storage) -> Storage:
    storage.namespaces.create_schema("ACME", "DB", "OTHER")
    return storage


def comment(kind: Kind, storage: Storage, key: Key, session_id: str | None = None) -> str | None:
    found = kind.get(storage, key, session_id)
    return None if found is None else kind.said(found)


@pytest.mark.parametrize("kind", PERMANENT, ids=str)
def test_it_is_made_once_left_or_replaced_and_dropped_once(opened: Storage, kind: Kind) -> None:
    assert comment(kind, opened, T) is None
    assert kind.make(opened, T, "first", None)
    with pytest.raises(AlreadyExists):
        kind.make(opened, T, "second", None)
    assert not kind.make(opened, T, "second", None, if_exists="ignore")
    assert comment(kind, opened, T) == "first"
    assert kind.make(opened, T, "third", None, if_exists="replace")
    assert comment(kind, opened, T) == "third"
    kind.change(opened, T, "fourth", None)
    assert comment(kind, opened, T) == "fourth"
    assert kind.drop(opened, T, None)
    assert not kind.drop(opened, T, None, if_exists=True)
    for refused in (
        lambda: kind.drop(opened, T, None),
        lambda: kind.change(opened, T, "x", None),
        lambda: kind.rename(opened, T, U, None),
    ):
        with pytest.raises(NotFound):
            refused()


@pytest.mark.parametrize("kind", PERMANENT, ids=str)
def test_another_name_is_free_and_somewhere(opened: Storage, kind: Kind) -> None:
    kind.make(opened, T, "first", None)
    kind.rename(opened, T, U, None)
    assert (comment(kind, opened, T), comment(kind, opened, U)) == (None, "first")
    kind.make(opened, T, "another", None)
    with pytest.raises(AlreadyExists):
        kind.rename(opened, U, T, None)
    for nowhere in (Key("ACME", "NONE", "PUBLIC", "T"), Key("ACME", "DB", "NONE", "T")):
        with pytest.raises(NotFound):
            kind.rename(opened, U, nowhere, None)
        with pytest.raises(NotFound):
            kind.make(opened, nowhere, "x", None)
    with pytest.raises(InvalidName):
        kind.make(opened, Key("ACME", "DB", "PUBLIC", "x" * 300), "x", None)
    assert (comment(kind, opened, T), comment(kind, opened, U)) == ("another", "first")
    opened.namespaces.drop_schema("ACME", "DB", "OTHER")
    assert comment(kind, opened, U) is None, "it goes with its schema"


GRANTED = {
    "table": "TABLE", "view": "VIEW", "file format": "FILE FORMAT", "sequence": "SEQUENCE",
    "row access policy": "ROW ACCESS POLICY", "functions": "FUNCTION", "procedures": "PROCEDURE",
}  # fmt: skip


@pytest.mark.attack
@pytest.mark.parametrize("kind", PERMANENT, ids=str)
def test_a_grant_is_on_the_thing_and_not_on_its_name(opened: Storage, kind: Kind) -> None:
    """It goes with what is replaced or dropped, and along where that is renamed (sql-reference/sql/create-table)."""

    def grantees(key: Key) -> list[str]:
        return [each.grantee for each in opened.grants.list("ACME", thing=Thing.of(GRANTED[kind.name], key))]

    opened.roles.create("ACME", "READER", owner="ACCOUNTADMIN")
    kind.make(opened, T, "first", None)
    opened.grants.grant("ACME", Thing.of(GRANTED[kind.name], T), ("SELECT",), "READER", by="ACCOUNTADMIN")
    kind.rename(opened, T, U, None)
    assert (grantees(T), grantees(U)) == ([], ["READER"])
    kind.make(opened, U, "another", None, if_exists="replace")
    assert grantees(U) == []
    opened.grants.grant("ACME", Thing.of(GRANTED[kind.name], U), ("SELECT",), "READER", by="ACCOUNTADMIN")
    kind.drop(opened, U, None)
    kind.make(opened, U, "of its name", None)
    assert grantees(U) == []


@pytest.mark.attack
@pytest.mark.parametrize("kind", TEMPORARY, ids=str)
def test_a_temporary_one_is_its_sessions_and_hides_the_permanent_one(
    opened: Storage, session: Session, other_session: Session, kind: Kind
) -> None:
    kind.make(opened, T, "everybody's", None)
    assert kind.make(opened, T, "mine", session.id)
    with pytest.raises(AlreadyExists):
        kind.make(opened, T, "mine again", session.id)
    assert not kind.make(opened, T, "mine again", session.id, if_exists="ignore")
    assert kind.make(opened, T, "mine anew", session.id, if_exists="replace")
    seen = [comment(kind, opened, T, each) for each in (session.id, other_session.id, None)]
    assert seen == ["mine anew", "everybody's", "everybody's"]
    kind.change(opened, T, "mine changed", session.id)
    kind.rename(opened, T, U, session.id)
    assert (comment(kind, opened, T, session.id), comment(kind, opened, U, None)) == ("everybody's", None)
    assert comment(kind, opened, U, session.id) is not None
    kind.make(opened, T, "mine", session.id)
    with pytest.raises(AlreadyExists):
        kind.rename(opened, U, T, session.id)
    assert kind.drop(opened, T, session.id)
    assert comment(kind, opened, T, session.id) == "everybody's"
    opened.sessions.close(session.id)
    assert comment(kind, opened, U, session.id) is None
    with pytest.raises(NotFound):
        kind.make(opened, T, "a dead session's", session.id)


def test_a_table_and_a_view_have_one_namespace(opened: Storage, session: Session) -> None:
    """sql-reference/sql/create-view: a view cannot have the name of a table of the same schema."""
    for first, second in ((TABLE, VIEW), (VIEW, TABLE)):
        for session_id in (None, session.id):
            first.make(opened, T, "first", session_id)
            with pytest.raises(AlreadyExists):
                second.make(opened, T, "second", session_id)
            second.make(opened, U, "second", session_id)
            with pytest.raises(AlreadyExists):
                second.rename(opened, U, T, session_id)
            first.drop(opened, T, session_id)
            second.drop(opened, U, session_id)


def test_what_a_session_can_name_is_listed_by_name(opened: Storage, session: Session) -> None:
    for kind in (VIEW, FILE_FORMAT):
        kind.make(opened, T, "everybody's", None)
        kind.make(opened, T, "mine", session.id)
        kind.make(opened, U, "everybody's", None)
        store = kind.store(opened)
        assert [(each.key, each.comment) for each in store.list("ACME", "DB", session_id=session.id)] == [
            (U, "everybody's"), (T, "mine"),
        ]  # fmt: skip
        assert [each.comment for each in store.list("ACME")] == ["everybody's", "everybody's"]
        assert [each.key for each in store.list("ACME", "DB", "OTHER")] == [U]
        assert store.list("BETA") == store.list("ACME", "NONE") == []
    for kind in (SEQUENCE, POLICY):
        kind.make(opened, T, "first", None)
        kind.make(opened, U, "second", None)
    assert [each.key for each in opened.sequences.list("ACME")] == [U, T]
    assert [each.key for each in opened.sequences.list("ACME", "DB", "OTHER")] == [U]
    assert [each.key for each in opened.policies.list("ACME", "ROW ACCESS POLICY", "DB")] == [U, T]
    assert opened.policies.list("ACME", "MASKING POLICY") == []

"""What a text that somebody wrote calls is what its writer meant, in every kind of text: its owner's own, then what was
there under that name when it was written. Nobody else stands in its place by arguments.

Rights of texts: developer-guide/stored-procedure/stored-procedures-rights; overloads: developer-guide/udf-stored-
procedure-naming-conventions.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from statements_client import Client
from statements_foreign import refused

from cleanroom_ml.engine.rooms.catalog import ProviderCatalog
from cleanroom_ml.engine.sql.catalog import ContextValues, ViewSource
from cleanroom_ml.engine.sql.routines import Distance
from cleanroom_ml.engine.storage import routines
from cleanroom_ml.engine.storage.keys import Key

MASKED = [("masked",)]
HIJACKED = "CREATE PROCEDURE step(a INT) RETURNS VARCHAR EXECUTE AS CALLER AS 'BEGIN RETURN ''hijacked''; END'"


@pytest.fixture
def library(admin: Client, reader: Client) -> Client:
    """ACCOUNTADMIN's texts that call a function and a procedure of the role LIB."""
    for text in (
        "GRANT CREATE FUNCTION, CREATE PROCEDURE ON SCHEMA alpha_db.public TO ROLE reader",
        "CREATE ROLE lib",
        "GRANT USAGE ON DATABASE alpha_db TO ROLE lib",
        "GRANT USAGE ON SCHEMA alpha_db.public TO ROLE lib",
        "CREATE FUNCTION masked(a VARCHAR) RETURNS VARCHAR AS $$ 'masked' $$",
        "GRANT OWNERSHIP ON FUNCTION masked(VARCHAR) TO ROLE lib",
        "CREATE PROCEDURE step(a VARCHAR) RETURNS VARCHAR EXECUTE AS CALLER AS 'BEGIN RETURN ''step''; END'",
        "GRANT OWNERSHIP ON PROCEDURE step(VARCHAR) TO ROLE lib",
    ):
        admin.result(text)
    reader.result("CREATE FUNCTION other(a INT) RETURNS VARCHAR AS $$ 'bare ' || a $$")
    reader.result("GRANT USAGE ON FUNCTION other(INT) TO ROLE accountadmin")
    for text in (
        "CREATE TABLE wages AS SELECT 4711 AS a",
        "CREATE VIEW shown AS SELECT masked(a) AS a FROM wages",
        "CREATE FUNCTION inner_one() RETURNS VARCHAR AS $$ SELECT masked(1) $$",
        "CREATE PROCEDURE asks() RETURNS VARCHAR AS 'BEGIN LET x := (SELECT masked(a) FROM wages); RETURN x; END'",
        "CREATE PROCEDURE says() RETURNS VARCHAR AS "
        "'BEGIN LET x := masked(4711); EXECUTE IMMEDIATE ''CALL step(1)''; RETURN x; END'",
        *(
            f"CREATE PROCEDURE steps_{rights}() RETURNS VARCHAR EXECUTE AS {rights} AS "
            "'BEGIN LET x VARCHAR; CALL step(1) INTO :x; RETURN x; END'"
            for rights in ("owner", "caller")
        ),
    ):
        admin.result(text)
    return admin


@pytest.mark.attack
def test_every_kind_of_text_calls_what_was_there(
    library: Client, reader: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    reader.result("ALTER FUNCTION other(INT) RENAME TO masked")
    reader.result(HIJACKED)
    for text in ("SELECT a FROM shown", "SELECT inner_one()", "CALL asks()", "CALL says()"):
        assert library.rows(text) == MASKED, text
    for rights in ("owner", "caller"):
        assert library.rows(f"CALL steps_{rights}()") == [("step",)], rights
    offered = ProviderCatalog(library.storage, "ALPHA", ContextValues("ALPHA", "", "", None))
    view = offered.source(("ALPHA_DB", "PUBLIC", "SHOWN"))
    assert isinstance(view, ViewSource)
    found = {each.owner: each.distance for each in view.catalog.functions(("MASKED",))}  # type: ignore[attr-defined]
    assert found == {"ALPHA LIB": Distance.OLDER, "ALPHA READER": Distance.NEWER}
    # Of several that are all newer nobody can say which one is meant.
    library.result("DROP PROCEDURE step(VARCHAR)")
    library.result("CREATE PROCEDURE step(a VARCHAR) RETURNS VARCHAR EXECUTE AS CALLER AS 'BEGIN RETURN ''new''; END'")
    library.result("GRANT OWNERSHIP ON PROCEDURE step(VARCHAR) TO ROLE lib")
    assert "of several owners, all newer than what calls them" in refused(library, "CALL steps_owner()")
    monkeypatch.setattr(Distance, "of", lambda *_: Distance.OWN)
    assert library.rows("CALL asks()") == [("bare 4711",)], "without the control it is not"
    assert library.rows("CALL steps_owner()") == [("hijacked",)]


def _renamed(client: Client) -> Key:
    client.result("ALTER SCHEMA alpha_db.there RENAME TO alpha_db.here")
    return Key("ALPHA", "ALPHA_DB", "HERE", "F(NUMBER)")


def _moved(client: Client) -> Key:
    client.result("ALTER DATABASE alpha_db RENAME TO moved_db")
    return Key("ALPHA", "MOVED_DB", "THERE", "F(NUMBER)")


def _had_back(client: Client) -> Key:
    client.result("DROP SCHEMA alpha_db.there")
    client.result("UNDROP SCHEMA alpha_db.there")
    return Key("ALPHA", "ALPHA_DB", "THERE", "F(NUMBER)")


def _changed(client: Client) -> Key:
    client.result("ALTER FUNCTION alpha_db.there.f(NUMBER) SET COMMENT = 'x'")
    return Key("ALPHA", "ALPHA_DB", "THERE", "F(NUMBER)")


@pytest.mark.parametrize(("come", "newer"), [(_renamed, True), (_moved, True), (_had_back, True), (_changed, False)])
def test_a_function_is_as_new_as_its_name(alpha: Client, come: Callable[[Client], Key], newer: bool) -> None:
    alpha.result("CREATE SCHEMA alpha_db.there")
    alpha.result("CREATE FUNCTION alpha_db.there.f(a NUMBER) RETURNS INT AS '1'")
    found = alpha.storage.functions.get(come(alpha))
    assert found is not None
    assert (found.named_on > found.created_on) is newer


def test_the_rule() -> None:
    then = datetime(2026, 1, 1, tzinfo=UTC)
    later = then + timedelta(microseconds=1)
    assert Distance.of("LIB", "ADMIN", then, then) is Distance.OLDER
    assert Distance.of("LIB", "ADMIN", later, then) is Distance.NEWER
    assert Distance.of("ADMIN", "ADMIN", later, then) is Distance.OWN
    assert Distance.of("LIB", "ADMIN", later, None) is Distance.OWN, "what is sent now means what is there now"


def test_what_an_older_home_has_is_as_new_as_it_was_made() -> None:
    connection = sqlite3.connect(":memory:")
    for relation in ("functions", "procedures"):
        connection.execute(f"CREATE TABLE {relation} (created_on INTEGER)")
        connection.execute(f"INSERT INTO {relation} VALUES (7)")
    for statement in routines.SCHEMA.upgrades[3]:
        connection.execute(statement)
    assert connection.execute(
        "SELECT named_on FROM functions UNION ALL SELECT named_on FROM procedures"
    ).fetchall() == [
        (7,),
        (7,),
    ]

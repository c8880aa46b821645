"""What an account has without having made it is listed, until there is something of that name that somebody made.

Source: cleanrooms/installed-artifacts, "Sample data".
"""

from __future__ import annotations

from cleanroom_ml.engine.storage import sample_listing
from cleanroom_ml.engine.storage.grants import Thing
from cleanroom_ml.engine.storage.storage import Storage

NAME = "SAMOOHA_SAMPLE_DATABASE"


def test_the_sample_database_is_listed_until_one_is_made_of_its_name(storage: Storage) -> None:
    before = [each.name for each in storage.namespaces.databases("ACME")]
    assert [each.name for each in sample_listing.databases(storage, "ACME")] == sorted([*before, NAME])
    assert [each.name for each in sample_listing.schemas(storage, "ACME", NAME)] == ["DEMO"]
    assert [each.name for each in sample_listing.schemas(storage, "ACME", "DB")] == ["PUBLIC"]
    assert [each.key.name for each in sample_listing.tables(storage, "ACME", None)] == ["CUSTOMERS", "CUSTOMERS_2"]
    assert sample_listing.tables(storage, "ACME", "DB") == []
    table = Thing("TABLE", NAME, "DEMO", "CUSTOMERS")
    assert sample_listing.owners(storage, "ACME", "TABLE") == {
        table: "SAMOOHA_APP_ROLE",
        Thing("TABLE", NAME, "DEMO", "CUSTOMERS_2"): "SAMOOHA_APP_ROLE",
    }
    storage.namespaces.create_database("ACME", NAME)
    assert sample_listing.databases(storage, "ACME") == storage.namespaces.databases("ACME")
    assert [each.name for each in sample_listing.schemas(storage, "ACME", NAME)] == ["PUBLIC"]
    assert sample_listing.tables(storage, "ACME", NAME) == sample_listing.tables(storage, "ACME", None) == []
    assert sample_listing.owners(storage, "ACME", "TABLE") == {}

"""What every account has from the start: the sample database, the clean room's version."""

from __future__ import annotations

import pytest
from statements_client import Client
from statements_foreign import ABSENT, refused


def test_the_clean_rooms_version_and_sample_data(reader: Client) -> None:
    """service-behaviour, "Session"; cleanrooms pages: `SELECT * FROM SAMOOHA_SAMPLE_DATABASE.DEMO.CUSTOMERS`."""
    ((version,),) = reader.rows("SELECT version FROM samooha_by_snowflake_local_db.admin.version")
    assert float(version) >= 16.3
    query = "SELECT count(*), count(DISTINCT hashed_email) FROM samooha_sample_database.demo.customers"
    assert reader.rows(query) == [(1000, 1000)]
    assert len(reader.rows("SELECT status, age_band, days_active, region_code FROM "
                           "samooha_sample_database.demo.customers LIMIT 3")) == 3  # fmt: skip
    assert refused(reader, "INSERT INTO samooha_sample_database.demo.customers (status) VALUES ('x')").startswith(
        ABSENT
    )


def test_the_second_sample_table_has_people_of_the_first(reader: Client) -> None:
    """tutorials/collaboration-basic-api-tutorial joins the first 100 rows of both; cleanrooms/free-form-sql reads
    INCOME_BRACKET.
    """
    first = "(SELECT * FROM samooha_sample_database.demo.customers{} LIMIT 100)"
    ((both, incomes),) = reader.rows(
        f"SELECT count(*), count(b.income_bracket) FROM {first.format('')} a JOIN {first.format('_2')} b "
        "USING (hashed_email)"
    )
    assert 0 < both == incomes < 100


def test_the_sample_tables_are_listed(reader: Client, admin: Client) -> None:
    """cleanrooms/installed-artifacts: "SHOW TABLES LIKE 'CUSTOMERS_2' IN SCHEMA SAMOOHA_SAMPLE_DATABASE.DEMO"."""
    asked = "SHOW TABLES LIKE 'CUSTOMERS_2' IN SCHEMA SAMOOHA_SAMPLE_DATABASE.DEMO"
    (row,) = reader.dicts(asked)
    assert (row["name"], row["schema_name"], row["rows"], row["kind"]) == ("CUSTOMERS_2", "DEMO", 1000, "TABLE")
    assert [row["name"] for row in reader.dicts("SHOW TABLES IN DATABASE samooha_sample_database")] == [
        "CUSTOMERS", "CUSTOMERS_2"
    ]  # fmt: skip
    assert refused(reader, "SHOW TABLES IN SCHEMA samooha_sample_database.other").startswith(ABSENT)
    reader.result("USE SCHEMA samooha_sample_database.demo")
    assert [row["name"] for row in reader.dicts("DESCRIBE TABLE customers")][:2] == ["HASHED_EMAIL", "STATUS"]
    assert reader.rows("SELECT count(*) FROM customers_2") == [(1000,)]
    assert refused(reader, "CREATE TABLE mine (a INT)").startswith(ABSENT)


def test_the_sample_database_is_listed_as_every_other(reader: Client, admin: Client) -> None:
    """cleanrooms/installed-artifacts, "Sample data": a database of the account, with the schema DEMO and two tables."""
    shown = {row["name"]: (row["kind"], row["owner"]) for row in reader.dicts("SHOW DATABASES LIKE '%SAMPLE%'")}
    assert shown == {"SAMOOHA_SAMPLE_DATABASE": ("STANDARD", "SAMOOHA_APP_ROLE")}
    here = "IN DATABASE samooha_sample_database"
    assert [row["name"] for row in reader.dicts(f"SHOW SCHEMAS {here}")] == ["INFORMATION_SCHEMA", "DEMO"]
    assert {"DEMO", "PUBLIC"} <= {row["name"] for row in admin.dicts("SHOW SCHEMAS IN ACCOUNT")}
    assert {"CUSTOMERS", "T"} <= {row["name"] for row in admin.dicts("SHOW TABLES IN ACCOUNT")}
    assert [row[1] for row in reader.rows("DESCRIBE DATABASE samooha_sample_database")] == ["DEMO"]
    told = "FROM samooha_sample_database.information_schema"
    assert reader.rows(f"SELECT table_name, table_owner, row_count {told}.tables ORDER BY 1") == [
        ("CUSTOMERS", "SAMOOHA_APP_ROLE", 1000), ("CUSTOMERS_2", "SAMOOHA_APP_ROLE", 1000)
    ]  # fmt: skip
    assert reader.rows(f"SELECT DISTINCT data_type {told}.columns WHERE column_name = 'DAYS_ACTIVE'") == [("NUMBER",)]
    assert reader.rows(f"SELECT schema_name {told}.schemata ORDER BY 1") == [("DEMO",), ("INFORMATION_SCHEMA",)]
    assert "SHOW GRANTS ON tells it" in refused(reader, f"SELECT * {told}.table_privileges")


@pytest.mark.attack
def test_nobody_makes_a_database_of_a_name_that_every_account_has(reader: Client, admin: Client) -> None:
    """Who could made the others' sample data, and their history. cleanrooms/installed-artifacts; sql-reference/
    snowflake-db: each account has the database SNOWFLAKE.
    """
    admin.result("CREATE DATABASE made")
    for name in ("samooha_sample_database", "snowflake"):
        for text in ("CREATE DATABASE {}", "CREATE OR REPLACE DATABASE {}", "CREATE DATABASE {} CLONE made",
                     "ALTER DATABASE made RENAME TO {}", "UNDROP DATABASE {}"):  # fmt: skip
            assert "already exists" in refused(admin, text.format(name)), text
        ((said,),) = admin.rows(f"CREATE DATABASE IF NOT EXISTS {name}")
        assert "already exists" in said
        assert admin.storage.namespaces.database_kind("ALPHA", name.upper()) is None


@pytest.mark.attack
def test_what_an_older_home_has_under_such_a_name_is_not_what_the_name_means(admin: Client, reader: Client) -> None:
    for name, schema, table, column in (
        ("SAMOOHA_SAMPLE_DATABASE", "DEMO", "CUSTOMERS", "STATUS"),
        ("SNOWFLAKE", "ACCOUNT_USAGE", "QUERY_HISTORY", "QUERY_ID"),
    ):
        admin.storage.namespaces.create_database("ALPHA", name)
        admin.result(f"CREATE SCHEMA {name}.{schema}")
        for made in (table, "OTHER"):
            admin.result(f"CREATE TABLE {name}.{schema}.{made} AS SELECT 'planted' AS {column}")
        assert admin.rows(f"SELECT * FROM {name}.{schema}.{table} WHERE {column} = 'planted'") == []
        assert admin.rows(f"SELECT * FROM {name}.{schema}.OTHER") == [("planted",)], "it is kept"
    assert reader.rows("SELECT count(*) FROM samooha_sample_database.demo.customers") == [(1000,)]


@pytest.mark.attack
def test_a_database_of_that_name_is_its_makers_alone(reader: Client, admin: Client) -> None:
    """What is granted on the sample data, or everybody has on it, is on no database that an older home has."""
    admin.result("GRANT REFERENCE_USAGE ON DATABASE samooha_sample_database TO ROLE reader WITH GRANT OPTION")
    admin.result("GRANT SELECT ON ALL TABLES IN SCHEMA samooha_sample_database.demo TO ROLE reader")
    assert {row["privilege"] for row in admin.dicts("SHOW GRANTS TO ROLE reader")} == {
        "USAGE", "REFERENCE_USAGE", "SELECT"
    }  # fmt: skip
    (owner,) = (row for row in admin.dicts("SHOW GRANTS ON TABLE samooha_sample_database.demo.customers")
                if row["privilege"] == "OWNERSHIP")  # fmt: skip
    assert owner["grantee_name"] == "SAMOOHA_APP_ROLE"
    read = "SELECT count(*) FROM samooha_sample_database.demo.customers"
    assert reader.rows(read) == [(1000,)]
    admin.storage.namespaces.create_database("ALPHA", "SAMOOHA_SAMPLE_DATABASE")
    admin.result("CREATE SCHEMA samooha_sample_database.demo")
    admin.result("CREATE TABLE samooha_sample_database.demo.secrets (secret INT)")
    for text in (
        "SELECT * FROM samooha_sample_database.demo.secrets",
        "SHOW TABLES IN SCHEMA samooha_sample_database.demo",
        "SHOW SCHEMAS IN DATABASE samooha_sample_database",
        "SELECT * FROM samooha_sample_database.information_schema.tables",
        "USE DATABASE samooha_sample_database",
    ):
        assert refused(reader, text).startswith(ABSENT), text
    assert {row["privilege"] for row in admin.dicts("SHOW GRANTS TO ROLE reader")} == {"USAGE"}
    admin.result("DROP DATABASE samooha_sample_database")


def test_what_snowflake_has_in_each_account_and_is_not_here_is_refused_by_name(reader: Client) -> None:
    """sql-reference/account-usage lists the views of each account."""
    told = refused(reader, "SELECT * FROM SNOWFLAKE.ACCOUNT_USAGE.LOGIN_HISTORY")
    assert "Unsupported feature 'SNOWFLAKE.ACCOUNT_USAGE" in told
    assert refused(reader, "SELECT * FROM SNOWFLAKE.MINE.QUERY_HISTORY").startswith(ABSENT)

"""Nobody acts with the rights of a role that is not theirs: by no procedure, ownership, UNDROP, name or function."""

from __future__ import annotations

import contextlib
from datetime import datetime

import pytest
from statements_client import Client
from statements_foreign import refused

from cleanroom_ml.engine.contracts.table import Rows
from cleanroom_ml.engine.sql.errors import SqlError
from cleanroom_ml.engine.sql.routines import Distance
from cleanroom_ml.engine.statements import copied, policy, procedures
from cleanroom_ml.engine.statements.account_catalog import AccountCatalog
from cleanroom_ml.engine.statements.kinds import grant, namespace
from cleanroom_ml.engine.statements.listing import texts
from cleanroom_ml.engine.statements.ports import KnownProcedure
from cleanroom_ml.engine.statements.results import encode
from cleanroom_ml.engine.statements.work import Work
from cleanroom_ml.engine.storage import graves, temporaries
from cleanroom_ml.engine.storage.keys import Key
from cleanroom_ml.engine.storage.rights import Rights
from cleanroom_ml.engine.warehouse.python_functions import PythonFunctions

UP = "RETURNS VARCHAR LANGUAGE SQL AS 'BEGIN EXECUTE IMMEDIATE t; RETURN ''x''; END'"
TAKE_OVER = "'GRANT ROLE accountadmin TO ROLE reader'"


@pytest.fixture
def builder(admin: Client, reader: Client) -> Client:
    """The lesser role, which may make databases and roles."""
    for text in ("GRANT CREATE DATABASE ON ACCOUNT TO ROLE reader", "GRANT CREATE ROLE ON ACCOUNT TO ROLE reader"):
        admin.result(text)
    return reader


@pytest.mark.attack
@pytest.mark.sandbox
def test_a_procedure_with_its_owners_rights_is_called_by_that_role_alone(
    admin: Client, reader: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A caller's temporary procedure stood for the one that the owner meant, and ran with the owner's rights."""
    admin.result("CREATE TABLE secret AS SELECT 4711 AS a")
    admin.result("CREATE PROCEDURE helper() RETURNS INT LANGUAGE SQL AS 'BEGIN RETURN 1; END'")
    admin.result("CREATE PROCEDURE trusted() RETURNS INT LANGUAGE SQL AS 'BEGIN CALL helper(); RETURN 1; END'")
    admin.result("CREATE PROCEDURE trap() RETURNS INT LANGUAGE SQL AS 'BEGIN SELECT a FROM secret; RETURN 1; END'")
    for name in ("trusted", "trap"):
        admin.result(f"GRANT USAGE ON PROCEDURE {name}() TO ROLE reader")
    assert admin.rows("CALL trusted()") == [(1,)]
    for text in ("CALL trusted()", "CALL trap()", "CALL trap() ->> SELECT * FROM $2"):
        assert "has its owner's rights: USE ROLE" in refused(reader, text)
    monkeypatch.setattr(procedures, "refuse_another_role", lambda work, procedure: None)
    assert reader.rows("CALL trap() ->> SELECT * FROM $2") == [(4711,)]


@pytest.mark.attack
def test_nothing_becomes_the_property_of_a_role_that_one_does_not_have(
    admin: Client, builder: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What a role owns acts with its rights: a procedure, and a view."""
    builder.result("CREATE DATABASE mine")
    builder.result(f"CREATE PROCEDURE mine.public.up(t VARCHAR) {UP}")
    give = "GRANT OWNERSHIP ON PROCEDURE mine.public.up(VARCHAR) TO ROLE {} COPY CURRENT GRANTS"
    assert "OWNERSHIP to ACCOUNTADMIN" in refused(builder, give.format("accountadmin"))
    assert "OWNERSHIP to OTHER" in refused(builder, give.format("other"))
    with monkeypatch.context() as patch:
        patch.setattr(Rights, "has_role", lambda self, role: True)
        assert "ACCOUNTADMIN's to give" in refused(builder, give.format("accountadmin")), (
            "nor by whoever manages grants"
        )
        patch.setattr(grant, "require_not_above", lambda work, role: None)
        builder.result(give.format("accountadmin"))
    assert admin.rows(f"CALL mine.public.up({TAKE_OVER})") == [("x",)], "without the control it is the administrator's"


@pytest.mark.attack
def test_what_is_cloned_stays_whose_it_was(admin: Client, builder: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    """user-guide/object-clone: what a clone holds has the privileges, and so the owner, of what it is a clone of."""
    for text in (
        "CREATE DATABASE mine",
        f"CREATE PROCEDURE mine.public.up(t VARCHAR) {UP}",
        "CREATE TABLE mine.public.t (a INT PRIMARY KEY) CLUSTER BY (a)",
        "CREATE TABLE mine.public.of_t (a INT REFERENCES mine.public.t(a))",
        "GRANT SELECT ON TABLE mine.public.t TO ROLE other",
    ):
        builder.result(text)
    admin.result("CREATE DATABASE copied CLONE mine")
    assert "has its owner's rights" in refused(admin, f"CALL copied.public.up({TAKE_OVER})")
    granted = {(row["privilege"], row["grantee_name"]) for row in admin.dicts("SHOW GRANTS ON TABLE copied.public.t")}
    assert granted == {("OWNERSHIP", "READER"), ("SELECT", "OTHER")}
    assert {row["owner"] for row in admin.dicts("SHOW SCHEMAS IN DATABASE copied")} >= {"READER"}
    assert [row["cluster_by"] for row in admin.dicts("SHOW TABLES LIKE 'T' IN DATABASE copied")] == ["LINEAR(A)"]
    [key] = admin.dicts("SHOW IMPORTED KEYS IN TABLE copied.public.of_t")
    assert (key["pk_database_name"], key["pk_table_name"]) == ("COPIED", "T")
    monkeypatch.setattr(copied, "_as_it_was", lambda work, source, target: work.made(target))
    admin.result("CREATE DATABASE again CLONE mine")
    assert admin.rows(f"CALL again.public.up({TAKE_OVER})") == [("x",)], "without the control it is the administrator's"


@pytest.mark.attack
def test_what_is_had_back_is_not_an_administrators(
    admin: Client, builder: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its owner was dropped meanwhile: it belongs to the role that has it back, as where a role is dropped."""
    for text in (
        *("CREATE DATABASE mine", "CREATE SCHEMA mine.s", "CREATE ROLE passing", "GRANT ROLE passing TO ROLE reader"),
        *("GRANT USAGE ON DATABASE mine TO ROLE passing", "GRANT ALL ON SCHEMA mine.s TO ROLE passing"),
    ):
        builder.result(text)
    admin.result("GRANT ROLE passing TO USER alpha_user")
    builder.result("USE ROLE passing")
    builder.result(f"CREATE PROCEDURE mine.s.up(t VARCHAR) {UP}")
    builder.result("GRANT USAGE ON PROCEDURE mine.s.up(VARCHAR) TO ROLE reader")
    builder.result("USE ROLE reader")
    for text in ("DROP SCHEMA mine.s", "DROP ROLE passing", "UNDROP SCHEMA mine.s"):
        builder.result(text)
    with pytest.raises(SqlError, match=r"Grant not executed|Insufficient privileges"):
        builder.result(f"CALL mine.s.up({TAKE_OVER})")
    # Without the control it is ADMIN's, as whatever has no owner is.
    builder.result("DROP SCHEMA mine.s")
    kept = graves._restored
    monkeypatch.setattr(
        graves,
        "_restored",
        lambda *given: (
            None if given[3].get("privilege") == "OWNERSHIP" and given[2] == "object_grants" else kept(*given)
        ),
    )
    builder.result("UNDROP SCHEMA mine.s")
    (row,) = admin.dicts("SHOW GRANTS ON PROCEDURE mine.s.up(VARCHAR)")[:1]
    assert "READER" not in {each["grantee_name"] for each in [row] if each["privilege"] == "OWNERSHIP"}


@pytest.mark.attack
@pytest.mark.sandbox
def test_an_owners_procedure_leaves_no_code_and_hides_nothing_in_its_callers_session(
    admin: Client, reader: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The session may have another role next, which would run what was left there, or take it for its own."""
    admin.result("CREATE TABLE secret AS SELECT 4711 AS a")
    admin.result("GRANT CREATE PROCEDURE ON SCHEMA alpha_db.public TO ROLE reader")
    planted = "CREATE TEMPORARY PROCEDURE task() RETURNS INT EXECUTE AS CALLER AS ''BEGIN RETURN 1; END''"
    hiding = "CREATE TEMPORARY TABLE secret AS SELECT 0 AS a"
    for name, text in (("plants", planted), ("hides", hiding)):
        reader.result(f"CREATE PROCEDURE {name}() RETURNS INT AS 'BEGIN {text}; RETURN 1; END'")
    assert "CREATE PROCEDURE in a procedure with its owner's rights" in refused(reader, "CALL plants()")
    assert "with the name of a permanent one" in refused(reader, "CALL hides()")
    monkeypatch.setattr(policy, "check_owner", lambda statement: None)
    monkeypatch.setattr(Work, "temporary", lambda work, wanted, *_: work.session.id if wanted else None)
    reader.result("CALL plants()")
    reader.result("CALL hides()")
    reader.result("USE ROLE accountadmin")
    assert reader.rows("CALL task()") == [(1,)], "without the control it runs with the role that the session has now"
    assert reader.rows("SELECT a FROM secret") == [(0,)]


@pytest.mark.attack
@pytest.mark.sandbox
def test_an_owners_procedure_sees_no_results_of_before_it(
    admin: Client, reader: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They may be those of another role that the session had."""
    admin.result("GRANT CREATE PROCEDURE ON SCHEMA alpha_db.public TO ROLE reader")
    query_id = "5" * 32
    reader.storage.queries.start(query_id, reader.session.id, None, "hash")
    reader.storage.queries.finish(query_id, encode(Rows(texts("A"), [("4711",)])))
    steal = f"LET x := (SELECT a FROM TABLE(RESULT_SCAN(''{query_id}''))); RETURN x;"
    own = "SELECT 5 AS a; LET x := (SELECT a FROM TABLE(RESULT_SCAN(LAST_QUERY_ID()))); RETURN x;"
    for name, text in (("steals", steal), ("own", own)):
        reader.result(f"CREATE PROCEDURE {name}() RETURNS VARCHAR AS 'BEGIN {text} END'")
    assert "does not exist or not authorized" in refused(reader, "CALL steals()")
    assert reader.rows("CALL own()") == [("5",)]
    kept = AccountCatalog.of_procedure

    def of_procedure(catalog: AccountCatalog, key: Key, rights: Rights, made: datetime) -> AccountCatalog:
        found = kept(catalog, key, rights, made)
        found._since = None
        return found

    monkeypatch.setattr(AccountCatalog, "of_procedure", of_procedure)
    assert reader.rows("CALL steals()") == [("4711",)], "without the control it does"


def test_the_source_of_an_owners_procedure_is_its_owners(admin: Client, reader: Client) -> None:
    """developer-guide/stored-procedure/stored-procedures-rights, "Restrictions on built-in functions"."""
    for name, rights in (("mine", "OWNER"), ("ours", "CALLER")):
        admin.result(f"CREATE PROCEDURE {name}() RETURNS INT EXECUTE AS {rights} AS 'BEGIN RETURN 1; END'")
        admin.result(f"GRANT USAGE ON PROCEDURE {name}() TO ROLE reader")
    said = {name: dict(reader.rows(f"DESCRIBE PROCEDURE {name}()"))["body"] for name in ("mine", "ours")}
    assert said == {"mine": None, "ours": "BEGIN RETURN 1; END"}
    assert dict(admin.rows("DESCRIBE PROCEDURE mine()"))["body"] == "BEGIN RETURN 1; END"
    assert "does not exist" in refused(reader, "SELECT GET_DDL('PROCEDURE', 'mine()')")
    assert reader.rows("SELECT GET_DDL('PROCEDURE', 'ours()')") != []


@pytest.mark.attack
def test_nobody_makes_what_stands_for_the_engines_procedures(
    admin: Client, builder: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "are reserved" in refused(builder, "CREATE DATABASE cleanroom_ml")
    builder.result("CREATE DATABASE mine")
    assert "Invalid identifier" in refused(builder, "ALTER DATABASE mine RENAME TO cleanroom_ml")
    assert "already exists" in refused(builder, "ALTER SCHEMA mine.public RENAME TO mine.information_schema")
    monkeypatch.setattr(namespace, "_is_reserved", lambda name: False)
    builder.result("CREATE DATABASE cleanroom_ml")
    assert admin.rows("SHOW DATABASES LIKE 'CLEANROOM_ML'") != []


@pytest.mark.attack
@pytest.mark.sandbox
def test_functions_in_python_of_two_roles_share_no_process(
    admin: Client, reader: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One of them read the other's code, and what it was given."""
    python = "RETURNS INT LANGUAGE PYTHON RUNTIME_VERSION = '3.11' HANDLER = 'f' AS 'def f(a):\n    return a'"
    admin.result(f"CREATE SECURE FUNCTION mask(a INT) {python}")
    admin.result("CREATE SECURE VIEW masked AS SELECT mask(a) AS a FROM (SELECT 1 AS a)")
    admin.result("GRANT SELECT ON VIEW masked TO ROLE reader")
    assert reader.rows("SELECT a FROM masked") == [(1,)]
    reader.result(f"CREATE TEMPORARY FUNCTION spy(a INT) {python}")
    assert "functions in Python of two owners" in refused(reader, "SELECT a, spy(a) FROM masked")
    asked = PythonFunctions.beside
    monkeypatch.setattr(
        PythonFunctions,
        "beside",
        lambda self, functions, *rest, **given: asked(
            self, [type(each)(each.routine, each.catalog) for each in functions], *rest, **given
        ),
    )
    assert reader.rows("SELECT a, spy(a) FROM masked") == [(1, 1)]


def test_what_was_dropped_is_had_back_though_others_were_made_since(admin: Client) -> None:
    for text in ("CREATE TABLE old AS SELECT 1 AS a", "DROP TABLE old", "CREATE TABLE young AS SELECT 2 AS a"):
        admin.result(text)
    admin.result("UNDROP TABLE old")
    assert admin.rows("SELECT o.a, y.a FROM old o, young y") == [(1, 2)]


@pytest.mark.attack
def test_an_owners_procedure_changes_nothing_of_its_callers_user(
    admin: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What it sets would hold in the caller's next session."""
    change = "ALTER USER alpha_user SET DEFAULT_ROLE = reader"
    admin.result(f"CREATE PROCEDURE quiet() RETURNS INT LANGUAGE SQL AS 'BEGIN {change}; RETURN 1; END'")
    assert "ALTER USER in a procedure with its owner's rights" in refused(admin, "CALL quiet()")
    monkeypatch.setattr(policy, "check_owner", lambda statement: None)
    assert admin.rows("CALL quiet()") == [(1,)]


class Known:
    """The engine's own procedures, one of which goes by this name; as `ports.Procedures`."""

    def __init__(self, *names: tuple[str, str, str]) -> None:
        self._names = names

    def known(self) -> list[KnownProcedure]:
        return [KnownProcedure(*each, 0, 1) for each in self._names]

    def call(self, *_: object, **__: object) -> Rows:
        return Rows.one("X", "the engine's")


@pytest.mark.attack
def test_nobodys_procedure_stands_where_the_engines_are(admin: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also one of a name that the engine has not: it may have it tomorrow."""
    admin.result("CREATE DATABASE mine")
    monkeypatch.setattr(admin.executor, "_procedures", Known(("MINE", "PUBLIC", "GET_STATUS")))
    for name in ("get_status", "get_statue"):
        for temporary in ("", "TEMPORARY "):
            admin.result(
                f"CREATE OR REPLACE {temporary}PROCEDURE mine.public.{name}() RETURNS VARCHAR LANGUAGE SQL "
                "AS 'BEGIN RETURN ''the forger''; END'"
            )
            assert admin.rows(f"CALL mine.public.{name}()") == [("the engine's",)]
    monkeypatch.setattr(admin.executor, "_procedures", Known())
    assert admin.rows("CALL mine.public.get_status()") == [("the forger",)]


@pytest.mark.attack
@pytest.mark.sandbox
def test_an_owners_procedure_sees_its_owners_temporary_things_alone(
    admin: Client, reader: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The session had another role before, whose temporary things whoever wrote the procedure would read."""
    admin.result("GRANT CREATE PROCEDURE ON SCHEMA alpha_db.public TO ROLE reader")
    reader.result("USE ROLE accountadmin")
    for text in (
        "CREATE TEMPORARY TABLE wages AS SELECT 4711 AS a",
        "CREATE TEMPORARY VIEW seen AS SELECT 4711 AS a",
        "CREATE TEMPORARY STAGE papers",
        "CREATE TEMPORARY FILE FORMAT f TYPE = CSV",
        "CREATE TEMPORARY FUNCTION wage() RETURNS INT AS '4711'",
    ):
        reader.result(text)
    reader.put("PAPERS", "a.csv", b"4711\n", session_id=reader.session.id)
    key = reader.storage.stages.user_stage("ALPHA", "ALPHA_USER")
    reader.storage.stages.put_file(key, "a.csv", reader.storage.objects.put_bytes(b"4711\n"), 5, "0" * 32)
    reader.result("USE ROLE reader")
    reader.result("CREATE TEMPORARY TABLE mine AS SELECT 1 AS a")
    asked = {
        "wages": "SELECT a FROM wages",
        "seen": "SELECT a FROM seen",
        "wage": "SELECT wage()",
        "papers": "SELECT $1 FROM @papers",
        "home": "SELECT $1 FROM @~",
        "mine": "SELECT a FROM mine",
    }
    for name, text in asked.items():
        body = f"BEGIN LET x := ({text}); RETURN x; END"
        reader.result(f"CREATE PROCEDURE read_{name}() RETURNS VARCHAR AS '{body}'")
    hidden = "BEGIN CREATE OR REPLACE TEMPORARY TABLE wages AS SELECT 0 AS a; RETURN 1; END"
    reader.result(f"CREATE PROCEDURE replaces() RETURNS INT AS '{hidden}'")
    assert reader.rows("CALL read_mine()") == [("1",)]
    for name in ("wages", "seen", "papers"):
        assert "does not exist or not authorized" in refused(reader, f"CALL read_{name}()")
    assert "Unknown function WAGE" in refused(reader, "CALL read_wage()")
    assert "@~ in a procedure with its owner's rights" in refused(reader, "CALL read_home()")
    assert "already exists" in refused(reader, "CALL replaces()")
    assert reader.rows("SELECT a FROM wages") == [(4711,)], "the session itself sees them whatever its role is"
    monkeypatch.setattr(temporaries, "only_of", lambda roles: contextlib.nullcontext())
    for name in ("wages", "seen", "wage", "papers", "home"):
        assert reader.rows(f"CALL read_{name}()") == [("4711",)], "without the control it reads them"


@pytest.mark.attack
@pytest.mark.sandbox
def test_nobody_takes_the_place_of_a_function_that_a_view_calls(
    admin: Client, reader: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A function of the same name that takes the view's arguments better got them, and said what the view shows."""
    for kind in ("FUNCTION", "PROCEDURE"):
        admin.result(f"GRANT CREATE {kind} ON SCHEMA alpha_db.public TO ROLE reader")
    admin.result("CREATE FUNCTION masked(a VARCHAR) RETURNS VARCHAR AS $$ 'masked' $$")
    admin.result("CREATE TABLE wages AS SELECT 4711 AS a")
    admin.result("CREATE VIEW shown AS SELECT masked(a) AS a FROM wages")
    admin.result("CREATE FUNCTION outer_one() RETURNS VARCHAR AS $$ SELECT masked(1) $$")
    admin.result("CREATE PROCEDURE step(a VARCHAR) RETURNS VARCHAR AS 'BEGIN RETURN ''step''; END'")
    admin.result(
        "CREATE PROCEDURE steps() RETURNS VARCHAR AS 'BEGIN LET x VARCHAR; CALL step(1) INTO :x; RETURN x; END'"
    )
    reader.result("CREATE FUNCTION masked(a INT) RETURNS VARCHAR AS $$ 'bare ' || a $$")
    reader.result("CREATE PROCEDURE step(a INT) RETURNS VARCHAR AS 'BEGIN RETURN ''hijacked''; END'")
    reader.result("GRANT USAGE ON FUNCTION masked(INT) TO ROLE accountadmin")
    assert admin.rows("SELECT a FROM shown") == [("masked",)]
    assert admin.rows("SELECT outer_one()") == [("masked",)]
    assert admin.rows("CALL steps()") == [("step",)]
    assert admin.rows("SELECT masked(1)") == [("bare 1",)], "whoever writes the call means the better one"
    admin.result("DROP FUNCTION masked(VARCHAR)")
    assert admin.rows("SELECT a FROM shown") == [("bare 4711",)], "where there is no other, it is meant"
    admin.result("CREATE FUNCTION masked(a VARCHAR) RETURNS VARCHAR AS $$ 'masked' $$")
    assert admin.rows("SELECT a FROM shown") == [("masked",)], "made anew it is its own again"
    monkeypatch.setattr(AccountCatalog, "distance", lambda *_: Distance.OWN)
    assert admin.rows("SELECT a FROM shown") == [("bare 4711",)], "without the control it is not"


def test_a_name_in_quotes_is_no_signature(admin: Client) -> None:
    """`"G(NUMBER)"` is a name without arguments (sql-reference/identifiers-syntax), and not G with one."""
    admin.result("CREATE FUNCTION g(a NUMBER) RETURNS INT AS '1'")
    admin.result("""CREATE FUNCTION "G(NUMBER)"() RETURNS INT AS '2'""")
    for text in ("DROP FUNCTION", "DESCRIBE FUNCTION", "SHOW GRANTS ON FUNCTION"):
        name = '"H(NUMBER)"' if text.startswith("DROP") else '"I(NUMBER)"'
        assert "does not exist" in refused(admin, f"{text} {name}")
    assert admin.rows("""SELECT g(1), "G(NUMBER)"()""") == [(1, 2)]
    admin.result("""DROP FUNCTION "G(NUMBER)" """)
    assert admin.rows("SELECT g(1)") == [(1,)], "the one with an argument is still there"
    assert "Unknown function" in refused(admin, """SELECT "G(NUMBER)"()""")


@pytest.mark.slow
def test_the_columns_of_a_table_are_those_that_are_declared(admin: Client) -> None:
    """Else a caller reads a text where the procedure says that a number is."""
    body = "DECLARE r RESULTSET DEFAULT (SELECT ''x'' AS a, 1 AS b, NULL AS c); BEGIN RETURN TABLE(r); END"
    for name, columns in (
        ("right", "a VARCHAR, b INT, c DATE"),
        ("any", ""),
        ("wrong", "a INT, b INT, c DATE"),
        ("fewer", "a VARCHAR"),
    ):
        admin.result(f"CREATE PROCEDURE {name}_one() RETURNS TABLE ({columns}) AS '{body}'")
    for name in ("right", "any"):
        assert admin.rows(f"CALL {name}_one()") == [("x", 1, None)]
    assert "Declared return type 'NUMBER(38,0)' for column 'A' is incompatible" in refused(admin, "CALL wrong_one()")
    assert "returns 3 columns, it declares 1" in refused(admin, "CALL fewer_one()")

"""Two accounts of one engine: neither reaches what is the other's, by SQL or past it, on the wire."""

from __future__ import annotations

import base64
import json
import time
import uuid
from pathlib import Path
from typing import Any

import pytest
from guarantees_front import Front
from guarantees_wire import Wire, claims_of, path_of, with_claims
from guarantees_world import World

from cleanroom_ml.engine.http.gate import Gate
from cleanroom_ml.engine.protocol.capabilities import Capabilities
from cleanroom_ml.engine.queries.service import QueryService
from cleanroom_ml.engine.statements.account_catalog import AccountCatalog
from cleanroom_ml.engine.statements.table_sources import table_source
from cleanroom_ml.engine.storage.keys import Key
from cleanroom_ml.errors import CleanroomError

pytestmark = [pytest.mark.sandbox, pytest.mark.attack]

VISITS = "SHOP_DB.PUBLIC.VISITS"
INTERNAL = "SFDCR_VAULT.CLEANROOM.NOTES"
MANY = "SELECT SEQ4() AS N, 'padding ' || SEQ4() AS T FROM TABLE(GENERATOR(ROWCOUNT => 200000))"

# What the brand tries against the shop, and against the room in its own account.
BY_SQL = (
    f"SELECT * FROM {VISITS}",
    'SELECT * FROM "SHOP_DB"."PUBLIC"."VISITS"',
    f"SELECT * FROM IDENTIFIER('{VISITS}')",
    f"SELECT (SELECT COUNT(*) FROM {VISITS})",
    f"WITH v AS (SELECT * FROM {VISITS}) SELECT * FROM v",
    f"SELECT 1 WHERE EXISTS (SELECT 1 FROM {VISITS})",
    f"CREATE VIEW BRAND_DB.PUBLIC.V AS SELECT * FROM {VISITS}",
    f"CREATE TABLE BRAND_DB.PUBLIC.T AS SELECT * FROM {VISITS}",
    f"CREATE TABLE BRAND_DB.PUBLIC.T LIKE {VISITS}",
    f"CREATE TABLE BRAND_DB.PUBLIC.T CLONE {VISITS}",
    f"INSERT INTO BRAND_DB.PUBLIC.BOOKS SELECT CITY FROM {VISITS}",
    f"INSERT INTO {VISITS} VALUES ('x', 'y', 'z')",
    f"UPDATE {VISITS} SET CITY = 'x'",
    f"DELETE FROM {VISITS}",
    f"TRUNCATE TABLE {VISITS}",
    f"DROP TABLE {VISITS}",
    f"ALTER TABLE {VISITS} RENAME TO BRAND_DB.PUBLIC.MINE",
    f"ALTER TABLE BRAND_DB.PUBLIC.BOOKS RENAME TO {VISITS}2",
    f"MERGE INTO BRAND_DB.PUBLIC.BOOKS b USING {VISITS} v ON b.SECRET = v.CITY WHEN MATCHED THEN DELETE",
    f"DESCRIBE TABLE {VISITS}",
    f"DELETE FROM BRAND_DB.PUBLIC.BOOKS WHERE SECRET IN (SELECT CITY FROM {VISITS})",
    f"BEGIN LET n NUMBER := 0; SELECT COUNT(*) INTO :n FROM {VISITS}; RETURN n; END",
    "USE DATABASE SHOP_DB",
    "USE SCHEMA SHOP_DB.PUBLIC",
    "DROP DATABASE SHOP_DB",
    "CREATE SCHEMA SHOP_DB.MINE",
    "SHOW TABLES IN DATABASE SHOP_DB",
    "SHOW TABLES IN SCHEMA SHOP_DB.PUBLIC",
    "SELECT * FROM SHOP_DB.INFORMATION_SCHEMA.TABLES",
    "SELECT * FROM shop.offer_v1.visits",
    "SELECT * FROM shop.secret_v1.salaries",
    f"SELECT * FROM {INTERNAL}",
    "SELECT * FROM cleanroom.notes",
    f"CREATE TABLE BRAND_DB.PUBLIC.T AS SELECT * FROM {INTERNAL}",
    f"INSERT INTO {INTERNAL} VALUES ('x')",
    f"DROP TABLE {INTERNAL}",
    f"DESCRIBE TABLE {INTERNAL}",
    "USE DATABASE SFDCR_VAULT",
    "USE SCHEMA SFDCR_VAULT.CLEANROOM",
    "DROP DATABASE SFDCR_VAULT",
    "SHOW TABLES IN DATABASE SFDCR_VAULT",
    "SELECT * FROM SAMOOHA_BY_SNOWFLAKE_LOCAL_DB.INFORMATION_SCHEMA.TABLES",
    "LIST @SHOP_DB.PUBLIC.CODE",
    "LIST @SHOP_DB.PUBLIC.CODE/vault",
    "GET @SHOP_DB.PUBLIC.CODE/vault/probe.py file:///tmp/",
    "PUT file:///etc/hostname @SHOP_DB.PUBLIC.CODE/vault",
    "REMOVE @SHOP_DB.PUBLIC.CODE/vault",
    "ALTER STAGE SHOP_DB.PUBLIC.CODE REFRESH",
    "SELECT * FROM DIRECTORY(@SHOP_DB.PUBLIC.CODE)",
    "SELECT $1 FROM @SHOP_DB.PUBLIC.CODE/vault/probe.py",
    "COPY INTO BRAND_DB.PUBLIC.BOOKS FROM @SHOP_DB.PUBLIC.CODE/vault",
    "GRANT SELECT ON TABLE SHOP_DB.PUBLIC.VISITS TO ROLE PUBLIC",
    "SELECT * FROM read_parquet('/etc/passwd')",
    "SELECT * FROM read_csv_auto('/etc/passwd')",
    "SELECT * FROM '/etc/passwd'",
    "SELECT * FROM glob('/*')",
    "SELECT * FROM duckdb_settings()",
    "SELECT getenv('HOME')",
    "ATTACH '/tmp/x.db' AS x",
    "COPY (SELECT 1) TO '/tmp/x'",
    "PRAGMA database_list",
)


@pytest.fixture(scope="module")
def notes(world_here: World) -> str:
    """A table that a job left in the room."""
    source = "from snowflake.snowpark.context import get_active_session as s\n"
    world_here.job(source + "s().sql(\"create or replace table cleanroom.notes as select 'kept' as t\").collect()")
    return INTERNAL


def test_sql_does_not_reach_another_world(world_here: World, notes: str, tmp_path: Path) -> None:
    reached = []
    for attack in BY_SQL:
        try:
            rows = world_here.brand.execute(attack.replace("file:///tmp/", f"file://{tmp_path}/"))
        except CleanroomError as refused:
            told = str(refused)
            leaks = [word for word in ("hidden", "kept", "root:", str(world_here.home.path)) if word in told]
            if leaks or "internal error" in told.lower():
                reached.append((attack, told))
        else:
            reached.append((attack, rows))
    assert reached == []
    assert list(tmp_path.iterdir()) == []
    assert world_here.shop.execute(f"SELECT COUNT(*) AS n FROM {VISITS}") == [{"n": 3}]


def test_the_provider_does_not_see_what_the_runners_jobs_keep(world_here: World, notes: str) -> None:
    for attack in (f"SELECT * FROM {notes}", "SELECT * FROM cleanroom.notes", "SELECT * FROM BRAND_DB.PUBLIC.BOOKS"):
        with pytest.raises(CleanroomError, match="does not exist or not authorized"):
            world_here.shop.execute(attack)
    names = {str(row["name"]) for row in world_here.shop.execute("SHOW DATABASES")}
    assert "BRAND_DB" not in names
    assert not any("NOTES" in str(row) for row in world_here.shop.execute("SHOW TABLES IN ACCOUNT"))


def test_without_ownership_sql_reaches_everything(
    world_here: World, front: Front, notes: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    storage = front.engine.storage
    with monkeypatch.context() as patch:
        patch.setattr(AccountCatalog, "_owns", lambda self, database: True)
        assert world_here.brand.execute(f"SELECT * FROM {notes}") == [{"t": "kept"}]
    with monkeypatch.context() as patch:
        found = storage.tables.get(Key("SHOP", *VISITS.split(".")))
        assert found is not None
        patch.setattr(AccountCatalog, "source", lambda self, parts: table_source(found))
        assert len(world_here.brand.execute(f"SELECT * FROM {VISITS}")) == 3
    with monkeypatch.context() as patch:
        patch.setattr(AccountCatalog, "target", lambda self, parts, kind: Key("SHOP", "SHOP_DB", "PUBLIC", "CODE"))
        (file,) = world_here.brand.execute("LIST @SHOP_DB.PUBLIC.CODE")
        assert str(file["name"]).endswith("vault/probe.py")


@pytest.fixture(scope="module")
def staged(world_here: World) -> str:
    """The path of the URL by which the shop downloads its own code."""
    answer = Wire(world_here.home, world_here.shop).sql("GET @SHOP_DB.PUBLIC.CODE/vault/probe.py file:///tmp/")
    return path_of(answer["data"]["presignedUrls"][0])


def _forgeries(front: Front, world: World, staged: str) -> dict[str, tuple[str, str]]:
    """(method, path) that the engine never gave to anybody, by what is forged."""
    table = front.engine.storage.tables.get(Key("BRAND", "BRAND_DB", "PUBLIC", "BOOKS"))
    assert table is not None
    upload = Wire(world.home, world.brand)
    world.brand.execute("CREATE STAGE IF NOT EXISTS BRAND_DB.PUBLIC.MINE")
    sent = upload.sql("PUT file:///tmp/own.txt @BRAND_DB.PUBLIC.MINE AUTO_COMPRESS=FALSE")["data"]
    mine = path_of(sent["stageInfo"]["presignedUrl"])
    own = claims_of(mine)
    capability = staged.split("/")[3]
    old = front.engine.capabilities.issue("download", claims_of(staged), expires=time.time() - 1)
    late = with_claims(staged, expires=int(time.time()) + 10**6)
    return {
        "another object": ("GET", with_claims(staged, object=table.objects[0].sha256)),
        "another size": ("GET", with_claims(staged, size=10**9)),
        "another socket": ("GET", with_claims(staged, audience="MLJOB_1")),
        "expired": ("GET", f"/stage/download/{old}/probe.py"),
        "made to last": ("GET", late),
        "an upload's, to download": ("GET", f"/stage/download/{mine.split('/')[3]}/own.txt"),
        "a download's, to upload": ("PUT", f"/stage/upload/{capability}/probe.py"),
        "another stage": ("PUT", with_claims(mine, ticket=str(uuid.uuid4()))),
        "another name": ("PUT", mine.replace("own.txt", "other.txt")),
        "another name, claimed": ("PUT", with_claims(mine.replace("own.txt", "x.txt"), name="x.txt")),
        "out of the directory": ("PUT", with_claims(mine.replace("own.txt", "..%2Fx.txt"), name="../x.txt")),
        "cut": ("GET", staged.replace(capability, capability[:-4])),
        "no signature": ("GET", staged.replace(capability, capability.partition(".")[0])),
        "nothing": ("GET", "/stage/download/x/probe.py"),
    } | ({} if own else {"": ("", "")})


def test_presigned_urls_open_what_they_were_made_for(world_here: World, front: Front, staged: str) -> None:
    nobody = Wire(world_here.home)
    assert b"compile(given" in nobody.ask("GET", staged)[1]
    for what, (method, path) in _forgeries(front, world_here, staged).items():
        status, body = nobody.ask(method, path, b"mine" if method == "PUT" else None)
        # One that was good says that it is over, so that the connector asks for another.
        assert status == (400 if what == "expired" else 404), (what, status, body[:200])
        assert b"compile" not in body


def _unsigned(self: Capabilities, purpose: str, capability: str, *, now: float) -> dict[str, Any]:
    """A check that believes whatever it is told."""
    body = capability.partition(".")[0]
    claims: dict[str, Any] = json.loads(base64.urlsafe_b64decode(body + "=" * (-len(body) % 4)))[1]
    return claims


def test_unsigned_urls_would_open_the_store(
    world_here: World, front: Front, staged: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    forged = _forgeries(front, world_here, staged)
    monkeypatch.setattr(Capabilities, "check", _unsigned)
    nobody = Wire(world_here.home)
    assert nobody.ask(*forged["expired"])[0] == 200
    size = front.engine.storage.tables.get(Key("BRAND", "BRAND_DB", "PUBLIC", "BOOKS")).objects[0].bytes  # type: ignore[union-attr]
    status, body = nobody.ask("GET", with_claims(forged["another object"][1], size=size))
    assert (status, body[:4]) == (200, b"PAR1")


def test_results_belong_to_who_asked(world_here: World, monkeypatch: pytest.MonkeyPatch) -> None:
    shop, brand = Wire(world_here.home, world_here.shop), Wire(world_here.home, world_here.brand)
    theirs, mine = shop.sql(MANY)["data"], brand.sql(MANY)["data"]
    assert len(theirs["chunks"]) >= 1
    query_id, path = theirs["queryId"], path_of(theirs["chunks"][0]["url"])
    assert brand.json("GET", f"/queries/{query_id}/result")["success"] is False
    assert brand.json("GET", f"/monitoring/queries/{query_id}")["data"]["queries"] == []
    assert brand.json("POST", f"/queries/{query_id}/abort-request", {})["success"] is False
    for name in (query_id, query_id.upper(), f"{query_id}/../{query_id}"):
        assert brand.json("GET", f"/queries/{name}/result")["success"] is False
    assert shop.ask("GET", path, headers=theirs["chunkHeaders"])[0] == 200
    assert brand.ask("GET", path, headers=mine["chunkHeaders"])[0] == 404
    assert brand.ask("GET", path)[0] == 404
    assert brand.ask("GET", path, headers={next(iter(mine["chunkHeaders"])): "x.y"})[0] == 404
    with monkeypatch.context() as patch:
        patch.setattr(QueryService, "_may_see", lambda self, session, record: True)
        assert brand.json("GET", f"/queries/{query_id}/result")["data"]["queryId"] == query_id
    with monkeypatch.context() as patch:
        patch.setattr(Capabilities, "check", lambda *_, **__: {"query": query_id, "audience": ""})
        assert brand.ask("GET", path, headers=mine["chunkHeaders"])[0] == 200


def test_accounts_are_made_with_the_operators_secret_only(world_here: World, monkeypatch: pytest.MonkeyPatch) -> None:
    wire = Wire(world_here.home, world_here.brand)
    body = json.dumps({"name": "MALLORY", "user": "M", "password": "correct horse battery"}).encode()
    path = "/cleanroom/admin/accounts"
    for headers in ({}, {"Authorization": "Bearer "}, {"Authorization": f"Bearer {'0' * 64}"}):
        assert wire.ask("POST", path, body, headers)[0] == 401
        assert wire.ask("GET", path, None, headers)[0] == 401
        assert wire.ask("POST", "/cleanroom/admin/stop", b"{}", headers)[0] == 401
    monkeypatch.setattr(Gate, "_check_operator", lambda *_: None)
    assert wire.ask("POST", path, body)[0] == 200

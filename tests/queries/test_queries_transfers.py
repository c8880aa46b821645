"""What a client is told of a PUT and a GET: where to, by URLs that are good for that file, for whom and for how long.

The forms are the connector's (`file_transfer_agent.py`, `gcs_storage_client.py`).
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from cleanroom_ml.engine.contracts.table import SELECT, RowCounts, Rows
from cleanroom_ml.engine.protocol.capabilities import Capabilities, CapabilityRefusedError
from cleanroom_ml.engine.queries import answers as module
from cleanroom_ml.engine.queries.answers import Answers, audience_of, kept_type, outcome_of, sent_as
from cleanroom_ml.engine.sql.errors import SqlError
from cleanroom_ml.engine.sql.types.sql_type import SqlType, parse_type
from cleanroom_ml.engine.statements.results import (
    VARCHAR,
    Download,
    StagedDownload,
    StatementResult,
    Upload,
    encode,
    statement_type,
)
from cleanroom_ml.engine.storage.errors import NotFound
from cleanroom_ml.engine.storage.keys import Key
from cleanroom_ml.engine.storage.queries import QueryRecord
from cleanroom_ml.engine.storage.sessions import Session
from cleanroom_ml.engine.storage.storage import Storage
from cleanroom_ml.engine.warehouse.outcomes import Batch, ResultColumn, Spooled

CAPABILITIES = Capabilities(bytes(32))
STAGE = Key("ACME", "DB", "PUBLIC", "S")
BASE = "http://127.0.0.1:8080"
SHA = "a" * 64


@pytest.fixture(scope="module")
def storage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Storage]:
    storage = Storage.open(tmp_path_factory.mktemp("transfers") / "home")
    key = rsa.generate_private_key(65537, 2048).public_key()
    pem = key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
    storage.accounts.create("ACME", "ANA", public_key_pem=pem)
    storage.namespaces.create_database("ACME", "DB")
    storage.stages.create(STAGE)
    yield storage
    storage.close()


@pytest.fixture
def session(storage: Storage) -> Session:
    return storage.sessions.create("ACME", "ANA")[0]


def record(response: str, spool: str | None = None) -> QueryRecord:
    now = datetime.now(UTC)
    return QueryRecord("q", "ACME", "ANA", "1", None, "h", "SUCCESS", now, now, response, spool, None, None, None)


def told(storage: Storage, session: Session, result: StatementResult) -> dict[str, Any]:
    kept = outcome_of(result, session, storage)
    assert kept_type(record(kept.response)) == statement_type(result)
    assert audience_of(record(kept.response)) == (session.job_id or "")
    return Answers(storage.queries.spool, CAPABILITIES).data(record(kept.response), session, BASE)


@pytest.mark.parametrize(
    ("compress", "compression", "gzip"),
    [(True, "AUTO_DETECT", True), (True, "NONE", True), (True, "GZIP", False), (False, "AUTO_DETECT", False)],
)
def test_a_file_is_put_by_one_url_that_is_for_it(
    storage: Storage, session: Session, compress: bool, compression: str, gzip: bool
) -> None:
    upload = Upload(STAGE, None, "code/", "/home/me/a file.csv", 3, compress, compression)
    answer = told(storage, session, upload)
    assert answer["command"] == "UPLOAD"
    assert answer["src_locations"] == ["/home/me/a file.csv"]
    assert (answer["parallel"], answer["autoCompress"], answer["overwrite"]) == (3, compress, False)
    assert answer["sourceCompression"] == compression.lower()
    info = answer["stageInfo"]
    assert (info["locationType"], info["location"], info["endPoint"]) == ("GCS", "S/code/", "127.0.0.1:8080")
    prefix, capability, name = info["presignedUrl"].rsplit("/", 2)
    assert (prefix, name) == (f"{BASE}/stage/upload", "a%20file.csv")
    claims = CAPABILITIES.check("upload", capability, now=time.time())
    assert (claims["name"], claims["gzip"], claims["owner"]) == ("a file.csv", gzip, "ACME")
    ticket = storage.stages.upload(str(claims["ticket"]))
    assert (ticket.stage, ticket.directory, ticket.session_id) == (STAGE, "code", session.id)


def test_a_file_is_put_nowhere_where_there_is_no_stage(storage: Storage, session: Session) -> None:
    with pytest.raises(NotFound):
        outcome_of(Upload(Key("ACME", "DB", "PUBLIC", "NONE"), None, "", "/f"), session, storage)


def test_files_are_got_by_urls_in_their_order_and_live_as_long_as_the_answer(
    storage: Storage, session: Session
) -> None:
    files = (StagedDownload("b/x y.csv", SHA, 7), StagedDownload("a.csv", "b" * 64, 8))
    download = Download(STAGE, None, "/home/me", files, 5)
    assert outcome_of(download, session, storage).objects == (SHA, "b" * 64)
    answer = told(storage, session, download)
    assert (answer["command"], answer["localLocation"], answer["parallel"]) == ("DOWNLOAD", "/home/me", 5)
    assert answer["src_locations"] == ["b/x y.csv", "a.csv"]
    assert [url.rpartition("/")[2] for url in answer["presignedUrls"]] == ["x%20y.csv", "a.csv"]
    claims = [CAPABILITIES.check("download", url.rsplit("/", 2)[1], now=time.time()) for url in answer["presignedUrls"]]
    assert [(each["object"], each["size"], each["owner"]) for each in claims] == [
        (SHA, 7, "ACME"),
        ("b" * 64, 8, "ACME"),
    ]
    with pytest.raises(CapabilityRefusedError):
        CAPABILITIES.check("upload", answer["presignedUrls"][0].rsplit("/", 2)[1], now=time.time())


TEXTS = b'["1",null],["2","b"]'


@pytest.fixture
def texts(storage: Storage) -> Spooled:
    path = storage.queries.spool / "texts"
    path.write_bytes(b"arrow" + TEXTS + b'["3","c"]')
    columns = (ResultColumn("A", SqlType("FLOAT")), ResultColumn("B", VARCHAR))
    first = len(b"arrow")
    chunks = (Batch(first, len(TEXTS), 2), Batch(first + len(TEXTS), 9, 1))
    return Spooled(path, columns, (Batch(0, 5, 3),), 3, chunks)


def test_rows_as_texts_are_sent_as_they_lie_and_the_rest_by_chunks(
    storage: Storage, session: Session, texts: Spooled
) -> None:
    """connector: `result_batch.JSONResultBatch`, whose chunks are rows without the brackets around them."""
    kept = outcome_of(texts, session, storage)
    there = record(kept.response, "texts")
    answers = Answers(storage.queries.spool, CAPABILITIES)
    data: dict[str, Any] = answers.data(there, session, BASE)
    assert (data["queryResultFormat"], data["rowset"]) == ("json", [["1", None], ["2", "b"]])
    [chunk] = data["chunks"]
    assert (chunk["url"], chunk["rowCount"]) == (f"{BASE}/chunks/q/1", 1)
    found = answers.chunk(there, 1)
    assert found is not None
    assert found.text
    with found.path.open("rb") as file:
        file.seek(found.offset)
        assert file.read(found.length) == b'["3","c"]'
    assert answers.chunk(there, 2) is answers.chunk(there, -1) is None
    assert answers.chunk(record('{"json": {}}'), 0) is None
    assert answers.size(len(kept.response), kept.response) == len(kept.response) + 2 * len(TEXTS)
    assert answers.size(9, None) == 9


def test_a_result_is_read_again_where_the_other_form_is_asked_for(
    storage: Storage, session: Session, texts: Spooled
) -> None:
    as_texts = record(outcome_of(texts, session, storage).response)
    as_arrow = record(outcome_of(Spooled(texts.path, texts.columns, texts.batches, 3), session, storage).response)
    documents = (ResultColumn("A", SqlType("VARIANT")),)
    document = record(outcome_of(Spooled(texts.path, documents, texts.batches, 3), session, storage).response)
    assert [sent_as(as_texts, "JSON"), sent_as(as_texts, "ARROW")] == [True, False]
    assert [sent_as(as_arrow, "JSON"), sent_as(as_arrow, "ARROW")] == [False, True]
    assert sent_as(document, "JSON"), "no statement reads it again"
    assert sent_as(record('{"json": {}}'), "JSON")


def test_what_a_commit_kept_of_itself_is_answered_as_it_would_have_been(storage: Storage, session: Session) -> None:
    """The engine died between a commit and its answer: the commit's own record is all that there is."""
    rows = Rows((("number of rows inserted", parse_type("NUMBER(38,0)")),), ((3,),), SELECT, 3, RowCounts(inserted=3))
    answer: dict[str, Any] = Answers(storage.queries.spool, CAPABILITIES).data(record(encode(rows)), session, BASE)
    assert (answer["rowset"], answer["stats"]["numRowsInserted"]) == ([["3"]], 3)
    assert kept_type(record(encode(rows))) == SELECT
    assert audience_of(record(encode(rows))) is None
    with pytest.raises(FileNotFoundError):
        Answers(storage.queries.spool, CAPABILITIES).data(record('{"format": 0}'), session, BASE)


@pytest.mark.attack
def test_an_answer_that_would_fill_the_front_is_refused(
    storage: Storage, session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MAX_ROWS_CHARACTERS", 1 << 20)
    rows = Rows((("A", VARCHAR),), (("x" * (1 << 19),),) * 2, SELECT)
    assert outcome_of(rows, session, storage).response
    with pytest.raises(SqlError, match="at most 1 MiB"):
        outcome_of(Rows(rows.columns, rows.rows * 2, SELECT), session, storage)

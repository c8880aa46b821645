"""The PUTs that the connector repeats for each file, as its own code makes them."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from snowflake.connector.gcs_storage_client import SnowflakeGCSRestClient

from cleanroom_ml.engine.protocol.bindings import Bindings
from cleanroom_ml.engine.protocol.errors import WireError, failure
from cleanroom_ml.engine.protocol.puts import PutMemory, connector_path
from cleanroom_ml.engine.protocol.stages import download_data, transfer_verb, upload_data
from cleanroom_ml.engine.sql.read.classify import classify
from cleanroom_ml.engine.sql.read.stage_files import Put

TARGET = Bindings(values=("@stage/a",))


def repeated(sql: str, name: str) -> tuple[str, str | None]:
    """What the connector's own code sends for one file, and what it takes for the path."""
    client: Any = SimpleNamespace(_command=sql, meta=SimpleNamespace(dst_file_name=name), sent=None)
    client._get_local_file_path_from_put_command = lambda: SnowflakeGCSRestClient._get_local_file_path_from_put_command(
        client
    )

    def execute(command: str) -> dict[str, Any]:
        client.sent = command
        return {}

    client._cursor = SimpleNamespace(_execute_helper=execute)
    SnowflakeGCSRestClient._update_presigned_url(client)
    return client.sent, client._get_local_file_path_from_put_command()


STATEMENTS = [
    ("PUT 'file:///tmp/*' @s", "a b.csv.gz"),
    ("PUT 'file:///tmp/*' @s", "o'clock; drop table x.csv.gz"),
    ("PUT 'file:///tmp/*' @s/in/here OVERWRITE=TRUE", "100%#?&+.csv"),
    ("PUT file:///tmp/*.csv @s PARALLEL=4", "two  blanks.csv.gz"),
    ("PUT file:///tmp/*.csv @s", "naïve ‘日本’.csv.gz"),
    ("PUT file:///tmp/[ab]*.csv @s", "a'b\"c.csv"),
    ("put\nfile:///tmp/*.csv\n@s", "a;b.csv.gz"),
    ("PUT file:///tmp/*\t@s", "tabbed after the path.csv"),
    (r"PUT 'file:///tmp/it\'s.csv' @s", "it's.csv.gz"),
    ("PUT 'file:///tmp/it''s.csv' @s", "it's.csv.gz"),
    ("/* for 'file://me' */ PUT 'file:///tmp/x.csv' @s", "x.csv.gz"),
    ("PUT 'file:///s' @s/s/s", "s.gz"),
    ("PUT 'file://s' @s", "s.gz"),
    ("PUT 'file:///tmp/*' @s", "a*b?[c].csv"),
    ("PUT 'file:///tmp/placeholder/a[1].csv' @s", "a[1].csv"),
]


@pytest.mark.parametrize(("sql", "name"), STATEMENTS)
def test_a_put_that_is_repeated_names_its_file(sql: str, name: str) -> None:
    """It is the same statement, for the one file, whatever is in the file's name."""
    sent, path = repeated(sql, name)
    assert sent != sql
    assert connector_path(sql) == path
    memory = PutMemory()
    assert memory.read("s", sql, None) == (sql, None)
    text, bindings = memory.read("s", sent, None)
    original, found = classify(sql), classify(text)
    assert isinstance(original, Put)
    assert isinstance(found, Put)
    assert (found.source, found.target, found.options) == (name, original.target, original.options)
    assert bindings is None


def test_bound_values_come_with_it() -> None:
    memory = PutMemory()
    assert memory.read("s", "PUT 'file:///tmp/data*.csv' ? PARALLEL=4", TARGET)[1] is TARGET
    assert memory.read("s", "PUT 'file://data1.csv.gz' ? PARALLEL=4", None)[1] is TARGET
    assert memory.read("s", "PUT 'file://other.csv' ? PARALLEL=4", None)[1] is None
    assert memory.read("s", "PUT 'file://data1.csv.gz' ? PARALLEL=8", None)[1] is None
    assert memory.read("t", "PUT 'file://data1.csv.gz' ? PARALLEL=4", None)[1] is None
    assert memory.read("s", "SELECT 'file://data1.csv.gz' ? PARALLEL=4", None)[1] is None
    memory.forget("s")
    assert memory.read("s", "PUT 'file://data1.csv.gz' ? PARALLEL=4", None)[1] is None


def test_the_newest_target_counts_and_memory_is_bounded() -> None:
    memory = PutMemory()
    newer = Bindings(values=("@stage/b",))
    memory.read("s", "PUT file:///tmp/a.csv ?", TARGET)
    memory.read("s", "PUT file:///tmp/a.csv ?", newer)
    assert memory.read("s", "PUT file://a.csv ?", None)[1] is newer
    for number in range(3000):
        memory.read(f"s{number}", "PUT file:///tmp/a.csv ?", TARGET)
    assert len(memory._sessions) <= 1024
    memory.read("s", "PUT file:///tmp/a.csv ? " + " " * 100_000, TARGET)
    assert not memory._sessions.get("s")


def test_thousands_of_files_do_not_push_their_own_put_out() -> None:
    memory = PutMemory()
    memory.read("s", "PUT 'file:///tmp/*' ?", TARGET)
    for number in range(2000):
        assert memory.read("s", f"PUT 'file://file {number}.csv' ?", None)[1] is TARGET


@pytest.mark.attack
def test_every_answer_about_a_transfer_names_this_engine_for_every_fallback() -> None:
    """Without a URL the connector makes one: of the end point, or, where none is named, of the public cloud."""
    answers = [
        upload_data(
            sources=["/tmp/a"], location="S/", url="http://127.0.0.1:1/x", end_point="127.0.0.1:1", parallel=1,
            auto_compress=True, source_compression="NONE", overwrite=True,
        ),
        download_data(local="/tmp", files=["a"], urls=[], location="S", end_point="127.0.0.1:1", parallel=1),
    ]  # fmt: skip
    for answer in answers:
        info = answer["stageInfo"]
        made = SnowflakeGCSRestClient.generate_file_url(
            info["location"], "a", info["useRegionalUrl"], info.get("region"), info["endPoint"], info["useVirtualUrl"]
        )
        assert made.startswith("https://127.0.0.1:1/")
        without = SnowflakeGCSRestClient.generate_file_url(info["location"], "a")
        assert "storage.googleapis.com" in without, "the control is what changes it"


@pytest.mark.attack
def test_every_refusal_names_a_url_that_leads_nowhere_and_says_why() -> None:
    for refusal in (failure(603, "The stage is gone.", "02000"), WireError(390400, "The stage is gone.").payload()):
        assert refusal["data"]["stageInfo"]["presignedUrl"] == "refused: The stage is gone."


@pytest.mark.parametrize(
    ("sql", "verb"),
    [
        ("put file:///a @b", "PUT"),
        (" /* a */ -- b\n// c\nGET @a file://b", "GET"),
        ("/* put */ select 1", None),
        ("putting", None),
        ("", None),
        ("/* never closed put", None),
    ],
)
def test_transfers_are_told_by_their_first_word(sql: str, verb: str | None) -> None:
    assert transfer_verb(sql) == verb

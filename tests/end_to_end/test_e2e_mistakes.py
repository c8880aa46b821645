"""What somebody who gets it wrong is told: what, why, what helps; and the exit code (docs/cli-conventions.md)."""

from __future__ import annotations

import json
import socket
import threading
from contextlib import contextmanager

import pytest
from e2e_parties import Party, Person

from cleanroom_ml.engine.home.paths import Home
from cleanroom_ml.local import engine as local_engine

pytestmark = pytest.mark.sandbox


def _reported(ran):
    """The lines that tell the error, by their first word."""
    return {
        word: rest
        for word, _, rest in (line.partition(": ") for line in ran.err.splitlines())
        if word in ("error", "why", "fix")
    }


def test_not_in_a_project(approved, tmp_path):
    told = _reported(Party(tmp_path, approved.person).types("run", "train", code=2))
    assert "there is no cleanroom.yaml" in told["why"]
    assert set(told) == {"error", "why", "fix"}
    assert "cd into a project" in told["fix"]


def test_no_connection_bound(approved, tmp_path):
    told = _reported(Party(tmp_path, approved.person).quickly("requests", "--collaboration", "lookalike", code=2))
    assert "no connection is bound" in told["error"]
    assert set(told) == {"error", "why", "fix"}


@pytest.mark.parametrize("wrong", ["trian", "scor", "Tarin"])
def test_an_unknown_run_gets_a_did_you_mean(approved, wrong):
    told = _reported(approved.advertiser.quickly("run", wrong, code=2))
    assert f"no template {wrong!r}" in told["error"]
    assert told["why"] == ("did you mean 'score'?" if wrong == "scor" else "did you mean 'train'?")
    assert "fix" in told


def test_a_wrong_table_name(approved):
    told = _reported(approved.advertiser.quickly("run", "--table", "publisher.features_v1.transactionz", code=5))
    assert "DatasetNotFoundInDataOfferingException: 'publisher.features_v1.transactionz'" in told["error"]
    assert told["fix"] == "correct --table, or runs.train.tables in cleanroom.yaml: cleanroom-ml offering list"


def test_a_missing_template_parameter(approved):
    """The project's pool would fill `compute_pool`: without it the template lacks a required one."""
    project = approved.advertiser.directory / "cleanroom.yaml"
    before = project.read_text()
    project.write_text("".join(line for line in before.splitlines(True) if not line.startswith("pool:")))
    try:
        ran = approved.advertiser.quickly("run", "train", code=5)
    finally:
        project.write_text(before)
    assert "the template requires the argument 'compute_pool'" in _reported(ran)["error"]
    assert "server: error 100357, query " in ran.err


def test_approving_when_nothing_waits(approved):
    told = _reported(approved.advertiser.quickly("approve", code=2))
    assert told["error"] == "nothing in lookalike waits for your decision"
    assert told["fix"] == "cleanroom-ml requests"


def test_an_unknown_job(approved):
    told = _reported(approved.advertiser.quickly("status", "MLJOB_0000000000000000", code=5))
    assert "MLJobNotFoundException" in told["error"]
    assert told["fix"] == "cleanroom-ml jobs"


def test_with_json_an_error_is_an_object_on_standard_output(approved):
    ran = approved.advertiser.quickly("run", "trian", "--format", "json", code=2)
    assert ran.json["error"]["type"] == "UsageError"
    assert ran.json["error"]["exit_code"] == 2


@contextmanager
def _somebody_else_at(port):
    """Somebody who took the engine's port, and keeps what they are sent."""
    heard: list[bytes] = []
    with socket.create_server(("127.0.0.1", port)) as listener:

        def answer():
            while True:
                try:
                    client, _ = listener.accept()
                except OSError:
                    return
                with client:
                    heard.append(client.recv(65536))
                    body = json.dumps({"signature": "AAAA"}).encode()
                    client.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body))

        threading.Thread(target=answer, daemon=True).start()
        yield heard
        # A listener that is only closed leaves the thread in accept().
        listener.shutdown(socket.SHUT_RDWR)


def test_somebody_else_at_the_engines_address_is_sent_no_credentials(fresh_home: Home, tmp_path):
    person = Person(fresh_home.path.parent)
    anywhere = Party(tmp_path, person)
    # Whoever waits for the engine is told so; whoever finds it running is not.
    assert "starting the engine" in anywhere.types("account", "create", "publisher").err
    assert "starting the engine" not in anywhere.types("account", "create", "publisher").err
    anywhere.quickly("connection", "use", "publisher")
    port = local_engine.status(fresh_home).port
    assert port is not None
    anywhere.quickly("engine", "stop")
    with _somebody_else_at(port) as heard:
        told = _reported(anywhere.types("collaboration", "list", code=3))
    assert "port" in told["error"] or "not the engine" in told["error"]
    assert "fix" in told
    assert heard
    assert all(each.startswith(b"GET /cleanroom/identity?nonce=") for each in heard)
    # With the port free again, the same command starts the engine by itself.
    found = anywhere.types("collaboration", "list").err
    assert "nothing to show" in found
    assert "starting the engine" in found

"""Starting, finding and stopping real engines; and that nobody else is mistaken for one."""

from __future__ import annotations

import http.server
import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import ClassVar

import pytest

from cleanroom_ml.connection import session
from cleanroom_ml.connection.engine_identity import verify_engine
from cleanroom_ml.connection.setting import Setting
from cleanroom_ml.connection.target import Target
from cleanroom_ml.engine.home.paths import Home
from cleanroom_ml.errors import CommunicationError, ConnectError, UsageError
from cleanroom_ml.local import accounts, doctor, processes
from cleanroom_ml.local import engine as local_engine
from cleanroom_ml.local.home import ensure_home

pytestmark = pytest.mark.sandbox

START = "import sys; from pathlib import Path; from cleanroom_ml.local.home import ensure_home; \
from cleanroom_ml.local.engine import ensure_running; print(ensure_running(ensure_home(Path(sys.argv[1]))).pid)"


def test_processes_that_start_it_at_once_start_one(fresh_home: Home) -> None:
    starters = [
        subprocess.Popen([sys.executable, "-c", START, str(fresh_home.path)], stdout=subprocess.PIPE, text=True)
        for _ in range(4)
    ]
    pids = {starter.communicate(timeout=90)[0].strip() for starter in starters}
    assert len(pids) == 1
    assert all(starter.returncode == 0 for starter in starters)
    assert local_engine.status(fresh_home).pid == int(pids.pop())


def test_it_keeps_its_port_and_identity_over_a_restart(fresh_home: Home) -> None:
    first = local_engine.ensure_running(fresh_home)
    before = fresh_home.description_values() or {}
    assert local_engine.ensure_running(fresh_home).pid == first.pid
    assert local_engine.stop(fresh_home) is True
    assert local_engine.stop(fresh_home) is False
    assert local_engine.status(fresh_home).running is False
    second = local_engine.ensure_running(fresh_home)
    after = fresh_home.description_values() or {}
    assert second.pid != first.pid
    assert [before[key] for key in ("port", "public_key", "home_id")] == [
        after[key] for key in ("port", "public_key", "home_id")
    ]


def test_who_waits_for_an_engine_that_was_stopped_is_told(fresh_home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    local_engine.ensure_running(fresh_home)
    accounts.create("waits", home=fresh_home)
    section = accounts.connections(fresh_home)["waits"]
    settings = tuple(Setting(key, value, "the home") for key, value in section.items())
    monkeypatch.setattr(session, "RETRY_SECONDS", 1.0)
    connection = session.connect(Target("waits", "engine", settings, "the test", fresh_home.path))
    assert connection.execute("SELECT 1 AS a") == [{"a": 1}]
    local_engine.stop(fresh_home)
    with pytest.raises(CommunicationError, match="connection broke") as caught:
        connection.execute("SELECT 1 AS a")
    assert "was stopped" in (caught.value.why or "")
    connection.close()


def test_a_terminated_engine_ends_cleanly_and_a_killed_one_is_replaced(fresh_home: Home) -> None:
    first = local_engine.ensure_running(fresh_home)
    assert first.pid is not None
    os.kill(first.pid, signal.SIGTERM)
    deadline = time.monotonic() + 15
    while local_engine.status(fresh_home).running and time.monotonic() < deadline:
        time.sleep(0.05)
    second = local_engine.ensure_running(fresh_home)
    assert "stopped" in fresh_home.log.read_text()
    assert second.pid is not None
    os.kill(second.pid, signal.SIGKILL)
    assert local_engine.ensure_running(fresh_home).pid not in (first.pid, second.pid)


@pytest.mark.slow
def test_an_engine_whose_home_is_deleted_ends(fresh_home: Home) -> None:
    pid = local_engine.ensure_running(fresh_home).pid
    while fresh_home.path.exists():  # its engine may be writing a file just now
        shutil.rmtree(fresh_home.path, ignore_errors=True)
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        state = Path(f"/proc/{pid}/stat")
        if not state.exists() or state.read_text().rsplit(")", 1)[1].split()[0] == "Z":
            return
        time.sleep(0.1)
    raise AssertionError("it still runs")


def test_it_is_detached_and_does_not_inherit_credentials(fresh_home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "sehr geheim")
    monkeypatch.setenv("SNOWFLAKE_PASSWORD", "sehr geheim")
    pid = local_engine.ensure_running(fresh_home).pid
    assert pid is not None
    assert b"sehr geheim" not in Path(f"/proc/{pid}/environ").read_bytes()
    assert os.getsid(pid) == pid
    assert Path(f"/proc/{pid}/fd/0").readlink() == Path("/dev/null")


def test_everything_in_the_home_is_private(fresh_home: Home) -> None:
    local_engine.ensure_running(fresh_home)
    accounts.create("alpha", home=fresh_home)
    secrets = (
        fresh_home.identity_key,
        fresh_home.operator_secret,
        fresh_home.capability_key,
        fresh_home.connections,
        fresh_home.catalog,
        fresh_home.log,
        fresh_home.description,
    )
    assert fresh_home.path.stat().st_mode & 0o077 == 0
    assert [path.name for path in secrets if path.stat().st_mode & 0o077] == []


@pytest.mark.attack
def test_a_home_that_others_may_enter_is_refused(tmp_path: Path) -> None:
    home = tmp_path / "open"
    home.mkdir(mode=0o755)
    with pytest.raises(UsageError, match="other users may enter"):
        ensure_home(home)
    home.chmod(0o700)
    assert ensure_home(home).path == home
    (tmp_path / "link").symlink_to(home)
    with pytest.raises(UsageError, match="not a directory"):
        ensure_home(tmp_path / "link")
    if os.geteuid() == 0:
        os.chown(home, 12345, 12345)
        with pytest.raises(UsageError, match="belongs to another user"):
            ensure_home(home)


class Impostor(http.server.BaseHTTPRequestHandler):
    """Answers every question it is asked, and notes what it was told."""

    protocol_version = "HTTP/1.1"
    heard: ClassVar[list[str]]
    answer: ClassVar[dict[str, object]]

    def _reply(self) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        type(self).heard.append(f"{self.command} {self.path} {dict(self.headers)} {self.rfile.read(length)!r}")
        body = json.dumps(self.answer).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_GET = do_POST = do_PUT = _reply

    def log_message(self, format: str, *args: object) -> None:
        """Quiet."""


@pytest.fixture
def stolen_port(fresh_home: Home) -> Iterator[type[Impostor]]:
    """The engine ran, has an account, and stopped; now somebody else listens on its port."""
    port = local_engine.ensure_running(fresh_home).port
    assert port is not None
    accounts.create("alpha", home=fresh_home)
    local_engine.stop(fresh_home)

    class Fresh(Impostor):
        heard: ClassVar[list[str]] = []
        answer: ClassVar[dict[str, object]] = {"signature": "AAAA", "success": True, "home_id": "x"}

    server = http.server.ThreadingHTTPServer(("127.0.0.1", port), Fresh)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield Fresh
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.mark.attack
def test_an_impostor_on_the_port_gets_no_credentials(
    stolen_port: type[Impostor], fresh_home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    from cleanroom_ml.connection.session import connect
    from cleanroom_ml.connection.target import resolve

    monkeypatch.setenv("CLEANROOM_ML_HOME", str(fresh_home.path))
    with pytest.raises(ConnectError, match="is not the engine"):
        connect(resolve("alpha"))
    assert local_engine.status(fresh_home).running is False
    with pytest.raises(ConnectError):
        accounts.create("beta", home=fresh_home)
    assert stolen_port.heard
    assert all(heard.startswith("GET /cleanroom/identity?nonce=") for heard in stolen_port.heard)
    secret = fresh_home.operator_secret.read_text().strip()
    assert not [heard for heard in stolen_port.heard if secret in heard or "Authorization" in heard]


@pytest.mark.attack
def test_without_the_question_the_impostor_would_have_got_a_login(
    stolen_port: type[Impostor], fresh_home: Home
) -> None:
    import snowflake.connector

    section = accounts.connections(fresh_home)["alpha"]
    with pytest.raises(Exception):  # noqa: B017 - whatever becomes of it
        snowflake.connector.connect(**section, login_timeout=2)
    assert any("/session/v1/login-request" in heard for heard in stolen_port.heard)


@pytest.mark.attack
def test_an_impostor_cannot_pass_the_question_on(fresh_home: Home) -> None:
    """It asks the real engine, with its own address or with the engine's: neither answer is what the client wants."""
    import http.client

    port = local_engine.ensure_running(fresh_home).port
    assert port is not None
    verify_engine(fresh_home.path, host="127.0.0.1", port=port)

    class Relay(Impostor):
        heard: ClassVar[list[str]] = []
        claims_to_be: str

        def do_GET(self) -> None:
            upstream = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
            upstream.request("GET", self.path, headers={"Host": self.claims_to_be})
            type(self).answer = json.loads(upstream.getresponse().read())
            upstream.close()
            self._reply()

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Relay)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        for claim in (f"127.0.0.1:{port}", f"127.0.0.1:{server.server_port}"):
            Relay.claims_to_be = claim
            with pytest.raises(ConnectError, match="is not the engine"):
                verify_engine(fresh_home.path, host="127.0.0.1", port=server.server_port)
        assert len(Relay.heard) == 2
    finally:
        server.shutdown()
        server.server_close()


@pytest.mark.slow
def test_a_port_that_another_program_has_is_reported(fresh_home: Home) -> None:
    import socket

    local_engine.ensure_running(fresh_home)
    local_engine.stop(fresh_home)
    port = (fresh_home.description_values() or {})["port"]
    with socket.socket() as other:
        other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        other.bind(("127.0.0.1", port))
        other.listen()
        with pytest.raises(ConnectError, match=f"port {port} cannot be had") as refused:
            local_engine.ensure_running(fresh_home)
        assert refused.value.fix is not None
        found = {check.name: check for check in doctor.checks(fresh_home.path)}
        assert not found["engine"].ok


def test_the_engine_listens_on_loopback_only(fresh_home: Home) -> None:
    with pytest.raises(ConnectError, match=r"does not listen on 0\.0\.0\.0"):
        local_engine.ensure_running(fresh_home, arguments=("--host", "0.0.0.0"))


def test_the_doctor_finds_a_machine_well(fresh_home: Home) -> None:
    local_engine.ensure_running(fresh_home)
    found = {check.name: check for check in doctor.checks(fresh_home.path)}
    assert found.keys() >= {"python", "home", "sandbox", "memory limits", "disk", "machine", "gpu", "engine"}
    assert found["engine"].ok
    assert found["sandbox"].ok
    fresh_home.path.chmod(0o755)
    broken = {check.name: check for check in doctor.checks(fresh_home.path)}
    fresh_home.path.chmod(0o700)
    assert broken["home"].fix == f"chmod 700 {fresh_home.path}"


@pytest.mark.parametrize(
    "lost",
    [
        "operator.secret",
        *(
            pytest.param(each, marks=pytest.mark.slow)
            for each in ("the home", "a new home", "engine.json", "engine.lock")
        ),
    ],
)
def test_an_engine_whose_home_cannot_speak_for_it_is_stopped_and_said_to_be(fresh_home: Home, lost: str) -> None:
    pid = local_engine.ensure_running(fresh_home).pid or 0
    if lost.endswith("home"):
        # Moved away: while it is being removed the engine may write something into it.
        fresh_home.path.rename(fresh_home.path.with_name("removed"))
        found = local_engine.status(fresh_home)
        assert found.running is False
        # It may have noticed it itself by now, and ended.
        assert (found.pid, "its home has been deleted" in found.detail) in ((pid, True), (None, False))
        if lost == "a new home":
            ensure_home(fresh_home.path)
    else:
        (fresh_home.path / lost).unlink()
    assert local_engine.stop(fresh_home) is True or lost.endswith("home")
    assert processes.engine_process(fresh_home.path) is None
    assert local_engine.stop(fresh_home) is False


def test_asking_about_an_engine_makes_no_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CLEANROOM_ML_HOME", str(tmp_path / "nothing" / "home"))
    assert local_engine.status().running is False
    assert local_engine.stop() is False
    assert not (tmp_path / "nothing").exists()


@pytest.mark.parametrize(
    ("words", "extras"),
    [
        ("engine start", "engine"),
        pytest.param("demo", "engine,samples", marks=pytest.mark.slow),
        pytest.param("account create x", "engine", marks=pytest.mark.slow),
    ],
)
def test_without_the_engine_installed_every_way_to_it_says_how_to_get_it(
    tmp_path: Path, words: str, extras: str
) -> None:
    """The modules of the extras cannot be found, as where the light base is installed alone."""
    (tmp_path / "sitecustomize.py").write_text(
        "import sys\n"
        "from cleanroom_ml.local.extras import EXTRAS\n"
        "class Absent:\n"
        "    def find_spec(self, name, path=None, target=None):\n"
        "        if any(name == each or name.startswith(each + '.') for all in EXTRAS.values() for each in all):\n"
        "            raise ModuleNotFoundError(f'No module named {name!r}', name=name)\n"
        "sys.meta_path.insert(0, Absent())\n"
    )
    environment = {
        **os.environ,
        "PYTHONPATH": str(tmp_path),
        **{f"CLEANROOM_ML_{name}": str(tmp_path / name) for name in ("HOME", "CONFIG", "STATE")},
    }
    command = str(Path(sys.executable).with_name("cleanroom-ml"))
    ran = subprocess.run(
        [command, *words.split()], env=environment, cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert ran.returncode == 1, ran.stderr
    assert ran.stderr.splitlines()[0].endswith("is not installed"), ran.stderr
    assert f"fix: pip install 'cleanroom-ml[{extras}]'" in ran.stderr


def test_an_engine_that_was_stopped_while_it_started_says_so(tmp_path: Path) -> None:
    """It has no words of its own for that: a signal ended it before it could have any."""
    (tmp_path / "log").touch()
    assert "stopped the engine while it was starting" in str(local_engine._complaint(tmp_path / "log", -15))
    assert "exit status -9" in str(local_engine._complaint(tmp_path / "log", -9))

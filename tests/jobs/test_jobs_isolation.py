"""What a job cannot reach. Each script is an attack; it reports what it got as its return value."""

from __future__ import annotations

import json
import socket
import threading
from pathlib import Path

import pytest
from jobs_plans import a_plan

import cleanroom_ml
from cleanroom_ml.engine.contracts.job import JobFile, JobState
from cleanroom_ml.engine.jobs import sandbox_spec
from cleanroom_ml.engine.jobs.images.catalog import Images
from cleanroom_ml.engine.sandbox.policy import Mount, SandboxSpec
from cleanroom_ml.engine.sandbox.process import run

pytestmark = [pytest.mark.sandbox, pytest.mark.attack]


@pytest.fixture
def returned(pools):
    def returned(script, **changes):
        status = pools.run(script, **changes)
        assert status.status is JobState.DONE, (status, pools.service.logs(status.job_id))
        return json.loads(pools.service.result(status.job_id))

    return returned


def test_no_network_and_no_way_to_services_of_the_host(returned):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        threading.Thread(target=lambda: listener.accept(), daemon=True).start()
        port = listener.getsockname()[1]
        addresses = {
            "host": ("127.0.0.1", port),
            "cloud metadata": ("169.254.169.254", 80),
            "internet": ("1.1.1.1", 443),
        }
        got = returned(f"""
import socket
__return__ = {{}}
for name, address in {addresses!r}.items():
    try:
        socket.create_connection(address, timeout=2)
        __return__[name] = "reached"
    except OSError:
        __return__[name] = "no"
try:
    socket.getaddrinfo("example.com", 80)
    __return__["dns"] = "reached"
except OSError:
    __return__["dns"] = "no"
""")
        assert got == dict.fromkeys(["host", "cloud metadata", "internet", "dns"], "no")
        socket.create_connection(("127.0.0.1", port)).close()  # it was there to be reached


def test_no_files_of_the_host_of_the_engine_or_of_other_jobs(pools, returned, home):
    other = pools.submit("import time; open('/scratch/secret', 'w').write('x'); print('begun'); time.sleep(60)")
    pools.wait_log(other, "begun")
    paths = [
        str(home),
        str(home / "catalog.sqlite"),
        str(home / "objects"),
        str(pools.directory(other) / "scratch/secret"),
        str(pools.directory(other) / "job.sock"),
        "/etc/shadow",
        "/root/.ssh",
        str(Path(cleanroom_ml.__file__).parent),
        "/proc/1/root/etc/shadow",
        "/scratch/secret",
        "/var/run/docker.sock",
    ]
    got = returned(f"import os\n__return__ = [path for path in {paths!r} if os.path.lexists(path)]")
    assert got == []
    assert (pools.directory(other) / "scratch/secret").exists()


def test_only_its_own_processes_are_there(returned):
    got = returned("""
import os
names = []
for pid in filter(str.isdigit, os.listdir('/proc')):
    try: names.append(open(f'/proc/{pid}/comm').read().strip())
    except OSError: pass
__return__ = {"count": len(names), "uid": os.getuid(), "pytest": any("pytest" in name for name in names)}
""")
    assert got["count"] <= 5
    assert got["uid"] != 0
    assert not got["pytest"]


def test_it_can_write_nothing_but_its_scratch(returned):
    got = returned("""
import os, sys, sysconfig
refused = []
for path in ['/job/train.py', '/run/cleanroom/job.json',
             '/run/cleanroom/lib/cleanroom_runtime/launcher.py', '/usr/x', '/etc/x', '/x',
             os.path.join(sysconfig.get_paths()['purelib'], 'x.py'), sys.executable]:
    try: open(path, 'a').close()
    except OSError: refused.append(path)
    else: refused.append(None)
for path in ['/job/new.py', '/scratch/x', '/tmp/x', '/dev/shm/x']: open(path, 'a').close()
__return__ = None in refused
""")
    assert got is False


def test_the_token_is_in_no_argument_and_no_environment(pools, returned):
    got = returned("""
import json, os
token = json.load(open('/run/cleanroom/job.json'))['token']
found = []
for pid in filter(str.isdigit, os.listdir('/proc')):
    for name in ('cmdline', 'environ'):
        try:
            if token.encode() in open(f'/proc/{pid}/{name}', 'rb').read(): found.append(name)
        except OSError: pass
__return__ = found
""")
    assert got == []


def test_host_paths_and_secrets_of_the_engines_environment_do_not_get_in(pools, returned, monkeypatch):
    monkeypatch.setenv("SNOWFLAKE_PASSWORD", "hunter2")
    got = returned("import os\n__return__ = dict(os.environ)")
    assert "hunter2" not in json.dumps(got)
    assert "HOSTNAME" not in got


@pytest.fixture
def spec(home):
    code = (JobFile("train.py", 1, ""),)
    plan = a_plan("J", "train.py", code)
    return sandbox_spec.job_spec(plan, home / "jobs" / "J", "the-token", image=Images(home / "images").resolve("local"))


def test_the_sandbox_mounts_the_interpreter_the_runtime_the_code_and_one_socket(spec, home):
    directory = home / "jobs" / "J"
    own = [mount for mount in spec.mounts if mount.source.is_relative_to(home)]
    assert own == [
        Mount(directory / "scratch" / ".job", "/job", writable=True),
        Mount(directory / "code" / "train.py", "/job/train.py"),
        Mount(directory / "job.sock", sandbox_spec.SOCKET, writable=True),
    ]
    assert [mount.target for mount in spec.mounts if mount.writable] == ["/job", sandbox_spec.SOCKET]
    assert not any(home.is_relative_to(mount.source) for mount in spec.mounts)
    assert "the-token" not in " ".join([*spec.argv, *spec.env.values()])


def test_one_mount_more_would_show_the_stores_files(home):
    """The control taken away: with the engine's home among the mounts, the attack that fails above succeeds."""
    (home / "objects").mkdir()
    (home / "objects" / "secret").write_text("the other party's")
    home.chmod(0o755)
    read = ("/usr/bin/cat", "/mnt/home/objects/secret")
    assert run(SandboxSpec(argv=read)).outcome.exit_code != 0
    assert run(SandboxSpec(argv=read, mounts=(Mount(home, "/mnt/home"),))).output == b"the other party's"

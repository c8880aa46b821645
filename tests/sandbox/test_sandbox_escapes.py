"""Attempts to get out. Each fails; where `without` is used, the same attempt succeeds once its control is gone."""

from __future__ import annotations

import os
import socket
import sys
import threading
from pathlib import Path

import pytest

import cleanroom_ml
from cleanroom_ml.engine.sandbox.policy import Mount

pytestmark = [pytest.mark.sandbox, pytest.mark.attack]

SYSCALL = """
import ctypes, os, sys
libc = ctypes.CDLL(None, use_errno=True)
def call(*arguments):
    result = libc.syscall(*[ctypes.c_long(a) for a in arguments])
    print("worked" if result != -1 else os.strerror(ctypes.get_errno()))
"""


def test_no_network(inside) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        attack = f"import socket; socket.create_connection(('127.0.0.1', {server.getsockname()[1]}), 2); print('out')"
        failed = inside(attack)
        assert not failed.outcome.ok
        assert b"ConnectionRefusedError" in failed.output
        assert inside(attack, without=("network",)).output == b"out\n"


def test_abstract_unix_sockets_of_the_host_are_out_of_reach(inside) -> None:
    name = f"\0cleanroom-test-{os.getpid()}"
    attack = f"import socket; s = socket.socket(socket.AF_UNIX); s.connect({name!r}); print('out')"
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(name)
        server.listen()
        assert not inside(attack).outcome.ok
        assert inside(attack, without=("network",)).output == b"out\n"


def test_host_files_are_invisible(inside, tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("of the host")
    for directory in (*tmp_path.parents[:-2], tmp_path):
        if directory.stat().st_uid == os.geteuid():
            directory.chmod(0o755)
    attack = f"print(open('/../{secret}').read())"
    for path in ("/etc/shadow", "/proc/1/root/etc/shadow", "/proc/1/cwd/", str(secret), f"/proc/self/root{secret}"):
        assert not inside(f"import os; os.stat({path!r}); open({path!r}).read()").outcome.ok
    assert b"FileNotFoundError" in inside(attack).output
    visible = inside("import os; print(sorted(os.listdir('/')))").output.decode()
    system = {"bin", "dev", "etc", "lib", "lib32", "lib64", "proc", "run", "sbin", "scratch", "tmp", "usr", "var"}
    # The interpreter and this package are handed in where they lie, which may be below any directory of the root.
    installed = {Path(place).resolve().parts[1] for place in (sys.prefix, sys.base_prefix, cleanroom_ml.__file__)}
    assert set(eval(visible)) <= system | installed
    if "var" not in installed:
        assert inside("import os; print(os.listdir('/var'), os.readlink('/var/tmp'))").output == b"['tmp'] /tmp\n"


def test_host_files_are_visible_without_the_control(inside) -> None:
    attack = "print(open('/etc/os-release').read())"
    assert not inside(attack).outcome.ok
    assert inside(attack, without=("host_files",)).outcome.ok


def test_other_processes_are_invisible(inside) -> None:
    attack = f"""
    import os
    print(os.path.exists("/proc/{os.getpid()}/environ"), len([p for p in os.listdir("/proc") if p.isdigit()]))
    """
    seen, count = inside(attack).output.decode().split()
    assert (seen, int(count) <= 3) == ("False", True)


def test_signals_to_everybody_reach_nobody_outside(inside) -> None:
    done = inside("import os; os.kill(-1, 9)", without=())
    assert done.outcome.reason == "exited"  # and this test still runs


def test_ptrace_is_denied(inside) -> None:
    attack = SYSCALL + "call(101 if os.uname().machine == 'x86_64' else 117, 0, 0, 0, 0)"  # PTRACE_TRACEME
    assert inside(attack).output == b"Operation not permitted\n"
    assert inside(attack, without=("seccomp",)).output == b"worked\n"


def test_user_namespaces_are_denied(inside) -> None:
    attack = SYSCALL + "call(272 if os.uname().machine == 'x86_64' else 97, 0x10000000)"
    assert inside(attack).output == b"Operation not permitted\n"
    if os.geteuid() != 0:  # two locks: the filter, and --disable-userns
        assert inside(attack, without=("seccomp",)).output != b"worked\n"
    assert inside(attack, without=("seccomp", "userns")).output == b"worked\n"


def test_keyrings_are_denied(inside) -> None:
    attack = (
        SYSCALL + "call(250 if os.uname().machine == 'x86_64' else 219, 0, -3, 1)"
    )  # KEYCTL_GET_KEYRING_ID, session
    assert inside(attack).output == b"Operation not permitted\n"
    assert inside(attack, without=("seccomp",)).output == b"worked\n"


@pytest.mark.parametrize("family", [40, 38, 17])  # VSOCK, ALG, PACKET
def test_other_socket_families_are_denied(inside, family: int) -> None:
    done = inside(f"import socket; socket.socket({family}, socket.SOCK_STREAM)")
    assert b"Errno 97" in done.output


def test_mounting_is_denied(inside) -> None:
    attack = """
    import ctypes
    libc = ctypes.CDLL(None, use_errno=True)
    print(libc.mount(b"x", b"/tmp", b"tmpfs", 0, 0), ctypes.get_errno())
    """
    assert inside(attack).output == b"-1 1\n"


def test_no_way_back_to_root(inside) -> None:
    for attack in ("os.setuid(0)", "os.setresuid(0, 0, 0)", "os.setgid(0)", "os.setgroups([0])"):
        refused = inside(f"import os; {attack}").output  # EINVAL: in a user namespace the uid does not even exist
        assert b"PermissionError" in refused or b"Invalid argument" in refused
    # A setuid program of the system stays what it is: nothing.
    ids = inside("import os, subprocess; subprocess.run(['/usr/bin/su', '-c', 'id']); print(os.getuid(), os.geteuid())")
    assert b"0 0" not in ids.output.splitlines()[-1]


def test_the_host_uid_is_not_root(inside, tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    inside("open('/scratch/mine', 'w').close()", scratch=scratch)
    owner = (scratch / "mine").stat().st_uid
    assert owner != 0
    assert owner in range(61000, 65001) if os.geteuid() == 0 else owner == os.geteuid()


def test_nothing_is_writable_but_scratch(inside) -> None:
    attack = """
    import os
    allowed = ("/tmp", "/scratch", "/dev/shm", "/proc", "/dev/pts")
    found = []
    for top, directories, files in os.walk("/"):
        directories[:] = [d for d in directories if os.path.join(top, d) not in allowed]
        try:
            os.close(os.open(top + "/written", os.O_CREAT | os.O_WRONLY)); found.append(top)
        except OSError:
            pass
    print(found)
    """
    assert inside(attack).output == b"[]\n"


@pytest.mark.ordinary_user
def test_root_directory_is_writable_for_a_user_without_the_control(inside) -> None:
    """As root the file system's root belongs to root, whom the sandbox is not."""
    assert inside("open('/written', 'w')", without=("read_only_root",)).outcome.ok


def test_mounts_are_read_only_unless_said(inside, tmp_path: Path) -> None:
    tmp_path.chmod(0o777)
    (tmp_path / "code.py").write_text("x")
    (tmp_path / "code.py").chmod(0o666)
    attack = "open('/job/code.py', 'w').write('changed')"
    assert b"Read-only" in inside(attack, mounts=(Mount(tmp_path, "/job"),)).output
    assert (tmp_path / "code.py").read_text() == "x"
    assert inside(attack, mounts=(Mount(tmp_path, "/job", writable=True),)).outcome.ok
    assert (tmp_path / "code.py").read_text() == "changed"


def test_kernel_settings_cannot_be_written(inside) -> None:
    for path in (
        "/proc/sys/kernel/core_pattern",
        "/proc/sysrq-trigger",
        "/proc/sys/vm/drop_caches",
    ):
        assert not inside(f"open({path!r}, 'w').write('0')").outcome.ok


def test_environment_and_descriptors_of_the_engine_do_not_leak(
    inside, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("ENGINE_SECRET", "do-not-leak")
    with open(tmp_path / "open", "w") as file:
        os.set_inheritable(file.fileno(), True)
        done = inside(
            "import os\nprint(dict(os.environ))\n"
            "print(open('/proc/1/environ').read() if os.access('/proc/1/environ', 4) else '')\n"
            "print(sorted(os.listdir('/proc/self/fd')))"
        )
    assert b"do-not-leak" not in done.output
    assert done.output.splitlines()[-1] == b"['0', '1', '2', '3']"  # 3 is the listing itself


def test_secrets_come_as_files_and_are_nowhere_else(inside) -> None:
    stop = threading.Event()
    seen: list[bytes] = []

    def look() -> None:
        while not stop.is_set():
            for entry in Path("/proc").iterdir():
                if entry.name.isdigit():
                    try:
                        seen.append((entry / "cmdline").read_bytes())
                    except OSError:
                        continue

    watcher = threading.Thread(target=look)
    watcher.start()
    try:
        done = inside(
            "import time; print(open('/run/secrets/token').read()); time.sleep(0.3)",
            files={"/run/secrets/token": b"tok-4711"},
        )
    finally:
        stop.set()
        watcher.join()
    assert done.output == b"tok-4711\n"
    assert not any(b"tok-4711" in line for line in seen)


def test_system_v_memory_is_denied_to_what_must_keep_no_state(inside) -> None:
    attack = "import ctypes; print(ctypes.CDLL(None).shmget(4711, 4096, 0o1666) != -1)"
    done = inside(attack)
    # Where nothing could count it, nobody can have it.
    assert done.output == (b"False\n" if done.outcome.memory_enforced_by == "watchdog" else b"True\n")
    assert inside(attack, stateless=True).output == b"False\n"

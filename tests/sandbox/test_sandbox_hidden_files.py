"""Files without a name count: kept by a descriptor, by a mapping, in a socket's queue; on the disk, or in memory.

Each attack prints "got away" when it could keep what it took. The control is the watch over the limits: without it, all
of them do.
"""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from cleanroom_ml.engine.sandbox import process
from cleanroom_ml.engine.sandbox.cgroups import Watchdog
from cleanroom_ml.engine.sandbox.policy import Limits

MIB = 1 << 20
pytestmark = [pytest.mark.sandbox, pytest.mark.attack]

BEGIN = """
import mmap, os, socket, time
def unlinked(place, size):
    file = os.open(place, os.O_RDWR | os.O_CREAT)
    os.unlink(place)
    left = size
    while left > 0:
        left -= os.write(file, b"x" * min(left, 1 << 20))
    return file
kept = []
"""
END = """
time.sleep(2)
print("got away")
"""
ON_DISK = {
    "a descriptor": "kept.append(unlinked('/scratch/a', 48 << 20))",
    "a mapping, written through it": """
for number in range(4):
    file = os.open("/scratch/a", os.O_RDWR | os.O_CREAT)
    os.unlink("/scratch/a")
    os.ftruncate(file, 12 << 20)
    mapping = mmap.mmap(file, 12 << 20)
    os.close(file)
    for start in range(0, 12 << 20, 4096):
        mapping[start] = 1
    kept.append(mapping)
""",
    "a mapping of a part": """
import ctypes
for number in range(4):
    file = unlinked("/scratch/a", 12 << 20)
    libc = ctypes.CDLL(None)
    libc.mmap.restype = ctypes.c_void_p
    kept.append(libc.mmap(None, ctypes.c_size_t(4096), 1, 1, file, ctypes.c_long(0)))
    os.close(file)
    time.sleep(0.1)
""",
    "a sparse file that fills": """
file = os.open("/scratch/a", os.O_RDWR | os.O_CREAT)
os.ftruncate(file, 1 << 24)
mapping = mmap.mmap(file, 1 << 24)
for start in range(0, 1 << 24, 4096):
    mapping[start] = 1
os.link("/scratch/a", "/scratch/another name")
for number in range(2):
    kept.append(unlinked(f"/scratch/b{number}", 12 << 20))
""",
    "a thread's own descriptors": """
import ctypes
CLONE_FILES, CLOSE_RANGE_UNSHARE = 0x400, 2
libc = ctypes.CDLL(None, use_errno=True)
assert libc.unshare(CLONE_FILES) == -1
assert libc.syscall(436, 1000, 1001, CLOSE_RANGE_UNSHARE) == -1
assert libc.prctl(4, 0, 0, 0, 0) == -1
kept.append(unlinked('/scratch/a', 48 << 20))
""",
}
IN_FLIGHT = """
one, other = socket.socketpair()
for number in range(12):
    file = unlinked("/scratch/a", 40 << 20)
    socket.send_fds(one, [b"x"], [file])
    os.close(file)
"""


def on_disk(inside, tmp_path: Path, attack: str, limit: int, seconds: float = 30.0, **options):
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    tmp_path.chmod(0o755)
    limits = Limits(scratch_bytes=limit, wall_seconds=seconds)
    return inside(BEGIN + attack + END, scratch=scratch, limits=limits, **options)


# An ordinary user cannot follow a mapping to its file: it counts as what is mapped, where the file was not seen before.
_ROOT = pytest.mark.root_only


@pytest.mark.parametrize(
    "by", [pytest.param(by, marks=[_ROOT] if by == "a mapping of a part" else []) for by in ON_DISK]
)
def test_deleted_files_count(inside, tmp_path: Path, by: str) -> None:
    done = on_disk(inside, tmp_path, ON_DISK[by], 20 * MIB)
    assert (done.outcome.reason, b"got away" in done.output) == ("disk_limit", False), done.output


@pytest.mark.slow
def test_files_in_a_sockets_queue_count_as_what_the_file_system_grew_by(inside, tmp_path: Path) -> None:
    # Others fill and empty the same file system meanwhile: after a long time the descriptors alone are enough.
    done = on_disk(inside, tmp_path, IN_FLIGHT + "time.sleep(12)\n", 60 * MIB)
    assert (done.outcome.reason, b"got away" in done.output) == ("disk_limit", False), done.output
    (tmp_path / "scratch").rename(tmp_path / "before")
    without = on_disk(inside, tmp_path, IN_FLIGHT, 60 * MIB, without=("limits",))
    assert b"got away" in without.output


@pytest.mark.slow
def test_without_the_watch_they_get_away(inside, tmp_path: Path) -> None:
    done = on_disk(inside, tmp_path, ON_DISK["a descriptor"], 20 * MIB, without=("limits",))
    assert b"got away" in done.output


IN_MEMORY = {
    "a file of memfd_create": """
kept.append(os.memfd_create('a'))
for _ in range(300):
    os.write(kept[0], b'x' * (1 << 20))
""",
    "one that is mapped and closed": """
file = os.memfd_create('a'); os.ftruncate(file, 300 << 20)
kept.append(mmap.mmap(file, 300 << 20)); os.close(file)
for start in range(0, 300 << 20, 4096):
    kept[0][start] = 1
""",
    "one in a socket's queue": """
one, other = socket.socketpair()
for number in range(100):
    file = os.memfd_create('a'); os.write(file, b'x' * (3 << 20)); socket.send_fds(one, [b'x'], [file]); os.close(file)
time.sleep(6)
""",
    "a deleted file of a tmpfs": "kept.append(unlinked('/dev/shm/a', 300 << 20))",
    "two tmpfs": "[open(f'/{place}/a', 'wb').write(b'x' * (80 << 20)) for place in ('tmp', 'dev/shm')]",
    "a segment of System V": """
import ctypes
libc = ctypes.CDLL(None, use_errno=True)
libc.shmat.restype = ctypes.c_void_p
segment = libc.shmget(0, ctypes.c_size_t(300 << 20), 0o1600)
if segment < 0:
    raise SystemExit(f"refused: {ctypes.get_errno()}")
place = libc.shmat(segment, None, 0)
ctypes.memset(place, 1, 300 << 20)
libc.shmdt(ctypes.c_void_p(place))
""",
}


@pytest.mark.parametrize(
    "by", [pytest.param(by, marks=[pytest.mark.slow] if "queue" in by else []) for by in IN_MEMORY]
)
def test_without_cgroups_memory_that_no_process_maps_counts(inside, by: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(process, "create_group", lambda name, limits: Watchdog(limits))
    limits = Limits(memory_bytes=120 * MIB, tmp_bytes=400 * MIB, wall_seconds=30)
    done = inside(BEGIN + IN_MEMORY[by] + END, limits=limits)
    assert done.outcome.memory_enforced_by == "watchdog"
    assert b"got away" not in done.output
    if by == "a segment of System V":
        assert b"refused: 28" in done.output
    else:
        assert done.outcome.reason == "out_of_memory", done.output


@pytest.mark.slow
@pytest.mark.parametrize("by", IN_MEMORY)
def test_without_the_watchdog_it_is_had(inside, by: str) -> None:
    limits = Limits(memory_bytes=120 * MIB, tmp_bytes=400 * MIB, wall_seconds=30)
    assert b"got away" in inside(BEGIN + IN_MEMORY[by] + END, limits=limits, without=("limits",)).output


def test_what_fits_is_left_alone(inside, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Descriptors pass through sockets, temporary files are unlinked, shared memory is mapped by several processes."""
    monkeypatch.setattr(process, "create_group", lambda name, limits: Watchdog(limits))
    honest = (
        BEGIN
        + """
one, other = socket.socketpair()
for number in range(15):
    file = unlinked("/scratch/a", 1 << 20)
    socket.send_fds(one, [b"x"], [file])
    os.close(file)
    time.sleep(0.05)
    [os.close(fd) for fd in socket.recv_fds(other, 1, 4)[1]]
memory = os.memfd_create("m"); os.ftruncate(memory, 60 << 20)
mapping = mmap.mmap(memory, 60 << 20); mapping[:] = b"x" * (60 << 20)
for _ in range(3):
    if os.fork() == 0:
        mapping[0]; time.sleep(0.5); os._exit(0)
time.sleep(0.5)
print("done")
"""
    )
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    tmp_path.chmod(0o755)
    began = time.monotonic()
    done = inside(honest, scratch=scratch, limits=Limits(memory_bytes=220 * MIB, scratch_bytes=20 * MIB))
    assert done.output.strip() == b"done", (done, time.monotonic() - began)

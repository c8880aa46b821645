"""Device nodes: none but the harmless ones, and of the others only GPUs that were named.

The nodes here are made for the test, with names of GPUs and the type of /dev/zero: harmless, and not in any sandbox.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from cleanroom_ml.engine.sandbox.policy import SandboxSpec

pytestmark = [pytest.mark.sandbox, pytest.mark.root_only]

MakeNode = Callable[..., Path]
ZERO, LOOP = (1, 5), (7, 0)
READ = "import os; fd = os.open({path!r}, os.O_RDWR); print(os.read(fd, 3))"


@pytest.fixture
def node() -> Iterator[MakeNode]:
    made: list[Path] = []

    def make(name: str, kind: int = stat.S_IFCHR, device: tuple[int, int] = ZERO) -> Path:
        path = Path("/dev", name)
        os.mknod(path, kind | 0o666, os.makedev(*device))
        made.append(path)
        path.chmod(0o666)
        return path

    yield make
    for path in made:
        path.unlink()


def test_a_device_that_is_named_can_be_opened(inside, node: MakeNode) -> None:
    path = node("nvidia4001")
    done = inside(READ.format(path=str(path)), devices=(path,))
    assert (done.outcome.exit_code, done.output) == (0, b"b'\\x00\\x00\\x00'\n"), done


@pytest.mark.attack
def test_without_being_named_no_device_can_be_opened_or_made(inside, node: MakeNode) -> None:
    mine, other = node("nvidia4002"), node("nvidia4003")
    attack = READ.format(path=str(other))
    for given in ((), (mine,)):
        failed = inside(attack, devices=given)
        assert not failed.outcome.ok
        assert b"FileNotFoundError" in failed.output
    made = inside("import os; os.mknod('/scratch/nvidia4003', 0o020666, os.makedev(1, 5)); print('made')")
    assert b"PermissionError" in made.output
    assert inside(attack, without=("devices",)).output == b"b'\\x00\\x00\\x00'\n"


@pytest.mark.attack
def test_a_device_does_not_open_the_rest_of_dev(inside, node: MakeNode) -> None:
    path = node("nvidia4004")
    seen = inside("import os; print(sorted(os.listdir('/dev')))", devices=(path,)).output.decode()
    usual = {"core", "fd", "full", "null", "ptmx", "pts", "random", "shm", "stderr", "stdin", "stdout", "tty"}
    assert set(eval(seen)) <= usual | {"urandom", "zero", "nvidia4004", "console"}
    written = inside("open('/dev/nvidia4005', 'w'); print('made')", devices=(path,))
    assert b"Read-only file system" in written.output


@pytest.mark.attack
def test_only_a_character_device_with_a_gpus_name_can_be_named(node: MakeNode, tmp_path: Path) -> None:
    block = node("nvidia4006", stat.S_IFBLK, LOOP)
    with pytest.raises(ValueError, match="not a character device"):
        SandboxSpec(argv=("/bin/true",), devices=(block,))
    link = Path("/dev/nvidia4007")
    link.symlink_to("/dev/mem")
    try:
        with pytest.raises(ValueError, match="not a character device"):
            SandboxSpec(argv=("/bin/true",), devices=(link,))
    finally:
        link.unlink()
    with pytest.raises(ValueError, match="is not there"):
        SandboxSpec(argv=("/bin/true",), devices=(Path("/dev/nvidia4008"),))
    for name in ("/dev/mem", "/dev/vda", "/dev/kvm", "/dev/fuse", "/dev/nvidia4001/../mem", "/dev/nvidia", "/dev/null"):
        with pytest.raises(ValueError, match="not a device that a sandbox may have"):
            SandboxSpec(argv=("/bin/true",), devices=(Path(name),))
    with pytest.raises(ValueError, match="not a device that a sandbox may have"):
        SandboxSpec(argv=("/bin/true",), devices=(tmp_path / "dev/nvidia0",))


def test_what_cuda_asks_of_a_device_passes_the_filter(inside, node: MakeNode) -> None:
    """NVIDIA's requests ('F', 32 and up, with sizes) reach the device, which here does not know them."""
    path = node("nvidia4009")
    done = inside(
        f"""
        import ctypes, os
        libc = ctypes.CDLL(None, use_errno=True)
        fd = os.open({str(path)!r}, os.O_RDWR)
        for request in (0xC00046C8, 0xC020462A, 0xC00446D6, 0x30000001):
            libc.ioctl(fd, ctypes.c_ulong(request), None)
            print(os.strerror(ctypes.get_errno()))
        """,
        devices=(path,),
    )
    assert done.output.decode().splitlines() == ["Inappropriate ioctl for device"] * 4

"""The filter, executed by a small BPF machine: for both architectures, whatever this machine is."""

from __future__ import annotations

import errno
import struct

import pytest

from cleanroom_ml.engine.sandbox.errors import IsolationUnavailable
from cleanroom_ml.engine.sandbox.seccomp import build_filter

ALLOW, KILL = 0x7FFF0000, 0x80000000
AUDIT = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}
CALLS = {  # from the kernel's own tables, apart from those in the program under test
    "x86_64": {"read": 0, "ptrace": 101, "unshare": 272, "clone": 56, "clone3": 435, "socket": 41, "ioctl": 16}
    | {"keyctl": 250, "personality": 135, "prlimit64": 302, "execve": 59, "shmget": 29, "mount": 165},
    "aarch64": {"read": 63, "ptrace": 117, "unshare": 97, "clone": 220, "clone3": 435, "socket": 198, "ioctl": 29}
    | {"keyctl": 219, "personality": 92, "prlimit64": 261, "execve": 221, "shmget": 194, "mount": 40},
}


def denied(code: int) -> int:
    return 0x00050000 | code


def execute(program: bytes, audit: int, number: int, *arguments: int) -> int:
    data = struct.pack("<IIQ6Q", number, audit, 0, *arguments, *[0] * (6 - len(arguments)))
    code = list(struct.iter_unpack("<HBBI", program))
    accumulator = position = 0
    while True:
        operation, if_true, if_false, value = code[position]
        position += 1
        if operation == 0x20:
            accumulator = struct.unpack_from("<I", data, value)[0]
        elif operation == 0x06:
            return value
        else:
            holds = {0x15: accumulator == value, 0x35: accumulator >= value, 0x45: bool(accumulator & value)}[operation]
            position += if_true if holds else if_false


@pytest.mark.parametrize("machine", ["x86_64", "aarch64"])
def test_verdicts(machine: str) -> None:
    program, audit, calls = build_filter(machine), AUDIT[machine], CALLS[machine]

    def verdict(name: str, *arguments: int) -> int:
        return execute(program, audit, calls[name], *arguments)

    for harmless in ("read", "execve", "shmget"):
        assert verdict(harmless) == ALLOW
    for forbidden in ("ptrace", "unshare", "keyctl", "mount"):
        assert verdict(forbidden) == denied(errno.EPERM)
    assert verdict("clone3") == denied(errno.ENOSYS)
    assert verdict("clone", 0x11) == ALLOW
    assert verdict("clone", 0x10000000 | 0x11) == denied(errno.EPERM)
    assert verdict("ioctl", 0, 0x5401) == ALLOW
    for terminal in (0x5412, 0x541C, 0x5423):
        assert verdict("ioctl", 0, terminal) == denied(errno.EPERM)
    for family in (1, 2, 10):
        assert verdict("socket", family) == ALLOW
    assert verdict("socket", 16, 3, 0) == ALLOW
    assert verdict("socket", 16, 3, 12) == denied(errno.EAFNOSUPPORT)
    for family in (40, 38, 17, 31, 0):
        assert verdict("socket", family) == denied(errno.EAFNOSUPPORT)
    assert verdict("personality", 0) == ALLOW
    assert verdict("personality", 0xFFFFFFFF) == ALLOW
    assert verdict("personality", 0x0040000) == denied(errno.EPERM)
    assert verdict("prlimit64", 0) == ALLOW
    assert verdict("prlimit64", 2) == denied(errno.EPERM)
    assert execute(program, audit, 9999) == denied(errno.ENOSYS)
    stateless = build_filter(machine, stateless=True)
    assert execute(stateless, audit, calls["shmget"]) == denied(errno.EPERM)


def test_other_calling_conventions_are_killed() -> None:
    program = build_filter("x86_64")
    assert execute(program, AUDIT["aarch64"], 0) == KILL
    assert execute(program, 0x40000003, 1) == KILL  # 32-bit x86
    assert execute(program, AUDIT["x86_64"], 0x40000000 | 101) == KILL  # x32


def test_an_architecture_without_a_table_is_refused() -> None:
    with pytest.raises(IsolationUnavailable):
        build_filter("riscv64")


@pytest.mark.parametrize("machine", ["x86_64", "aarch64"])
def test_descriptors_cannot_be_hidden(machine: str) -> None:
    """From who counts deleted files: neither in a thread's own table, nor in a process that only root may look at."""
    audit = AUDIT[machine]
    clone, prctl = (56, 157) if machine == "x86_64" else (220, 167)
    thread, files, memory, namespace = 0x10000, 0x400, 0x100, 0x10000000
    job, worker = build_filter(machine), build_filter(machine, stateless=True)
    for program in (job, worker):
        assert execute(program, audit, clone, thread | files | memory) == ALLOW
        assert execute(program, audit, clone, 17) == ALLOW
        assert execute(program, audit, clone, thread | memory) == denied(errno.EPERM)
        assert execute(program, audit, clone, thread | files | namespace) == denied(errno.EPERM)
        assert execute(program, audit, 436, 3, 100, 0) == ALLOW
        assert execute(program, audit, 436, 3, 100, 4) == ALLOW  # CLOSE_RANGE_CLOEXEC
        assert execute(program, audit, 436, 3, 100, 2) == denied(errno.EPERM)
    assert execute(job, audit, prctl, 4, 0) == denied(errno.EPERM)
    assert execute(job, audit, prctl, 15, 0) == ALLOW  # PR_SET_NAME
    assert execute(worker, audit, prctl, 4, 0) == ALLOW  # the zygote hides itself from its own requests


@pytest.mark.parametrize("machine", ["x86_64", "aarch64"])
def test_segments_that_nothing_counts_cannot_be_made(machine: str) -> None:
    number = CALLS[machine]["shmget"]
    assert execute(build_filter(machine), AUDIT[machine], number) == ALLOW
    assert execute(build_filter(machine, segments=False), AUDIT[machine], number) == denied(errno.ENOSPC)
    both = build_filter(machine, segments=False, stateless=True)
    assert execute(both, AUDIT[machine], number) == denied(errno.EPERM)

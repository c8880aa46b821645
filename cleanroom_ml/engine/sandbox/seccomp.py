"""The system calls that an untrusted process may not make, as a BPF program built by hand (no libseccomp needed).

A deny-list: what is not named is allowed, but for calls newer than the tables, which do not exist (ENOSYS).
Answers: EPERM for what is denied, ENOSYS where a library then falls back to an older call, EAFNOSUPPORT for socket
families, and the process is killed when it speaks another architecture's calling convention (which would need a
table of its own). Layout of seccomp_data: nr at 0, arch at 4, args at 16 (struct seccomp_data, linux/seccomp.h).
"""

from __future__ import annotations

import errno
import platform
import struct
from dataclasses import dataclass
from typing import Final

from cleanroom_ml.engine.sandbox.errors import IsolationUnavailable

# name: (x86_64, aarch64); None where the architecture never had it. Numbers: asm/unistd_64.h, asm-generic/unistd.h.
_Table = dict[str, tuple[int | None, int | None]]

_OTHER_PROCESSES: Final[_Table] = {
    "ptrace": (101, 117),
    "process_vm_readv": (310, 270),
    "process_vm_writev": (311, 271),
    "process_madvise": (440, 440),
    "kcmp": (312, 272),
    "pidfd_getfd": (438, 438),
}
_MOUNTS_AND_NAMESPACES: Final[_Table] = {
    "mount": (165, 40),
    "umount2": (166, 39),
    "pivot_root": (155, 41),
    "chroot": (161, 51),
    "unshare": (272, 97),
    "setns": (308, 268),
    "move_mount": (429, 429),
    "open_tree": (428, 428),
    "open_tree_attr": (467, 467),
    "fsopen": (430, 430),
    "fsconfig": (431, 431),
    "fsmount": (432, 432),
    "fspick": (433, 433),
    "mount_setattr": (442, 442),
    "sethostname": (170, 161),
    "setdomainname": (171, 162),
}
_KERNEL_ATTACK_SURFACE: Final[_Table] = {
    "bpf": (321, 280),
    "perf_event_open": (298, 241),
    "userfaultfd": (323, 282),
    "fanotify_init": (300, 262),
    "modify_ldt": (154, None),
    "uselib": (134, None),
    "sysfs": (139, None),
    "ustat": (136, None),
    "lookup_dcookie": (212, 18),
    "nfsservctl": (180, 42),
    "vhangup": (153, 58),
    "name_to_handle_at": (303, 264),
    "open_by_handle_at": (304, 265),
    "mknod": (133, None),
    "mknodat": (259, 33),
}
# Keyrings are not namespaced: one sandbox could leave a key for another.
_KEYRINGS: Final[_Table] = {"keyctl": (250, 219), "add_key": (248, 217), "request_key": (249, 218)}
_MACHINE: Final[_Table] = {
    "init_module": (175, 105),
    "finit_module": (313, 273),
    "delete_module": (176, 106),
    "kexec_load": (246, 104),
    "kexec_file_load": (320, 294),
    "reboot": (169, 142),
    "swapon": (167, 224),
    "swapoff": (168, 225),
    "syslog": (103, 116),
    "acct": (163, 89),
    "quotactl": (179, 60),
    "quotactl_fd": (443, 443),
    "settimeofday": (164, 170),
    "clock_settime": (227, 112),
    "adjtimex": (159, 171),
    "clock_adjtime": (305, 266),
    "iopl": (172, None),
    "ioperm": (173, None),
}
# clone3 hides its flags behind a pointer, which BPF cannot read; io_uring makes calls that no filter sees.
_NOT_THERE: Final[_Table] = {
    "clone3": (435, 435),
    "io_uring_setup": (425, 425),
    "io_uring_enter": (426, 426),
    "io_uring_register": (427, 427),
    "memfd_secret": (447, 447),
}
# These outlive the process that made them, so one request to a worker could leave something for the next.
_OUTLIVES_ITS_PROCESS: Final[_Table] = {
    "shmget": (29, 194),
    "shmat": (30, 196),
    "shmctl": (31, 195),
    "semget": (64, 190),
    "semop": (65, 193),
    "semtimedop": (220, 192),
    "semctl": (66, 191),
    "msgget": (68, 186),
    "msgsnd": (69, 189),
    "msgrcv": (70, 188),
    "msgctl": (71, 187),
    "mq_open": (240, 180),
    # A worker may have the uid that owns the objects it is handed: with another mode it could reopen them for writing.
    "chmod": (90, None),
    "fchmod": (91, 52),
    "fchmodat": (268, 53),
    "fchmodat2": (452, 452),
}
_DENIED: Final = (_OTHER_PROCESSES, _MOUNTS_AND_NAMESPACES, _KERNEL_ATTACK_SURFACE, _KEYRINGS, _MACHINE)
_NEWEST_KNOWN: Final = 469  # file_setattr, Linux 6.17

_NEW_NAMESPACE_FLAGS: Final = (
    0x00000080  # CLONE_NEWTIME
    | 0x00020000  # CLONE_NEWNS
    | 0x02000000  # CLONE_NEWCGROUP
    | 0x04000000  # CLONE_NEWUTS
    | 0x08000000  # CLONE_NEWIPC
    | 0x10000000  # CLONE_NEWUSER
    | 0x20000000  # CLONE_NEWPID
    | 0x40000000  # CLONE_NEWNET
)
_CLONE_FILES, _CLONE_THREAD = 0x00000400, 0x00010000
_CLOSE_RANGE_UNSHARE: Final = 2
_PR_SET_DUMPABLE: Final = 4
_TERMINAL_IOCTLS: Final = (0x5412, 0x541C, 0x5423)  # TIOCSTI and TIOCLINUX type for somebody; TIOCSETD loads modules
_AF_UNIX, _AF_INET, _AF_INET6, _AF_NETLINK = 1, 2, 10, 16
_NETLINK_ROUTE: Final = 0
_PERSONALITIES: Final = (0, 0xFFFFFFFF)  # PER_LINUX, and "only tell me"; others switch address randomisation off

_ALLOW, _KILL = 0x7FFF0000, 0x80000000
_LOAD, _EQUAL, _AT_LEAST, _ANY_BIT, _RETURN = 0x20, 0x15, 0x35, 0x45, 0x06
_NR, _ARCH = 0, 4


@dataclass(frozen=True, slots=True)
class _Architecture:
    column: int
    audit: int
    clone: int
    ioctl: int
    socket: int
    personality: int
    prlimit64: int
    prctl: int
    close_range: int
    x32: bool


_ARCHITECTURES: Final = {
    "x86_64": _Architecture(0, 0xC000003E, 56, 16, 41, 135, 302, 157, 436, x32=True),
    "aarch64": _Architecture(1, 0xC00000B7, 220, 29, 198, 92, 261, 167, 436, x32=False),
}


class _Program:
    def __init__(self) -> None:
        self._code: list[bytes] = []

    def emit(self, code: int, value: int, if_true: int = 0, if_false: int = 0) -> None:
        self._code.append(struct.pack("<HBBI", code, if_true, if_false, value))

    def refuse(self, code: int) -> None:
        self.emit(_RETURN, 0x00050000 | code)

    def refuse_calls(self, numbers: set[int], code: int) -> None:
        for number in sorted(numbers):
            self.emit(_EQUAL, number, 0, 1)
            self.refuse(code)

    def on_call(self, number: int, body: _Program) -> None:
        """Run `body` for this call; `body` ends with a return."""
        self.emit(_EQUAL, number, 0, len(body._code))
        self._code += body._code

    def argument_in(self, index: int, values: tuple[int, ...], *, allow: bool, code: int) -> None:
        """End the program: the low half of an argument is one of `values`, or is none of them."""
        self.emit(_LOAD, 16 + 8 * index)
        for position, value in enumerate(values):
            self.emit(_EQUAL, value, len(values) - position, 0)
        first, second = (code, None) if allow else (None, code)
        for answer in (first, second):
            self.emit(_RETURN, _ALLOW) if answer is None else self.refuse(answer)

    def bytes(self) -> bytes:
        return b"".join(self._code)


def _numbers(column: int, *tables: _Table) -> set[int]:
    return {number for table in tables for pair in table.values() if (number := pair[column]) is not None}


def build_filter(machine: str | None = None, *, stateless: bool = False, segments: bool = True) -> bytes:
    """The program for `bwrap --seccomp FD`.

    `stateless` also refuses what outlives its process. Without `segments`, shmget finds no room (ENOSPC).

    Raises IsolationUnavailable for an architecture without a table: there is no running without a filter.
    """
    name = machine or platform.machine()
    arch = _ARCHITECTURES.get("aarch64" if name == "arm64" else name)
    if arch is None:
        raise IsolationUnavailable(
            f"no table of system calls for {name}",
            why="without a filter AF_VSOCK, ptrace and keyrings stay open",
            fix="run the engine on x86_64 or aarch64",
        )
    program = _Program()
    program.emit(_LOAD, _ARCH)
    program.emit(_EQUAL, arch.audit, 1, 0)
    program.emit(_RETURN, _KILL)
    program.emit(_LOAD, _NR)
    if arch.x32:
        program.emit(_AT_LEAST, 0x40000000, 0, 1)
        program.emit(_RETURN, _KILL)
    program.emit(_AT_LEAST, _NEWEST_KNOWN + 1, 0, 1)
    program.refuse(errno.ENOSYS)
    program.refuse_calls(_numbers(arch.column, *_DENIED), errno.EPERM)
    if not stateless:
        program.on_call(arch.prctl, _stays_visible())
    if not segments and not stateless:
        program.refuse_calls(_numbers(arch.column, {"shmget": _OUTLIVES_ITS_PROCESS["shmget"]}), errno.ENOSPC)
    if stateless:
        program.refuse_calls(_numbers(arch.column, _OUTLIVES_ITS_PROCESS), errno.EPERM)
    program.refuse_calls(_numbers(arch.column, _NOT_THERE), errno.ENOSYS)
    program.on_call(arch.clone, _no_new_namespaces_and_no_hidden_descriptors())
    program.on_call(arch.close_range, _no_hidden_descriptors())
    program.on_call(arch.ioctl, _no_terminal_tricks())
    program.on_call(arch.socket, _known_socket_families())
    program.on_call(arch.personality, _only_the_default_personality())
    program.on_call(arch.prlimit64, _only_own_limits())
    program.emit(_RETURN, _ALLOW)
    return program.bytes()


def _no_new_namespaces_and_no_hidden_descriptors() -> _Program:
    """A thread without CLONE_FILES has descriptors of its own, which nobody who looks at its process sees."""
    body = _Program()
    body.emit(_LOAD, 16)
    body.emit(_ANY_BIT, _NEW_NAMESPACE_FLAGS, 3, 0)
    body.emit(_ANY_BIT, _CLONE_THREAD, 0, 1)
    body.emit(_ANY_BIT, _CLONE_FILES, 0, 1)
    body.emit(_RETURN, _ALLOW)
    body.refuse(errno.EPERM)
    return body


def _no_hidden_descriptors() -> _Program:
    body = _Program()
    body.emit(_LOAD, 16 + 8 * 2)
    body.emit(_ANY_BIT, _CLOSE_RANGE_UNSHARE, 0, 1)
    body.refuse(errno.EPERM)
    body.emit(_RETURN, _ALLOW)
    return body


def _stays_visible() -> _Program:
    """Not dumpable, a process shows its descriptors to root alone: an ordinary user could not count what it holds."""
    body = _Program()
    body.argument_in(0, (_PR_SET_DUMPABLE,), allow=False, code=errno.EPERM)
    return body


def _no_terminal_tricks() -> _Program:
    body = _Program()
    body.argument_in(1, _TERMINAL_IOCTLS, allow=False, code=errno.EPERM)
    return body


def _known_socket_families() -> _Program:
    body = _Program()
    body.emit(_LOAD, 16)
    for position, family in enumerate((_AF_UNIX, _AF_INET, _AF_INET6)):
        body.emit(_EQUAL, family, 5 - position, 0)
    body.emit(_EQUAL, _AF_NETLINK, 0, 3)
    body.emit(_LOAD, 16 + 8 * 2)
    body.emit(_EQUAL, _NETLINK_ROUTE, 0, 1)
    body.emit(_RETURN, _ALLOW)
    body.refuse(errno.EAFNOSUPPORT)
    return body


def _only_the_default_personality() -> _Program:
    body = _Program()
    body.argument_in(0, _PERSONALITIES, allow=True, code=errno.EPERM)
    return body


def _only_own_limits() -> _Program:
    body = _Program()
    body.argument_in(0, (0,), allow=True, code=errno.EPERM)
    return body

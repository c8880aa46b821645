"""The driver that isolates: bubblewrap, as root or as an ordinary user (docs/measured-facts.md, "Isolation").

As root: plain bubblewrap, then `setpriv` drops to a non-zero uid of the sandbox's own, with an empty bounding set and
no_new_privs. Never a user namespace from root: there the sandbox's uid 1000 is the host's uid 0 and could write
/proc/sys/kernel/core_pattern. As a user: an own user namespace in which no further one can be made.
"""

from __future__ import annotations

import os
import shutil
from contextlib import ExitStack
from pathlib import Path, PurePosixPath
from typing import ClassVar, Final

from cleanroom_ml.engine.sandbox.drivers import Command, minimal_environment
from cleanroom_ml.engine.sandbox.errors import IsolationUnavailable
from cleanroom_ml.engine.sandbox.policy import SCRATCH, SandboxSpec
from cleanroom_ml.engine.sandbox.seccomp import build_filter
from cleanroom_ml.engine.sandbox.uids import pick_uid

_INNER_ID: Final = 1000
_USR_LINKS: Final = ("bin", "sbin", "lib", "lib32", "lib64")
_PLACES_BYTES: Final = 1 << 20  # for the directories and empty files that mounts lie on
_ETC: Final = ("/etc/ld.so.cache", "/etc/ssl/certs", "/etc/localtime", "/etc/alternatives")
_BASE_ENVIRONMENT: Final = {
    "PATH": "/usr/bin:/bin",
    "HOME": f"{SCRATCH}/home",
    "LANG": "C.UTF-8",
    "TMPDIR": "/tmp",
    "USER": "job",
    "PYTHONDONTWRITEBYTECODE": "1",
}
GATE_NAME: Final = "cleanroom-gate"
# bubblewrap's first process binds itself to our life (PR_SET_PDEATHSIG) only after --block-fd let it go on, and our
# death itself reads as "go": killed in that moment, we would leave a program running without anybody. So the program
# waits once more, behind its privileges' drop, for a line that is written when that has been seen to be done.
_GATE: Final = ("/bin/sh", "-c", 'read -r go || exit 125; exec "$@" </dev/null', GATE_NAME)
INSTALL_HINT: Final = "apt-get install -y bubblewrap"


class Bubblewrap:
    """Starts programs with nothing of the host but what their spec mounts. Has no state, and nothing to switch off."""

    _hidden: ClassVar[tuple[str, ...]] = ("/usr/local", "/usr/share/doc", "/usr/src")

    @property
    def name(self) -> str:
        return "bubblewrap"

    @property
    def isolated(self) -> bool:
        return True

    @property
    def enforces_limits(self) -> bool:
        return True

    def prepare(self, spec: SandboxSpec, for_child: ExitStack, for_us: ExitStack, *, segments: bool = True) -> Command:
        """Raises IsolationUnavailable when bubblewrap (or, as root, setpriv) is missing, ValueError for host uid 0."""
        bwrap = _find("bwrap", INSTALL_HINT)
        root = os.geteuid() == 0
        inner_id = (spec.uid if spec.uid is not None else pick_uid()) if root else _INNER_ID
        host_uid = inner_id if root else os.geteuid()
        if host_uid == 0:
            raise ValueError("a sandbox never runs as the host's uid 0")
        if root and spec.scratch is not None:
            os.chown(spec.scratch, inner_id, inner_id, follow_symlinks=False)

        status_read, status_write = os.pipe()
        go_read, go_write = os.pipe()
        gate_read, gate_write = os.pipe()
        for fd in (status_write, go_read, gate_read):
            for_child.callback(os.close, fd)
        files = _MemoryFiles(for_child)
        options = self._options(spec, root=root, inner_id=inner_id, files=files, segments=segments)
        options += ["--json-status-fd", str(status_write), "--block-fd", str(go_read)]
        arguments = files.add(b"".join(option.encode() + b"\0" for option in options))
        drop: tuple[str, ...] = ()
        if root:
            _find("setpriv", "apt-get install -y util-linux")
            drop = (
                "/usr/bin/setpriv",
                f"--reuid={inner_id}",
                f"--regid={inner_id}",
                "--clear-groups",
                "--bounding-set=-all",
                "--inh-caps=-all",
                "--no-new-privs",
                "--",
            )
        return Command(
            argv=(bwrap, "--args", arguments, "--", *drop, *_GATE, *spec.argv),
            pass_fds=(status_write, go_read, *files.fds, *spec.pass_fds),
            env=minimal_environment(),
            status_fd=status_read,
            go_fd=go_write,
            gate_fd=gate_write,
            stdin_fd=gate_read,
            marks_readiness=True,
        )

    def _options(
        self, spec: SandboxSpec, *, root: bool, inner_id: int, files: _MemoryFiles, segments: bool
    ) -> list[str]:
        options = ["--unshare-ipc", "--unshare-uts", "--unshare-cgroup-try", "--hostname", "job"]
        options += ["--die-with-parent", "--new-session", "--cap-drop", "ALL"]
        if root:
            for capability in ("CAP_SETUID", "CAP_SETGID", "CAP_SETPCAP"):
                options += ["--cap-add", capability]  # what setpriv needs to give everything up
        else:
            options += ["--unshare-user", "--uid", str(inner_id), "--gid", str(inner_id), "--disable-userns"]
        options += ["--unshare-net", "--unshare-pid", "--clearenv"]
        for key, value in {**_BASE_ENVIRONMENT, **spec.env}.items():
            options += ["--setenv", key, value]
        options += self._filesystem(spec, root=root, inner_id=inner_id, files=files)
        options += ["--chdir", spec.workdir]
        return [*options, "--seccomp", files.add(build_filter(stateless=spec.stateless, segments=segments))]

    def _filesystem(self, spec: SandboxSpec, *, root: bool, inner_id: int, files: _MemoryFiles) -> list[str]:
        targets = [mount.target for mount in spec.mounts] + list(spec.files)
        options = _system()
        opened: list[str] = []
        for hidden in self._hidden:
            if not Path(hidden).is_dir() or hidden in targets:
                continue
            if any(PurePosixPath(t).is_relative_to(hidden) for t in targets):
                # What is mounted in it gets its place first; of the rest of the host's nothing is seen all the same.
                opened.append(hidden)
                options += ["--size", str(_PLACES_BYTES), "--tmpfs", hidden]
            else:
                options += ["--size", "4096", "--tmpfs", hidden, "--remount-ro", hidden]
        # Made before what is bound below them: bubblewrap's own would be 0700, and root's.
        for directory in ("/etc", "/etc/ssl", "/run", "/var"):
            options += ["--perms", "0755", "--dir", directory]
        options += ["--symlink", "/tmp", "/var/tmp"]
        options += self._etc(inner_id, files)
        options += ["--proc", "/proc", "--dev", "/dev"]
        for device in spec.devices:
            if device.parent != Path("/dev"):
                options += ["--perms", "0755", "--dir", str(device.parent)]
            options += ["--dev-bind", str(device), str(device)]
        mode = "1777" if root else "0700"
        for path in ("/tmp", "/dev/shm"):
            options += ["--perms", "1777", "--size", str(spec.limits.tmp_bytes), "--tmpfs", path]
        if spec.scratch is None:
            options += ["--perms", mode, "--size", str(spec.limits.scratch_bytes), "--tmpfs", SCRATCH]
        else:
            options += ["--bind", str(spec.scratch), SCRATCH]

        # Parents first; bubblewrap would make missing ones 0700, unreadable for a dropped uid.
        covered = ["/usr"]
        made: set[str] = {"/tmp", SCRATCH, *opened}
        mounts = {mount.target: mount for mount in spec.mounts}
        for target in sorted(targets, key=lambda path: len(PurePosixPath(path).parts)):
            for parent in reversed(PurePosixPath(target).parents[:-1]):
                # The innermost of what covers it: /usr has the host's directories, a hidden one of it has none.
                top = max((top for top in (*covered, *opened) if parent.is_relative_to(top)), key=len, default="/")
                inside = top in covered
                if str(parent) not in made and not inside:
                    made.add(str(parent))
                    # Below the writable directories nobody may write on the way to a mount: it would outlive a request.
                    writable = any(parent.is_relative_to(top) for top in ("/tmp", SCRATCH))
                    options += ["--perms", "0555" if writable else "0755", "--dir", str(parent)]
            if target in mounts:
                mount = mounts[target]
                options += ["--bind" if mount.writable else "--ro-bind", str(mount.source), target]
                covered.append(target)
            else:
                options += ["--perms", "0444", "--ro-bind-data", files.add(spec.files[target]), target]
        options += [word for top in opened for word in ("--remount-ro", top)]
        # An ordinary user owns the tmpfs behind / and /dev: without this it could fill them, outside of every limit.
        return [*options, "--remount-ro", "/dev", "--remount-ro", "/"]

    def _etc(self, inner_id: int, files: _MemoryFiles) -> list[str]:
        options = [word for path in _ETC for word in ("--ro-bind-try", path, path)]
        for path, text in _etc_files(inner_id).items():
            options += ["--perms", "0444", "--ro-bind-data", files.add(text.encode()), path]
        return options


def _system() -> list[str]:
    options = ["--ro-bind", "/usr", "/usr"]
    for name in _USR_LINKS:
        path = Path("/", name)
        if path.is_symlink():
            options += ["--symlink", str(path.readlink()), str(path)]
        elif path.is_dir():
            options += ["--ro-bind", str(path), str(path)]
    return options


def _etc_files(uid: int) -> dict[str, str]:
    return {
        "/etc/passwd": f"root:x:0:0::/:/bin/false\njob:x:{uid}:{uid}::{SCRATCH}/home:/bin/sh\n",
        "/etc/group": f"root:x:0:\njob:x:{uid}:\n",
        "/etc/hosts": "127.0.0.1 localhost job\n::1 localhost\n",
        "/etc/nsswitch.conf": "hosts: files\npasswd: files\ngroup: files\n",
    }


class _MemoryFiles:
    """Contents handed to bubblewrap as anonymous files: nothing of them is in a command line or on a disk."""

    def __init__(self, owner: ExitStack) -> None:
        self._owner = owner
        self.fds: list[int] = []

    def add(self, content: bytes) -> str:
        fd = os.memfd_create("sandbox")
        self._owner.callback(os.close, fd)
        self.fds.append(fd)
        with os.fdopen(os.dup(fd), "wb") as file:
            file.write(content)
        os.lseek(fd, 0, os.SEEK_SET)
        return str(fd)


def _find(program: str, fix: str) -> str:
    found = shutil.which(program, path="/usr/bin:/bin:/usr/local/bin")
    if found is None:
        raise IsolationUnavailable(f"{program} is not installed", why="a party's code never runs unisolated", fix=fix)
    return found

"""Whether this machine isolates: a sandbox is started for real, and looks around from the inside."""

from __future__ import annotations

import contextlib
import json
import os
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from cleanroom_ml.engine.sandbox.bubblewrap import INSTALL_HINT
from cleanroom_ml.engine.sandbox.choosing import driver_for
from cleanroom_ml.engine.sandbox.drivers import Driver
from cleanroom_ml.engine.sandbox.errors import IsolationUnavailable, SandboxStartError
from cleanroom_ml.engine.sandbox.policy import RUN, Limits, MemoryEnforcement, Mount, SandboxSpec
from cleanroom_ml.engine.sandbox.process import run
from cleanroom_ml.engine.sandbox.python_runtime import python_runtime

_SECONDS: Final = 20.0
_MOST_PATHS: Final = 500
_INSIDE: Final = f"{RUN}/probe_inside.py"


@dataclass(frozen=True, slots=True)
class Check:
    name: str
    ok: bool
    detail: str


@dataclass(frozen=True, slots=True)
class ProbeReport:
    """`how_to_fix` is an exact command, or None when all is well or nobody can tell."""

    driver: str
    ok: bool
    checks: tuple[Check, ...]
    memory_enforced_by: MemoryEnforcement
    cpu_enforced: bool
    how_to_fix: str | None


def probe(driver: Driver | None = None) -> ProbeReport:
    """Start a sandbox and check it from the inside (about 0.1 s). Never raises for want of isolation: it reports."""
    driver = driver if driver is not None else driver_for()
    runtime = python_runtime()
    hidden = _must_be_hidden(tuple(mount.target for mount in runtime.mounts))
    spec = SandboxSpec(
        name="probe",
        argv=(runtime.executable, "-I", "-S", _INSIDE, *hidden),
        mounts=(*runtime.mounts, Mount(Path(__file__).with_name("probe_inside.py").resolve(), _INSIDE)),
        limits=Limits(wall_seconds=_SECONDS, processes=32),
    )
    try:
        done = run(spec, driver=driver)
    except (IsolationUnavailable, SandboxStartError) as error:
        detail = f"{error.what}: {error.why}" if error.why else error.what
        how = error.fix if isinstance(error, IsolationUnavailable) else _how_to_fix(detail)
        return ProbeReport(driver.name, False, (Check("a sandbox starts", False, detail),), "none", False, how)
    outcome = done.outcome
    text = done.output.decode(errors="replace").strip()
    checks = [Check("a sandbox starts", outcome.ok, text[-500:] if not outcome.ok else "")]
    if outcome.ok:
        try:
            findings = json.loads(text)
        except ValueError:
            checks = [Check("a sandbox starts", False, f"unexpected output: {text[:200]}")]
        else:
            checks += [Check(name, ok, detail) for name, (ok, detail) in findings.items()]
    ok = all(check.ok for check in checks)
    fix = None if ok else _how_to_fix(text)
    return ProbeReport(driver.name, ok, tuple(checks), outcome.memory_enforced_by, outcome.cpu_enforced, fix)


def require_isolation() -> ProbeReport:
    """The report of a working isolation. Raises IsolationUnavailable with what failed and the command that fixes it."""
    report = probe()
    if not report.ok:
        failed = "; ".join(f"{check.name}: {check.detail}" for check in report.checks if not check.ok)
        demo = "cleanroom-ml demo --no-isolation runs the bundled sample, and nothing else, without a sandbox"
        fix = f"{report.how_to_fix}; or: {demo}" if report.how_to_fix else demo
        raise IsolationUnavailable("this machine cannot isolate a party's code", why=failed, fix=fix)
    return report


def _must_be_hidden(mounted: tuple[str, ...]) -> list[str]:
    """Paths of this host that nothing inside may see. Around what is mounted on purpose, everything beside it."""
    candidates = ["/etc/shadow", "/etc/ssh", *_entries("/var"), "/sys", "/boot", str(Path.home()), str(Path.cwd())]
    # What is the same inside and outside says nothing.
    same = ("/", "/usr", "/tmp", "/run", "/etc", "/dev", "/proc", "/bin", "/sbin", "/lib", "/lib64", "/var/tmp")
    wanted = [Path(path) for path in candidates if path not in same and not path.startswith(("/usr/", "/tmp/"))]
    hidden: list[str] = []
    while wanted:
        path = wanted.pop()
        if any(path.is_relative_to(target) for target in mounted) or not os.path.lexists(path):
            continue
        if any(Path(target).is_relative_to(path) for target in mounted):
            with contextlib.suppress(PermissionError):
                wanted += path.iterdir()
        else:
            hidden.append(str(path))
    return hidden[:_MOST_PATHS]


def _entries(directory: str) -> list[str]:
    try:
        return [str(path) for path in Path(directory).iterdir()]
    except OSError:
        return []


def _how_to_fix(message: str) -> str | None:
    if sys.platform != "linux":
        return "run the engine on Linux: cleanroom-ml engine serve"
    if _setting("kernel/apparmor_restrict_unprivileged_userns") == "1":
        return "sudo sysctl -w kernel.apparmor_restrict_unprivileged_userns=0"
    if _setting("kernel/unprivileged_userns_clone") == "0":
        return "sudo sysctl -w kernel.unprivileged_userns_clone=1"
    if _setting("user/max_user_namespaces") == "0":
        return "sudo sysctl -w user.max_user_namespaces=15000"
    if "Unknown option" in message or "unknown option" in message:
        return f"{INSTALL_HINT} (version 0.8.0 or newer)"
    return None


def _setting(name: str) -> str | None:
    try:
        return Path("/proc/sys", name).read_text().strip()
    except OSError:
        return None

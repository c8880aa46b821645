"""What the driver without isolation still owes: the sandbox's paths, and an end that leaves nothing running."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from cleanroom_ml.engine.sandbox.no_isolation import NoIsolation
from cleanroom_ml.engine.sandbox.policy import Limits, Mount, SandboxSpec
from cleanroom_ml.engine.sandbox.process import SandboxProcess, run
from cleanroom_ml.engine.sandbox.record import SandboxRecord, destroy

DRIVER = NoIsolation(reason="a test of the driver")


def shell(script: str, **more: object) -> SandboxSpec:
    return SandboxSpec(name="test", argv=("/bin/sh", "-c", script), **more)  # type: ignore[arg-type]


def group_is_gone(leader: int) -> bool:
    deadline = time.monotonic() + 5
    while time.monotonic() < deadline:
        try:
            os.killpg(leader, 0)
        except ProcessLookupError:
            return True
        time.sleep(0.02)
    return False


def test_paths_below_run_are_one_directory(tmp_path: Path) -> None:
    package = tmp_path / "package"
    package.mkdir()
    (package / "word").write_text("mounted ")
    spec = shell(
        'cat "$WHERE/package/word" "$WHERE/secret"; stat -L -c " %a" "$WHERE/secret"',
        env={"WHERE": "/run/cleanroom"},
        mounts=(Mount(package, "/run/cleanroom/package"),),
        files={"/run/cleanroom/secret": b"given"},
    )
    umask = os.umask(0o077)
    try:
        assert run(spec, driver=DRIVER).output == b"mounted given 600\n"
    finally:
        os.umask(umask)


def test_what_the_program_leaves_behind_is_ended() -> None:
    spec = shell("sleep 300 >/dev/null 2>&1 & exit 0")
    with SandboxProcess.start(spec, driver=DRIVER) as process:
        outcome = process.wait(10)
        assert outcome is not None
        assert outcome.exit_code == 0
        assert group_is_gone(process.pid)


def test_another_process_can_end_it_by_its_record() -> None:
    with SandboxProcess.start(shell("sleep 300 & sleep 300"), driver=DRIVER) as process:
        record = SandboxRecord.from_json(process.record().to_json())
        destroy(SandboxRecord(**{**_fields(record), "pid_started": record.pid_started + 1}))
        assert process.wait(0.3) is None, "a process that only has the same pid was ended"
        destroy(record)
        assert process.wait(10) is not None
        assert group_is_gone(process.pid)
        destroy(record)


@pytest.mark.parametrize("seconds", [0.5])
def test_the_clock_holds(seconds: float) -> None:
    done = run(shell("sleep 300", limits=Limits(wall_seconds=seconds)), driver=DRIVER)
    assert done.outcome.reason == "timed_out"
    assert done.outcome.driver == "none"


def _fields(record: SandboxRecord) -> dict[str, object]:
    return {name: getattr(record, name) for name in record.__slots__}

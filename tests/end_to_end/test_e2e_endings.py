"""How a job ends, told by exit codes: with a log that nobody may see, failed, cancelled, cancelled twice, not there."""

from __future__ import annotations

import pytest
from e2e_parties import Pair

pytestmark = [pytest.mark.sandbox, pytest.mark.slow]

TRAIN = """
import argparse, json, time
parser = argparse.ArgumentParser()
parser.add_argument("--args", type=json.loads, default={})
print("a line of the log", flush=True)
if parser.parse_args().args["shuffle_labels"]:
    raise SystemExit(3)
time.sleep(3)
"""


@pytest.fixture(scope="module")
def pair(new_project) -> Pair:
    """The sample with a training that fails where it is asked to, and whose log is not to be seen."""
    pair = new_project("endings")
    for directory in ("publisher/code", "advertiser/reviewed_code"):
        (pair.root / directory / "train.py").write_text(TRAIN, encoding="utf-8")
    spec = pair.publisher.directory / "code_spec.yaml"
    spec.write_text(spec.read_text().replace("allow_monitoring: true", "allow_monitoring: false"))
    pair.meet()
    pair.submit()
    pair.approve("train")
    pair.advertiser.quickly("pool", "create")
    return pair


def test_following_a_job_whose_log_is_closed_waits_for_its_end(pair: Pair) -> None:
    ran = pair.advertiser.types("run", "train", "--wait", "--follow", "--format", "json")
    assert ran.json["status"] == "DONE"
    assert ran.err.count("no log: ") == 1
    assert "a line of the log" not in ran.err


def test_a_failed_job_has_no_result_and_says_so_by_its_exit_code(pair: Pair) -> None:
    failed = pair.advertiser.types(
        "run", "train", "--follow", "--arg", "shuffle_labels=true", "--format", "json", code=20
    )
    job = failed.json["job_id"]
    assert pair.advertiser.quickly("result", job, "--format", "json", code=20).json["error"]["type"] == "JobFailedError"
    assert "had ended already, FAILED; nothing was cancelled" in pair.advertiser.quickly("cancel", job).out
    assert "MLJobMonitoringNotAllowed" in pair.advertiser.quickly("logs", job, "--follow", code=12).err


def test_cancel_says_what_it_did(pair: Pair) -> None:
    job = pair.advertiser.quickly("run", "train").out.strip()
    assert "cleanroom-ml status" in pair.advertiser.quickly("result", job, code=5).err
    assert pair.advertiser.quickly("cancel", job).out == f"{job}: cancelled\n"
    assert "had ended already, CANCELLED" in pair.advertiser.quickly("cancel", job).out
    pair.advertiser.quickly("result", job, code=21)
    pair.advertiser.quickly("status", job, "--wait", code=21)
    absent = pair.advertiser.quickly("cancel", "MLJOB_0000000000000000", code=5)
    assert "cleanroom-ml jobs" in absent.err

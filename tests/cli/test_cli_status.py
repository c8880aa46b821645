"""`status` of a job that has not begun: what it waits for is told at once, and not to those alone who watch it.

Answers: user-guide/cleanrooms/ml-jobs, "Monitor the ML Job"; sql-reference/sql/show-compute-pools, "Output".
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from account_stand_in import Account, Answer, listening, rows

POOLS = rows(
    ["name", "state", "instance_family", "min_nodes", "max_nodes", "num_jobs", "active_nodes"],
    ["ML_POOL", "ACTIVE", "CPU_X64_S", "1", "2", "3", "2"],
)
WAITS = "compute pool ML_POOL is ACTIVE, 3 other job(s) on it, 2 of 2 node(s) in use"


@pytest.mark.parametrize(("state", "told"), [("PENDING", WAITS), ("RUNNING", None)])
def test_status_says_what_a_job_waits_for(cli, person: Path, state: str, told: str | None) -> None:
    def answer(sql: str) -> Answer:
        if "RUN_ML_JOB_ACTION" in sql:
            return rows(["RUN_ML_JOB_ACTION"], [state])
        if sql.startswith("SHOW COMPUTE POOLS"):
            return POOLS
        return rows(["status"])

    with listening(Account(statement=answer)) as there:
        lines = "".join(f"{key} = {json.dumps(value)}\n" for key, value in there.settings.items())
        (person / "snowflake").mkdir()
        file = person / "snowflake/connections.toml"
        file.write_text(f"[dev]\nuser = 'me'\npassword = 'secret'\n{lines}")
        file.chmod(0o600)
        Path("cleanroom.yaml").write_text("version: 1\ncollaboration: room\npool: {name: ML_POOL, family: CPU_X64_S}\n")
        ran = cli("status", "JOB_1", "-c", "dev")
        data = json.loads(cli("status", "JOB_1", "-c", "dev", "--format", "json").out)
    assert ran.code == 0, ran.err
    assert (f"waits_for: {told}" in ran.out) is (told is not None)
    assert data["details"].get("waits_for") == told

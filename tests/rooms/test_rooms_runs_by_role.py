"""Running and what comes of it, by who asks: runner, provider and owner, one who was invited, and a stranger.

Source: collaboration API reference, "Running analyses and activations"; who may run: the collaboration's spec.
"""

from __future__ import annotations

from typing import Any

import pytest
from rooms_world import COLLABORATION, Party, World
from test_rooms_job_actions import job as job
from test_rooms_runs import JOB, action
from test_rooms_runs import approved as approved

from cleanroom_ml.engine.sql.errors import SqlError

pytestmark = pytest.mark.sandbox

DOCUMENTED = ("RUN", "RUN_ML_JOB_ACTION", "VIEW_ACTIVITY_HISTORY", "VIEW_ACTIVATIONS", "PROCESS_ACTIVATION")
OWN = ("JOBS.LIST", "JOBS.STATUS", "JOBS.LOGS", "JOBS.EVENTS", "JOBS.USAGE", "JOBS.CANCEL")
ABOUT_A_JOB = {"RUN_ML_JOB_ACTION", *OWN} - {"JOBS.LIST"}


def asked(party: Party, name: str, room: str, job_id: str) -> str:
    """How a procedure answers a party: `rows`, or the name of the refusal."""
    arguments: dict[str, tuple[Any, ...]] = {"RUN": tuple(JOB), "RUN_ML_JOB_ACTION": (action(job_id, "get_status"),)}
    given = arguments.get(name, (job_id,) if name in ABOUT_A_JOB else ())
    try:
        (party.own if "." in name else party.call)(name, room, *given)
    except SqlError as error:
        return error.message.partition(":")[0]
    return "rows"


def test_every_procedure_by_every_role(approved: World, job: str) -> None:
    runner, provider, stranger = approved.advertiser, approved.publisher, approved.stranger
    every = (*DOCUMENTED, *OWN)
    others = {"RUN": "PermissionDeniedException", **dict.fromkeys(ABOUT_A_JOB, "MLJobNotFoundException")}
    states = dict(approved.jobs.states)
    for name in every:
        assert asked(provider, name, "lookalike", job) == others.get(name, "rows"), name
        assert asked(stranger, name, "lookalike", job) == "CollaborationNotFoundException", name
        assert asked(runner, name, "nowhere", job) == "CollaborationNotFoundException", name
    # A room in which the runner is named: before the invitation was looked at, and before joining.
    provider.call("INITIALIZE", COLLABORATION.replace("name: lookalike", "name: second"), "COMPUTE_WH")
    before = {asked(runner, name, "second", job) for name in every}
    assert before <= {"CollaborationNotFoundException", "InvalidCollaborationStatusError"}
    runner.call("REVIEW", "second", "LOCAL.PUBLISHER")
    assert {asked(runner, name, "second", job) for name in every} == {"InvalidCollaborationStatusError"}
    assert approved.jobs.states == states, "who was refused has changed nothing"
    assert len(runner.call("VIEW_ACTIVITY_HISTORY", "lookalike")) == 1
    assert {asked(runner, name, "lookalike", job) for name in every} == {"rows"}

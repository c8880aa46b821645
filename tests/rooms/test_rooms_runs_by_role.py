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


@pytest.mark.parametrize("name", [*DOCUMENTED, *OWN])
def test_every_procedure_by_every_role(approved: World, job: str, name: str) -> None:
    runner, provider, stranger = approved.advertiser, approved.publisher, approved.stranger
    assert asked(runner, name, "lookalike", job) == "rows"
    others = {"RUN": "PermissionDeniedException", **dict.fromkeys(ABOUT_A_JOB, "MLJobNotFoundException")}
    assert asked(provider, name, "lookalike", job) == others.get(name, "rows")
    assert asked(stranger, name, "lookalike", job) == "CollaborationNotFoundException"
    assert asked(runner, name, "nowhere", job) == "CollaborationNotFoundException"
    # A room in which the runner is named, before and after the invitation was looked at, and before joining.
    provider.call("INITIALIZE", COLLABORATION.replace("name: lookalike", "name: second"), "COMPUTE_WH")
    before = asked(runner, name, "second", job)
    assert before in ("CollaborationNotFoundException", "CollaborationStateException")
    runner.call("REVIEW", "second", "LOCAL.PUBLISHER")
    assert asked(runner, name, "second", job) == "CollaborationStateException"


def test_one_who_was_refused_has_changed_nothing(approved: World, job: str) -> None:
    states = dict(approved.jobs.states)
    for party in (approved.publisher, approved.stranger):
        for name in (*DOCUMENTED, *OWN):
            asked(party, name, "lookalike", job)
    assert approved.jobs.states == states
    assert len(approved.advertiser.call("VIEW_ACTIVITY_HISTORY", "lookalike")) == 1

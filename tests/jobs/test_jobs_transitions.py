from __future__ import annotations

import itertools

import pytest

from cleanroom_ml.engine.contracts.job import JobState
from cleanroom_ml.engine.contracts.machine import IllegalTransition
from cleanroom_ml.engine.jobs.model import Phase
from cleanroom_ml.engine.jobs.transitions import JOB, SUPERVISOR, Step


@pytest.mark.parametrize(("before", "after"), list(itertools.product(Phase, Phase)))
def test_only_the_edges_of_the_table_are_allowed(before, after):
    if after in JOB.moves[before]:
        assert JOB.move(before, after) is after
    else:
        with pytest.raises(IllegalTransition, match=f"a job that is {before} cannot become {after}"):
            JOB.move(before, after)


def test_terminal_phases_lead_nowhere_and_all_others_can_fail():
    for phase in Phase:
        assert JOB.terminal(phase) is phase.terminal
        assert phase.terminal or {Phase.FAILED, Phase.CANCELLED} <= JOB.moves[phase]


def test_every_phase_is_told_as_a_state_and_terminal_means_the_same_in_both():
    for phase in Phase:
        assert isinstance(phase.state, JobState)
        assert phase.state.terminal is phase.terminal


def test_a_supervisor_can_end_from_every_step_but_the_last():
    for step in Step:
        if step is Step.ENDED:
            assert SUPERVISOR.terminal(step)
        else:
            SUPERVISOR.move(step, Step.ENDED)
    with pytest.raises(IllegalTransition):
        SUPERVISOR.move(Step.ENDED, Step.ENDED)

from __future__ import annotations

import itertools

import pytest

from cleanroom_ml.engine.jobs.errors import IllegalTransition
from cleanroom_ml.engine.jobs.model import JobState, Phase
from cleanroom_ml.engine.jobs.transitions import PHASES, STEPS, Step, check_phase, check_step


@pytest.mark.parametrize(("before", "after"), list(itertools.product(Phase, Phase)))
def test_only_the_edges_of_the_table_are_allowed(before, after):
    if after in PHASES[before]:
        check_phase(before, after)
    else:
        with pytest.raises(IllegalTransition, match=f"from {before} to {after}"):
            check_phase(before, after)


def test_terminal_phases_lead_nowhere_and_all_others_can_fail():
    for phase in Phase:
        assert bool(PHASES[phase]) is not phase.terminal
        assert phase.terminal or {Phase.FAILED, Phase.CANCELLED} <= PHASES[phase]


def test_every_phase_is_told_as_a_state_and_terminal_means_the_same_in_both():
    for phase in Phase:
        assert isinstance(phase.state, JobState)
        assert phase.state.terminal is phase.terminal


def test_a_supervisor_can_end_from_every_step_but_the_last():
    for step in Step:
        if step is Step.ENDED:
            assert not STEPS[step]
        else:
            check_step(step, Step.ENDED)
    with pytest.raises(IllegalTransition):
        check_step(Step.ENDED, Step.ENDED)

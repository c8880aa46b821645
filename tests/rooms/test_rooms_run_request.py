"""What a run asks for is one type: built by whoever runs a template, read by the room."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import pytest

from cleanroom_ml.engine.rooms.analysis import run_request
from cleanroom_ml.engine.sql.errors import SqlError
from cleanroom_ml.services import activation, jobs
from cleanroom_ml.specs.analysis import Analysis
from cleanroom_ml.specs.ml_job_action import MlJobAction
from cleanroom_ml.specs.parse import parse_spec
from cleanroom_ml.specs.write import dump_spec

ARGUMENTS = {
    "compute_pool": "ML_POOL",
    "num_instances": 2,
    "share": 0.25,
    "fast": True,
    "nothing": None,
    "text": "it's: a 'text' # with\nlines",
    "list": ["a", 1, {"deep": [None]}],
}
TABLES, OWN = ("pub.sales_v1.customers", "adv.redeemers_v1.people"), ("adv.redeemers_v1.people",)


@dataclass
class Recorder:
    """A connection that answers as an account with one approved template does, and keeps what RUN was given."""

    asked: list[Any] = field(default_factory=list)

    def call(self, procedure: str, *arguments: Any) -> list[dict[str, Any]]:
        assert procedure == "COLLABORATION.RUN"
        self.asked.append(arguments)
        return [{"job_id": "J1"}]


def test_what_a_run_builds_the_room_reads_back_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jobs, "approved_template", lambda *_, **__: ("train_v1", None))
    connection = Recorder()
    jobs.run(connection, jobs.JobRun("C", "train", TABLES, OWN, ARGUMENTS))  # type: ignore[arg-type]
    ((name, text),) = connection.asked
    read = run_request((text,))
    assert name == "C"
    assert read == Analysis.of("train_v1", tables=TABLES, my_tables=OWN, arguments=ARGUMENTS)
    assert read.template_configuration.arguments == ARGUMENTS
    assert (read.template_configuration.mapped, read.template_configuration.destination) == ((), None)


def test_what_an_activation_builds_the_room_reads_back_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(activation, "runnable_template", lambda *_: "send_v1")
    monkeypatch.setattr(activation, "list_activations", lambda *_: ())
    monkeypatch.setattr(activation, "own_alias", lambda *_: "pub")
    monkeypatch.setattr(activation, "sent_to_oneself", lambda *_: None)
    connection = Recorder()
    activation.activate(connection, activation.ActivationRequest("C", "send", "pub", "likely", TABLES, (), {"n": 1}))  # type: ignore[arg-type]
    read = run_request((connection.asked[0][1],)).template_configuration
    assert (read.destination, read.segment_name) == ("pub", "likely")
    assert (read.view_mappings.source_tables, dict(read.arguments)) == (TABLES, {"n": 1})


def test_both_forms_of_run_say_the_same() -> None:
    written = run_request((dump_spec(Analysis.of("train_v1", tables=TABLES, my_tables=OWN, arguments=ARGUMENTS)),))
    assert run_request(("train_v1", list(TABLES), list(OWN), ARGUMENTS)) == written
    assert run_request(("train_v1", None, None, None)) == run_request((dump_spec(Analysis.of("train_v1")),))


def test_views_of_their_own_names_are_told_apart() -> None:
    text = dump_spec(Analysis.of("train_v1", tables=TABLES)).replace(
        "  view_mappings:\n", "  local_view_mappings:\n    mine: a.b_v1.c\n  view_mappings:\n    theirs: d.e_v1.f\n"
    )
    assert run_request((text,)).template_configuration.mapped == (
        ("theirs", "d.e_v1.f", False),
        ("mine", "a.b_v1.c", True),
    )


@pytest.mark.parametrize("wrong", [("t",) * 2, (1, None, None, None), ("t_v1", "x", None, None), ("t_v1", [], [], "x")])
def test_what_is_no_run_is_refused(wrong: tuple[Any, ...]) -> None:
    with pytest.raises(SqlError, match="SpecValidationError"):
        run_request(wrong)


@pytest.mark.parametrize("more", [{"action": "get_status"}, {"action": "GET_LOGS"}])
def test_what_is_asked_of_a_job_is_one_type_as_well(more: dict[str, Any]) -> None:
    action = MlJobAction.model_validate(
        {"api_version": "2.0.0", "spec_type": "ml_job_action", "job_id": "MLJOB_1", **more}
    )
    assert parse_spec(dump_spec(action)) == action

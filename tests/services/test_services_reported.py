"""JSON that the other side made: read under one bound, whatever becomes of it afterwards."""

from __future__ import annotations

import json
from types import SimpleNamespace
from typing import Any

import pytest

from cleanroom_ml.cli.cells import cell
from cleanroom_ml.cli.render import jsonable
from cleanroom_ml.connection.capabilities import Capabilities
from cleanroom_ml.errors import CleanroomError
from cleanroom_ml.services import jobs, segment_records, telemetry
from cleanroom_ml.services.code_specs import manifests
from cleanroom_ml.services.reported import MAX_DEPTH, UnreadableError, reported, reported_mapping, reported_or
from cleanroom_ml.services.update_requests import list_requests
from cleanroom_ml.specs.problems import SpecProblems

DEEP = "[" * 100_000 + "]" * 100_000
ODD = ["[" * (MAX_DEPTH + 5) + "]" * (MAX_DEPTH + 5), DEEP, '{"a":' * 500 + "1" + "}" * 500, "{", "9" * 5_000, "nope"]


def deep(text: str) -> bool:
    return text.startswith(("[", '{"a"'))


class Server:
    """Answers every procedure with one row."""

    target = SimpleNamespace(kind="engine", parameters={"account": "A"})
    capabilities = Capabilities(lambda _: [])

    def __init__(self, **row: Any) -> None:
        self.row = row

    def call(self, *_: object) -> list[dict[str, Any]]:
        return [self.row]

    def call_own(self, procedure: str, *_: object) -> list[dict[str, Any]] | None:
        return [self.row] if procedure.startswith("JOBS.") else None

    def execute(self, _: str) -> list[dict[str, Any]]:
        return []

    def stream(self, *_: object) -> list[tuple[Any, ...]]:
        return [tuple(self.row.values())]


@pytest.mark.parametrize("text", ODD)
def test_what_cannot_be_read_is_an_error_of_ours_or_nothing(text: str) -> None:
    with pytest.raises(UnreadableError, match="the thing cannot be read"):
        reported(text, "the thing")
    assert reported_mapping(text) == {}
    assert reported_or(text, []) == []


def test_what_is_let_through_can_be_shown() -> None:
    deepest = reported("[" * MAX_DEPTH + "]" * MAX_DEPTH, "it")
    assert json.dumps(jsonable(deepest))
    assert cell(deepest) == "…"
    assert reported('{"a": [1, null]}', "it") == {"a": [1, None]}


@pytest.mark.attack
@pytest.mark.parametrize("text", ODD)
def test_no_answer_of_a_job_or_a_partner_ends_in_a_defect(text: str) -> None:
    """A result of 100,000 brackets, made by approved code or by the other party, was an internal error."""
    if deep(text):
        with pytest.raises(CleanroomError, match="the result of job J"):
            jobs.result(Server(result=text), "c", "J")
    else:
        assert jobs.result(Server(result=text), "c", "J") == text, "how a target writes it nobody says: what came"
    with pytest.raises(UnreadableError, match="a record of batch B"):
        list(segment_records.records(Server(record=text), "c", "B"))
    assert jobs.status(Server(status="DONE", details=text), "c", "J").details == {}
    assert telemetry.events(Server(events=text), "c", "J").found == ()
    assert telemetry.usage(Server(usage=text), "c", "J").points == ()
    (request,) = list_requests(Server(id="R", type="T", status="S", approval_log=text, spec=text, details=text), "c")
    assert (request.decisions, request.template, request.details) == ((), None, {})
    assert (
        jobs.history(Server(activity_id="A", start_ts="t", status="SUCCESS", activity_info=text), "c")[0]["job_id"]
        is None
    )


@pytest.mark.attack
@pytest.mark.parametrize(
    "text",
    [
        "a: &a [x, x, x, x, x, x, x, x, x]\n"
        + "".join(f"{to}: &{to} [{', '.join(['*' + of] * 9)}]\n" for of, to in zip("abcdef", "bcdefg", strict=True)),
        "ml_jobs: " + "[" * 2_000 + "]" * 2_000,
        "- a list",
        "ml_jobs: !!python/object/apply:os.system [true]",
    ],
)
def test_a_code_spec_that_a_target_shows_is_read_like_every_spec(text: str) -> None:
    """Aliases that write one another out took all memory: this way in had a reader of its own, without bounds."""
    with pytest.raises(SpecProblems):
        manifests(text)


def test_numbers_of_a_shown_code_spec_stay_what_was_written() -> None:
    entry = {"path": "1.10", "size": 3, "sha256": "0" * 64}
    shown = f"version: 2025_10\nml_jobs:\n  - name: 1_0\n    content_manifest: [{json.dumps(entry)}]\n"
    (found,) = manifests(shown).items()
    assert (found[0], found[1].files[0].path, found[1].files[0].size) == ("1_0", "1.10", 3)

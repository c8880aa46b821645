"""What RUN answered, by the template: a job's id in a column of any name, or rows; and what became of a run that broke.

Source: ML jobs, "Run the ML Job" ("The call returns a job ID", in no column that the page names); collaboration API
reference, RUN; "Monitor analysis activity in collaborations", "Result columns".
"""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest
import yaml

from cleanroom_ml.errors import CommunicationError, ServerError
from cleanroom_ml.services import jobs
from cleanroom_ml.services.jobs import JobRun

CALL = "call cleanroom.model$train({{ compute_pool }}, 1, 'APP_WH', '{}')"


class Account:
    """An account with one approved template, as the pages describe it: it has no procedures beside them."""

    target = SimpleNamespace(kind="snowflake", parameters={"account": "ORG-ME", "warehouse": "APP_WH"})

    def __init__(self, body: str, answer: list[dict[str, Any]] | Exception, **code_spec: Any) -> None:
        spec = {"api_version": "2.0.0", "spec_type": "template", "name": "train", "version": "v1"}
        spec |= {"type": "sql_analysis", "code_specs": ["model_v1"], "template": body}
        self.template, self.answer, self.code_spec = yaml.safe_dump(spec), answer, {"name": "model"} | code_spec
        self.history: list[dict[str, Any]] | Exception = []
        self.sent: list[str] = []

    def call(self, procedure: str, *arguments: Any) -> list[dict[str, Any]]:
        self.sent.append(procedure.partition(".")[2])
        match self.sent[-1]:
            case "VIEW_TEMPLATES":
                return [{"template_id": "train_v1", "template_spec": self.template}]
            case "VIEW_CODE_SPECS":
                if not self.code_spec.get("shown", True):
                    raise ServerError("Insufficient privileges")
                return [{"code_spec_id": "model_v1", "code_spec": yaml.safe_dump(self.code_spec), "shared_by": "pub"}]
            case "RUN":
                return self.told(self.answer)
            case "GET_STATUS":
                return [{"collaborator_account": "ORG.ME", "collaborator_name": "me"}]
            case "VIEW_DATA_OFFERINGS":
                return [{"template_view_name": "pub.o_v1.t", "shared_with": '["me"]'}]
            case "VIEW_ACTIVITY_HISTORY":
                return self.told(self.history)
        raise AssertionError(procedure)

    def call_own(self, *_: Any) -> None:
        """As `Connection.call_own` where there is no such procedure."""

    @staticmethod
    def told(what: list[dict[str, Any]] | Exception) -> list[dict[str, Any]]:
        if isinstance(what, Exception):
            raise what
        return what


@pytest.mark.parametrize("shape", [str, yaml.safe_load, lambda text: json.dumps(yaml.safe_load(text), default=str)])
def test_a_template_is_read_with_what_a_target_has_added_to_it(shape: Any) -> None:
    """A key that the documentation does not have was the end of every run on that target."""
    account = Account(CALL, [{"x": "MLJOB_7"}])
    account.template = shape(account.template + "registered_on: 2026-09-01\nowner: {account: ORG.A}\n")
    assert ran(account).job_id == "MLJOB_7"
    assert jobs.run(account, JobRun("room", "TRAIN_V1", defaults={"compute_pool": "P"})).job_id == "MLJOB_7"  # type: ignore[arg-type]


def ran(account: Account) -> jobs.SubmittedJob:
    return jobs.run(account, JobRun("room", "train"))  # type: ignore[arg-type]


def test_a_run_with_a_wrong_table_names_its_key_of_the_project_file() -> None:
    account = Account(CALL, ServerError("DataProviderWithoutDataOffering: 'pub.x.t' is not shared with me."))
    with pytest.raises(ServerError) as caught:
        jobs.run(account, JobRun("room", "train", tables=("pub.x.t",), key="runs.train"))  # type: ignore[arg-type]
    assert caught.value.why == "did you mean 'pub.o_v1.t'? there are: pub.o_v1.t"
    assert "runs.train.tables in cleanroom.yaml" in str(caught.value.fix)


@pytest.mark.parametrize("column", ["job_id", "run", "RUN", "?column?", "result"])
@pytest.mark.parametrize(
    "value", ["MLJOB_7", '"MLJOB_7"', " MLJOB_7\n", '{"job_id": "MLJOB_7"}', {"job_id": "MLJOB_7"}]
)
def test_a_job_is_known_by_its_template_in_a_column_of_any_name(column: str, value: Any) -> None:
    assert ran(Account(CALL, [{column: value}])).job_id == "MLJOB_7"


@pytest.mark.parametrize(
    "row",
    [
        {"ml_job_id": "MLJOB_7"}, {"job_id": "MLJOB_7", "status": "PENDING"}, {"x": "ML job started. Job ID: MLJOB_7"},
        {"x": "job_id = 'MLJOB_7'"}, {"x": '{"JOB_ID": "MLJOB_7", "state": "PENDING"}'},
    ],
)  # fmt: skip
def test_a_job_s_id_is_read_beside_other_things_and_in_a_sentence(row: dict[str, Any]) -> None:
    assert ran(Account(CALL, [row], ml_jobs=[{"name": "train"}])).job_id == "MLJOB_7"


@pytest.mark.parametrize("rows", [[], [{"x": "started"}, {"x": "y"}], [{"x": "it was started"}], [{"x": 7}]])
def test_a_job_whose_id_cannot_be_read_is_no_answer_to_wait_for(rows: list[dict[str, Any]]) -> None:
    """It was taken for a query's rows, and `run --wait` ended well at once."""
    with pytest.raises(ServerError, match="no job id that can be read") as caught:
        ran(Account(CALL, rows, ml_jobs=[{"name": "TRAIN"}]))
    assert "do not run it again" in str(caught.value.fix)


@pytest.mark.parametrize(
    "answer",
    [
        {"ML_JOB_ID": "MLJOB_7", "status": "PENDING"},
        {"JobId": "MLJOB_7", "message": "started"},
        {"id": "MLJOB_7", "status": "PENDING"},
        {"ml_job_name": "MLJOB_7", "query": "01-q", "state": "PENDING"},
        {"x": "MLJOB_7", "message": None, "preview": True, "hints": {"a": 1}},
    ],
)
def test_a_job_is_found_beside_other_columns(answer: dict[str, Any]) -> None:
    """service-behaviour, "Shapes of answers": nobody says how RUN's answer calls the id, nor what stands beside it."""
    assert ran(Account(CALL, [answer], ml_jobs=[{"name": "TRAIN"}])).job_id == "MLJOB_7"


def test_a_job_is_one_also_where_code_specs_are_not_shown() -> None:
    assert ran(Account(CALL, [{"x": "MLJOB_7"}], shown=False)).job_id == "MLJOB_7"
    assert ran(Account(CALL, [{"x": "MLJOB_7"}], ml_jobs=[{"name": "train"}])).job_id == "MLJOB_7"


@pytest.mark.parametrize(
    "account",
    [
        Account("SELECT 'JOB_1' AS job_id", [{"job_id": "JOB_1"}]),
        Account(CALL, [{"train": "MLJOB_7"}], procedures=[{"name": "TRAIN"}]),
        Account(CALL, [{"a": "MLJOB_7", "b": 1}]),
        Account(CALL, [{"a": "x"}, {"a": "y"}]),
        Account(CALL, [{"a": "no id, but a sentence"}]),
        Account(CALL, [{"a": 7}]),
        Account(CALL, []),
    ],
)
def test_rows_stay_rows(account: Account) -> None:
    """A column of a query that is called job_id is no job: `run --wait` waited for it for ever."""
    done = ran(account)
    assert done.job_id is None
    assert list(done.rows) == account.answer


def test_a_run_is_found_by_its_runner_where_its_arguments_are_not_told() -> None:
    account = Account(CALL, CommunicationError("the connection broke"))
    account.history = [began(0.1, arguments=None) | {"analysis_runner_alias": "ME"}]
    with pytest.raises(CommunicationError, match="the connection broke") as caught:
        ran(account)
    assert "has a run of it" in str(caught.value.why)


def began(minutes: float, template: str = "train_v1", **more: Any) -> dict[str, Any]:
    parameters = {"template_id": template, "arguments": {}} | more
    info = {"request_parameters": {name: value for name, value in parameters.items() if value is not None}}
    start = datetime.now(UTC) - timedelta(minutes=minutes)
    return {"activity_id": f"A{minutes}", "start_ts": start, "status": "SUCCESS", "activity_info": info}


@pytest.mark.parametrize(
    ("history", "said"),
    [
        (lambda: [began(0.1)], "the activity history has a run of it that began"),
        (lambda: [began(30), began(0.1, "other_v1"), began(0.1, arguments=None)], "shows no run of it since"),
        (list, "shows no run of it since"),
        (lambda: CommunicationError("the connection broke"), "whether the run has begun is not known"),
        (lambda: ServerError("Insufficient privileges"), "whether the run has begun is not known"),
    ],
)
def test_a_run_that_broke_is_looked_up_and_never_sent_again(history: Callable[[], Any], said: str) -> None:
    """Older runs, other templates' and other runners' runs (whose arguments nobody else sees) are not taken for it.

    `history` is made when the test runs: its times are counted from now.
    """
    account = Account(CALL, CommunicationError("the connection broke", fix="repeat the command; repeating is safe"))
    account.history = history()
    with pytest.raises(CommunicationError) as caught:
        ran(account)
    assert said in str(caught.value.why)
    assert "cleanroom-ml history" in str(caught.value.fix)
    assert "repeating is safe" not in str(caught.value.fix)
    assert account.sent.count("RUN") == 1

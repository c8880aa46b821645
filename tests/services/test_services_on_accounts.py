"""What only a target that is no engine makes visible: an upgrade, a warehouse, what it leaves out of its answers.

Sources: service-behaviour ("Session", "What is asynchronous", "Shapes of answers"); DESCRIBE APPLICATION, "Output";
LIST, "Output"; CREATE STAGE.
"""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest
from services_targets import Account, Answer, Rows, unknown

from cleanroom_ml.errors import NotApprovedError, ServerError, UsageError, WaitTimeoutError
from cleanroom_ml.services import collaborations, memberships, offerings, upgrades
from cleanroom_ml.services.namespaces import in_its_schema
from cleanroom_ml.services.pools import create_pool, session_warehouse
from cleanroom_ml.services.roles import ON_ACCOUNT, held_privileges
from cleanroom_ml.services.runnable import runnable_template
from cleanroom_ml.services.staging import StageLocation, staged_difference
from cleanroom_ml.services.tolerant_specs import collaboration_of
from cleanroom_ml.specs.problems import SpecProblems


@pytest.fixture(autouse=True)
def _at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("time.sleep", lambda _: None)


NOT_YET = ServerError("SQL compilation error:\nUnknown user-defined function CLEANROOM.CODE$TRAIN.")


def described(*states: str) -> Answer:
    left = list(states)
    return lambda: [{"property": "upgrade_state", "value": left.pop(0) if len(left) > 1 else left[0]}]


def sends(*outcomes: object) -> object:
    left = list(outcomes)

    def send() -> object:
        outcome = left.pop(0)
        if isinstance(outcome, Exception):
            raise outcome
        return outcome

    return send


def test_a_run_waits_for_the_upgrade_and_is_sent_once_more() -> None:
    account, told = Account({"DESCRIBE": described("QUEUED", "UPGRADING", "COMPLETE")}), list[str]()
    assert upgrades.once_upgraded(account, "room", sends(NOT_YET, "job"), on_wait=told.append) == "job"  # type: ignore[arg-type]
    assert told == ["QUEUED", "UPGRADING"]
    assert set(account.sent) == {"DESCRIBE APPLICATION SFDCR_room"}


@pytest.mark.parametrize("answer", [described("FAILED"), described("DISABLED"), unknown("Application 'SFDCR_ROOM'")])
def test_a_run_that_no_upgrade_would_help_is_refused_as_it_was(answer: Answer) -> None:
    with pytest.raises(ServerError, match="Unknown user-defined function"):
        upgrades.once_upgraded(Account({"DESCRIBE": answer}), "room", sends(NOT_YET))  # type: ignore[arg-type]
    with pytest.raises(ServerError, match="something else"):
        upgrades.once_upgraded(Account({}), "room", sends(ServerError("something else")))  # type: ignore[arg-type]


def test_an_upgrade_that_takes_longer_names_its_state_and_what_to_type() -> None:
    with pytest.raises(WaitTimeoutError, match="still UPGRADING") as caught:
        upgrades.once_upgraded(
            Account({"DESCRIBE": described("UPGRADING")}),
            "room",
            sends(NOT_YET),  # type: ignore[arg-type]
            timeout_seconds=0,
        )
    assert "DESCRIBE APPLICATION SFDCR_room" in str(caught.value.fix)


@pytest.mark.parametrize(
    ("answer", "found"),
    [([{"warehouse": "APP_WH"}], "APP_WH"), ([{"warehouse": None}], None), (unknown("CURRENT_WAREHOUSE"), None)],
)
def test_the_session_s_warehouse_is_what_the_target_says(answer: Answer, found: str | None) -> None:
    account = Account({"SELECT": answer})
    assert session_warehouse(account) == found
    if found is None:
        with pytest.raises(UsageError, match="no warehouse"):
            create_pool(account, "P", "CPU_X64_S", nodes=1, collaboration="room")


@pytest.mark.parametrize(
    "rows",
    [
        [{"privilege": each, "granted": "true"} for each in ON_ACCOUNT],
        [{"check_privileges": "true"}],
        [{"check_privileges": dict.fromkeys(ON_ACCOUNT, True)}],
    ],
)
def test_privileges_are_read_in_every_form_of_a_yes(rows: Rows) -> None:
    held = held_privileges(Account({"ADMIN.CHECK_PRIVILEGES": rows}))
    assert {each.privilege for each in held if each.has} == set(ON_ACCOUNT)


@pytest.mark.parametrize("rows", [[], [{"check_privileges": "false"}], [{"check_privileges": "see the log"}]])
def test_privileges_that_are_not_told_one_by_one_are_not_made_up(rows: Rows) -> None:
    with pytest.raises(ServerError, match="does not tell the privileges"):
        held_privileges(Account({"ADMIN.CHECK_PRIVILEGES": rows}))


def test_what_list_does_not_tell_of_a_file_is_said_and_never_taken_for_the_same(tmp_path: Path) -> None:
    contents = {"same.py": b"same", "other.py": b"other", "parts.py": b"parts", "null.py": b"null", "size.py": b"1"}
    for name, content in contents.items():
        (tmp_path / name).write_bytes(content)
    told = {
        "same.py": hashlib.md5(b"same", usedforsecurity=False).hexdigest(),
        "other.py": "0" * 32,
        "parts.py": "0" * 32 + "-3",
        "null.py": None,
        "size.py": None,
    }
    rows = [{"name": f"s/d/{name}", "size": len(contents[name]), "md5": md5} for name, md5 in told.items()]
    rows[-1]["size"] = 7
    found = staged_difference(Account({"LIST": rows}), tmp_path, StageLocation.parse("S/d"))
    assert found.differences == ("staged with other content: other.py", "staged with other content: size.py")
    assert found.by_size == ("null.py", "parts.py")


@pytest.mark.parametrize("engine", [True, False])
def test_databases_are_made_by_what_a_target_answers_and_not_by_its_address(engine: bool) -> None:
    """The same target, of the same kind: only what it answers to SHOW PROCEDURES differs."""
    own = [{"catalog_name": "CLEANROOM_ML", "schema_name": "JOBS", "name": "LIST"}] if engine else []
    account = Account({"SHOW": own, "CREATE": [{"status": "DATABASE successfully created."}]})
    tries = sends(unknown("Database 'ML_DB'"), None)
    if engine:
        made = in_its_schema(account, "ML_DB.PUBLIC.S", tries)  # type: ignore[arg-type]
        assert made == ("database ML_DB", "schema ML_DB.PUBLIC")
    else:
        with pytest.raises(ServerError) as caught:
            in_its_schema(account, "ML_DB.PUBLIC.S", tries)  # type: ignore[arg-type]
        made = "cleanroom-ml sql 'CREATE DATABASE IF NOT EXISTS ML_DB; CREATE SCHEMA IF NOT EXISTS ML_DB.PUBLIC'"
        assert str(caught.value.fix).startswith(made)
        assert not [sql for sql in account.sent if sql.startswith("CREATE")]


@pytest.mark.parametrize("shared_with", ['["LOCAL"]', ["LOCAL"], "LOCAL", "local"])
def test_an_offering_is_linked_for_one_s_own_runs_once_and_named_by_the_view(shared_with: object) -> None:
    row = {"template_view_name": "LOCAL.o_V1.t", "shared_with": shared_with, "data_offering_id": "o_V1"}
    view: Rows = []

    def linked(*_: object) -> Rows:
        view.append(row)
        return [{"status": "ok"}]

    account = Account(
        {"COLLABORATION.VIEW_DATA_OFFERINGS": lambda _: view, "COLLABORATION.LINK_LOCAL_DATA_OFFERING": linked}
    )
    assert offerings.link_local(account, "room", "o_V1").new
    assert not offerings.link_local(account, "room", "o_V1").new
    assert offerings.views_of(account, "room", ("O_V1",)) == ("LOCAL.o_V1.t",)
    assert len([sql for sql in account.sent if "LINK_LOCAL_DATA_OFFERING(" in sql]) == 1


def test_who_was_added_later_joins_from_the_status_that_only_edit_s_page_names(monkeypatch: pytest.MonkeyPatch) -> None:
    """API reference, EDIT, "Usage notes": INVITED, REVIEWING, JOINING, JOINED."""
    monkeypatch.setattr(memberships, "_SEEN_SECONDS", 0.0)
    called = list[str]()

    def status(_: str) -> Rows:
        now = {"": "INVITED", "REVIEW": "REVIEWING", "JOIN": "JOINED"}[called[-1] if called else ""]
        return [{"collaborator_account": "ACME.ADVERTISER", "collaborator_name": "advertiser", "status": now}]

    def calls(name: str) -> Answer:
        return lambda *_: called.append(name) or [{"message": "started"}]  # type: ignore[func-returns-value]

    account = Account(
        {
            "COLLABORATION.GET_STATUS": status,
            "COLLABORATION.REVIEW": calls("REVIEW"),
            "COLLABORATION.JOIN": calls("JOIN"),
        }
    )
    assert collaborations.join(account, "lookalike", owner_account="ACME.PUBLISHER").status == "JOINED"
    assert called == ["REVIEW", "JOIN"]


def template_row(template_id: str) -> Rows:
    return [{"template_id": template_id, "template_spec": TEMPLATE, "shared_with": ["advertiser"]}]


TEMPLATE = "api_version: 2.0.0\nspec_type: template\nname: t\nversion: V1\ntype: sql_analysis\ntemplate: select 1\n"


def asked_for(status: str, runner: str = "advertiser") -> Rows:
    details = {"template_id": "t_V1", "share_with": [runner], "requested_by": "publisher"}
    return [{"id": "r", "type": "Add Template", "status": status, "details": details, "spec": TEMPLATE}]


@pytest.mark.parametrize("then", ["APPROVED", "COMPLETED"])
def test_a_template_that_everybody_has_approved_is_waited_for(then: str) -> None:
    """API reference, VIEW_UPDATE_REQUESTS: APPROVED is before, COMPLETED after the change is applied."""
    looks: list[Rows] = [[], [], template_row("t_V1")]
    account = Account(
        {
            "COLLABORATION.VIEW_TEMPLATES": lambda _: looks.pop(0),
            "COLLABORATION.VIEW_UPDATE_REQUESTS": lambda _: asked_for("APPROVED" if len(looks) > 1 else then),
        }
    )
    assert runnable_template(account, "lookalike", "t") == "t_V1"


@pytest.mark.parametrize(
    ("requests", "said"),
    [
        (asked_for("COMPLETED"), "not shared with this account, or not any more"),
        (asked_for("APPROVED", "agency"), "not shared with this account, or not any more"),
        (asked_for("PENDING_PARTNER_APPROVAL"), "is not approved yet"),
    ],
)
def test_a_template_that_waiting_would_not_bring_is_refused_at_once(requests: Rows, said: str) -> None:
    account = Account({"COLLABORATION.VIEW_TEMPLATES": [], "COLLABORATION.VIEW_UPDATE_REQUESTS": requests})
    with pytest.raises(NotApprovedError, match=said):
        runnable_template(account, "lookalike", "t")


def test_a_collaboration_is_read_with_whatever_a_target_has_added_to_it() -> None:
    """Top, runner, provider, reference: names that no spec has, ids without their key, and what is empty."""
    text = """\
api_version: 2.0.0
spec_type: collaboration
name: lookalike
owner: publisher
state: LIVE
collaborator_identifier_aliases: {publisher: ACME.PUBLISHER, advertiser: ACME.ADVERTISER}
analysis_runners:
  advertiser:
    joined: true
    data_providers:
      publisher: {data_offerings: [features_v1, {id: seed_v1, shared_on: today}], since: 3}
      advertiser: {data_offerings: null}
    templates: [{id: train_V1, status: COMPLETED}]
    activation_destinations: null
"""
    spec = collaboration_of(text, "shown")
    runner = spec.analysis_runners["advertiser"]
    assert [each.id for each in runner.data_providers["publisher"].data_offerings] == ["features_v1", "seed_v1"]
    assert runner.data_providers["advertiser"].data_offerings == ()
    assert [each.id for each in runner.templates] == ["train_V1"]
    with pytest.raises(SpecProblems):
        collaboration_of(text.replace("owner: publisher", "owner: nobody"), "shown")

"""Every procedure that SHOW PROCEDURES lists: that it does what it is for, what it refuses by name, and that a role
without its privilege calls none of it.

A procedure that is new has no row here, and fails these tests. Sources: collaboration-api-reference (each procedure,
"Access management procedures"), docs/api-digest.md §3, §4, §7 and §9 (names of errors).
"""

from __future__ import annotations

import re
from typing import Any

import pytest
from rooms_world import (
    ADVERTISED,
    CODE_SPEC,
    COLLABORATION,
    JOB_TEMPLATE,
    OFFERING,
    SQL_TEMPLATE,
    Party,
    World,
)
from test_rooms_activation import BLOCK
from test_rooms_activation import spec as activation
from test_rooms_roles import lesser
from test_rooms_runs import JOB, VIEW, action, give

from cleanroom_ml.engine.assembly.procedures import DATABASE, OWN_DATABASE, OWN_PROCEDURES, PROCEDURES
from cleanroom_ml.engine.rooms.role_checks import RoleChecks
from cleanroom_ml.engine.sql.errors import SqlError

pytestmark = pytest.mark.sandbox

LISTED = {f"{schema}.{name}": DATABASE for schema, names in PROCEDURES.items() for name in names}
LISTED |= {f"{schema}.{name}": OWN_DATABASE for schema, names in OWN_PROCEDURES.items() for name in names}


def call(party: Party, name: str, *arguments: Any) -> Any:
    """A procedure by schema and name, of whichever database has it."""
    return party.procedures.call(party.session, (LISTED[name], *name.split(".")), arguments, query_id="q")


def refusal(party: Party, name: str, *arguments: Any) -> str:
    """What it says; empty where it did it."""
    try:
        call(party, name, *arguments)
    except SqlError as error:
        return error.message
    return ""


class Doing:
    """Calls that are to be done, and which procedures they were of."""

    def __init__(self, world: World) -> None:
        self._world = world
        self.done: set[str] = set()

    def __call__(self, party: Party, name: str, *arguments: Any) -> list[dict[str, Any]]:
        result = call(party, name, *arguments)
        self.done.add(name)
        return [dict(zip([column for column, _ in result.columns], row, strict=True)) for row in rows_of(result)]


def rows_of(result: Any) -> Any:
    return getattr(result, "rows", ())


@pytest.mark.slow
def test_every_procedure_does_what_it_is_for(world: World) -> None:
    """One history in which each of them is called, and what it is for is so afterwards."""
    doing, owner, runner = Doing(world), world.publisher, world.advertiser
    for account in ("PUBLISHER", "ADVERTISER"):
        world.table(account, "CUSTOMERS", {"EMAIL_HASH": ["a" * 64], "CITY": ["Oslo"]})
    world.stage("PUBLISHER", {"model/train.py": "print(1)\n"})
    # Registries: what is registered is listed, and can be taken out again.
    plain = CODE_SPEC.replace("    pip_requirements: [pandas, xgboost]\n", "")
    doing(owner, "REGISTRY.CREATE_REGISTRY", "eu", "TEMPLATE")
    assert {row["REGISTRY_NAME"] for row in doing(owner, "REGISTRY.VIEW_REGISTRIES")} >= {"eu"}
    for kind, spec, more, listed in (
        ("TEMPLATE", SQL_TEMPLATE, ("eu",), "count_v1"),
        ("DATA_OFFERING", OFFERING, (), "sales_v1"),
        ("CODE_SPEC", plain, (), "model_v1"),
    ):
        doing(owner, f"REGISTRY.REGISTER_{kind}", *more, spec)
        found = doing(owner, f"REGISTRY.VIEW_REGISTERED_{kind}S")
        assert [row[f"{kind}_ID"] for row in found] == [listed]
        if kind != "CODE_SPEC":
            doing(owner, f"REGISTRY.UNREGISTER_{kind}", listed)
            assert doing(owner, f"REGISTRY.VIEW_REGISTERED_{kind}S") == []
            doing(owner, f"REGISTRY.REGISTER_{kind}", spec)
    assert doing(owner, "CODE_SPECS.DESCRIBE", "model_v1") != []
    assert doing(owner, "IMAGES.COMPARE", None, "sha256:" + "0" * 64) != []
    # Into the collaboration.
    assert doing(owner, "COLLABORATION.INITIALIZE", COLLABORATION)[0]["COLLABORATION_NAME"] == "lookalike"
    doing(owner, "COLLABORATION.JOIN", "lookalike")
    doing(runner, "REGISTRY.REGISTER_DATA_OFFERING", ADVERTISED)
    assert doing(runner, "COLLABORATION.VIEW_COLLABORATIONS")[0]["COLLABORATION_NAME"] is None
    doing(runner, "COLLABORATION.REVIEW", "lookalike", "LOCAL.PUBLISHER")
    doing(runner, "COLLABORATION.JOIN", "lookalike")
    assert {row["STATUS"] for row in doing(runner, "COLLABORATION.GET_STATUS", "lookalike")} == {"JOINED"}
    # Data and settings.
    shared = ("lookalike", "sales_v1", ["adv"])
    for way, there in (("LINK", 1), ("UNLINK", 0), ("LINK", 1)):
        doing(owner, f"COLLABORATION.{way}_DATA_OFFERING", *shared)
        assert len(doing(runner, "COLLABORATION.VIEW_DATA_OFFERINGS", "lookalike")) == there
    for way, there in (("LINK", 2), ("UNLINK", 1)):
        doing(runner, f"COLLABORATION.{way}_LOCAL_DATA_OFFERING", "lookalike", "redeemers_v1")
        assert len(doing(runner, "COLLABORATION.VIEW_DATA_OFFERINGS", "lookalike")) == there
    for name, arguments, value in (
        ("ENABLE_TEMPLATE_AUTO_APPROVAL", (), "true"),
        ("DISABLE_TEMPLATE_AUTO_APPROVAL", (), "false"),
        ("SET_CONFIGURATION", ("TEMPLATE_AUTO_APPROVAL", "true"), "true"),
        ("SET_CONFIGURATION", ("TEMPLATE_AUTO_APPROVAL", "false"), "false"),
    ):
        doing(runner, f"COLLABORATION.{name}", "lookalike", *arguments)
        settings = doing(runner, "COLLABORATION.GET_CONFIGURATION", "lookalike")
        assert {row["CONFIGURATION"]: row["VALUE"] for row in settings}["TEMPLATE_AUTO_APPROVAL"] == value
    # Requests: one is rejected, one approved, one taken back.
    for template in (SQL_TEMPLATE.replace("name: count", "name: unwanted"), JOB_TEMPLATE, SQL_TEMPLATE):
        if template is not SQL_TEMPLATE:
            doing(owner, "REGISTRY.REGISTER_TEMPLATE", template)
    for template, answer, status in (
        ("unwanted_v1", ("REJECT_UPDATE_REQUEST", "no"), "REJECTED"),
        ("train_v1", ("APPROVE_UPDATE_REQUEST",), "COMPLETED"),
        ("count_v1", ("APPROVE_UPDATE_REQUEST",), "COMPLETED"),
    ):
        doing(owner, "COLLABORATION.ADD_TEMPLATE_REQUEST", "lookalike", template, ["adv"])
        asked = doing(runner, "COLLABORATION.VIEW_UPDATE_REQUESTS", "lookalike")[-1]["ID"]
        assert doing(runner, "APPROVALS.DESCRIBE_REQUEST", "lookalike", asked)[0]["REQUEST_ID"] == asked
        doing(runner, f"COLLABORATION.{answer[0]}", "lookalike", asked, *answer[1:])
        assert doing(runner, "COLLABORATION.VIEW_UPDATE_REQUESTS", "lookalike")[-1]["STATUS"] == status
        said = [row["DECISION"] for row in doing(runner, "APPROVALS.VIEW_DECISIONS", "lookalike")]
        assert said[-1] in ("REJECTED", "APPROVED")
    templates = {row["TEMPLATE_ID"] for row in doing(runner, "COLLABORATION.VIEW_TEMPLATES", "lookalike")}
    assert templates == {"train_v1", "count_v1"}
    assert [row["CODE_SPEC_ID"] for row in doing(runner, "COLLABORATION.VIEW_CODE_SPECS", "lookalike")] == ["model_v1"]
    # A job, and all that is told of it.
    world.storage.warehouses.grant_usage("ADVERTISER", "COMPUTE POOL", "ML_POOL", "SFDCR_LOOKALIKE")
    world.storage.warehouses.grant_usage("ADVERTISER", "WAREHOUSE", "COMPUTE_WH", "SFDCR_LOOKALIKE")
    job = next(iter(doing(runner, "COLLABORATION.RUN", "lookalike", *JOB)[0].values()))
    assert doing(runner, "COLLABORATION.RUN_ML_JOB_ACTION", "lookalike", action(job, "get_status")) == [
        {"STATUS": "PENDING"}
    ]
    assert doing(runner, "JOBS.LIST", "lookalike")[0]["JOB_ID"] == job
    for name in ("STATUS", "LOGS", "EVENTS", "USAGE"):
        assert doing(runner, f"JOBS.{name}", "lookalike", job) != []
    assert doing(runner, "JOBS.CANCEL", "lookalike", job) == [{"STATUS": "CANCELLED"}]
    assert len(doing(runner, "COLLABORATION.VIEW_ACTIVITY_HISTORY", "lookalike")) == 1
    # An activation.
    give(world, BLOCK, name="act", kind="sql_activation")
    doing(runner, "COLLABORATION.RUN", "lookalike", activation())
    assert doing(owner, "COLLABORATION.VIEW_ACTIVATIONS", "lookalike")[0]["STATUS"] == "SHARED"
    assert doing(owner, "COLLABORATION.PROCESS_ACTIVATION", "lookalike", "q1")[0]["SEGMENT_NAME"] == "q1"
    # What a role may do.
    worker = lesser(world, "ADVERTISER")
    run = ("RUN", "COLLABORATION", "lookalike", "worker")
    for name, arguments, held in (
        ("GRANT_PRIVILEGE_ON_ACCOUNT_TO_ROLE", ("JOIN COLLABORATION", "worker"), True),
        ("REVOKE_PRIVILEGE_ON_ACCOUNT_FROM_ROLE", ("JOIN COLLABORATION", "worker"), False),
        ("GRANT_PRIVILEGE_ON_OBJECT_TO_ROLE", run, True),
        ("REVOKE_PRIVILEGE_ON_OBJECT_FROM_ROLE", run, False),
    ):
        doing(runner, f"ADMIN.{name}", *arguments)
        if "ACCOUNT" in name:
            (told,) = doing(worker, "ADMIN.CHECK_PRIVILEGES", ["JOIN COLLABORATION"])
            assert told["HAS_PRIVILEGE"] is held
        else:
            assert ("Insufficient" in refusal(worker, "COLLABORATION.RUN", *("lookalike", "x", [], [], {}))) is False
    assert doing(owner, "LIBRARY.CHECK_MOUNT_STATUS") == [{"CHECK_MOUNT_STATUS": True}]
    for name in ("LIBRARY.APPLY_PATCH", "LIBRARY.ENABLE_LOCAL_DB_AUTO_UPGRADES"):
        assert doing(owner, name) != []
    # And out again.
    doing(owner, "COLLABORATION.REMOVE_TEMPLATE", "lookalike", "count_v1", ["adv"])
    spec = doing(owner, "COLLABORATION.VIEW_COLLABORATIONS")[0]["COLLABORATION_SPEC"] + "distribution: external\n"
    doing(owner, "COLLABORATION.EDIT", "lookalike", spec)
    for party, name, end in ((runner, "LEAVE", "LEFT"), (owner, "TEARDOWN", "DROPPED")):
        for status in ("LOCAL_DROP_PENDING", end):
            doing(party, f"COLLABORATION.{name}", "lookalike")
            own = {row["STATUS"] for row in doing(party, "COLLABORATION.GET_STATUS", "lookalike")}
            assert status in own
    assert doing.done == LISTED.keys(), "a procedure without its place in this history"


# Refused by name, each as its procedure's page or docs/api-digest.md says; who asks: the owner, the runner, a stranger.
NOT_THERE = "CollaborationNotFoundException"
OF_A_ROOM = {
    "JOIN": (), "LEAVE": (), "TEARDOWN": (), "GET_STATUS": (), "VIEW_DATA_OFFERINGS": (), "VIEW_TEMPLATES": (),
    "VIEW_CODE_SPECS": (), "VIEW_UPDATE_REQUESTS": (), "GET_CONFIGURATION": (), "ENABLE_TEMPLATE_AUTO_APPROVAL": (),
    "DISABLE_TEMPLATE_AUTO_APPROVAL": (), "VIEW_ACTIVATIONS": (), "PROCESS_ACTIVATION": (),
    "VIEW_ACTIVITY_HISTORY": (), "EDIT": (COLLABORATION,), "LINK_DATA_OFFERING": ("sales_v1", ["adv"]),
    "UNLINK_DATA_OFFERING": ("sales_v1", ["adv"]), "LINK_LOCAL_DATA_OFFERING": ("sales_v1",),
    "UNLINK_LOCAL_DATA_OFFERING": ("sales_v1",), "ADD_TEMPLATE_REQUEST": ("count_v1", ["adv"]),
    "REMOVE_TEMPLATE": ("count_v1", ["adv"]), "APPROVE_UPDATE_REQUEST": ("request_1",),
    "REJECT_UPDATE_REQUEST": ("request_1", "no"), "SET_CONFIGURATION": ("TEMPLATE_AUTO_APPROVAL", "true"),
    "RUN": ("count_v1", [], [], {}), "RUN_ML_JOB_ACTION": (action("JOB_1", "get_status"),),
}  # fmt: skip
OF_OWN = {
    "JOBS.LIST": (), "JOBS.STATUS": ("JOB_1",), "JOBS.LOGS": ("JOB_1",), "JOBS.EVENTS": ("JOB_1",),
    "JOBS.USAGE": ("JOB_1",), "JOBS.CANCEL": ("JOB_1",), "APPROVALS.VIEW_DECISIONS": (),
    "APPROVALS.DESCRIBE_REQUEST": ("request_1",),
}  # fmt: skip
_OTHER_CODE = JOB_TEMPLATE.replace("model", "other").replace("name: train", "name: new")
REFUSED: tuple[tuple[str, str, tuple[Any, ...], str], ...] = (
    *(("owner", f"COLLABORATION.{name}", ("nowhere", *more), NOT_THERE) for name, more in OF_A_ROOM.items()),
    *(("owner", name, ("nowhere", *more), NOT_THERE) for name, more in OF_OWN.items()),
    ("owner", "REGISTRY.REGISTER_TEMPLATE", ("no spec",), "SpecValidationError"),
    ("owner", "REGISTRY.REGISTER_TEMPLATE", (SQL_TEMPLATE,), "TemplateAlreadyExistsException"),
    ("owner", "REGISTRY.REGISTER_TEMPLATE", ("nowhere", SQL_TEMPLATE), "RegistryNotFoundException"),
    ("owner", "REGISTRY.REGISTER_TEMPLATE", (_OTHER_CODE,), "CodeSpecNotFoundForOwner"),
    ("owner", "REGISTRY.REGISTER_DATA_OFFERING", ("no spec",), "SpecValidationError"),
    ("owner", "REGISTRY.REGISTER_DATA_OFFERING", (OFFERING,), "DataOfferingAlreadyExistsException"),
    ("owner", "REGISTRY.REGISTER_DATA_OFFERING", ("nowhere", OFFERING), "RegistryNotFoundException"),
    ("owner", "REGISTRY.REGISTER_CODE_SPEC", ("no spec",), "SpecValidationError"),
    ("owner", "REGISTRY.REGISTER_CODE_SPEC", (CODE_SPEC,), "CodeSpecAlreadyExistsException"),
    ("stranger", "REGISTRY.REGISTER_CODE_SPEC", (CODE_SPEC,), "CodeSpecStageNotAccessibleError"),
    *(
        ("owner", f"REGISTRY.VIEW_REGISTERED_{kind}S", ("default",), "SpecValidationError")
        for kind in ("TEMPLATE", "DATA_OFFERING", "CODE_SPEC")
    ),
    ("owner", "REGISTRY.UNREGISTER_TEMPLATE", ("nothing_v1",), "ResourceNotFoundException"),
    ("owner", "REGISTRY.UNREGISTER_TEMPLATE", ("train_v1",), "ResourceInUseException"),
    ("owner", "REGISTRY.UNREGISTER_DATA_OFFERING", ("nothing_v1",), "ResourceNotFoundException"),
    ("owner", "REGISTRY.UNREGISTER_DATA_OFFERING", ("sales_v1",), "ResourceInUseException"),
    ("owner", "REGISTRY.CREATE_REGISTRY", ("eu", "CODE"), "SpecValidationError"),
    ("owner", "REGISTRY.CREATE_REGISTRY", ("default", "TEMPLATE"), "RegistryAlreadyExistsException"),
    ("owner", "COLLABORATION.INITIALIZE", ("no spec",), "SpecValidationError"),
    ("owner", "COLLABORATION.INITIALIZE", (COLLABORATION,), "CollaborationAlreadyExistsException"),
    ("runner", "COLLABORATION.INITIALIZE", (COLLABORATION,), "SpecValidationError"),
    ("owner", "COLLABORATION.REVIEW", ("lookalike", "LOCAL.PUBLISHER"), "CollaborationInvitationNotFound"),
    ("stranger", "COLLABORATION.REVIEW", ("lookalike", "LOCAL.PUBLISHER"), "CollaborationInvitationNotFound"),
    ("runner", "COLLABORATION.REVIEW", ("lookalike", "LOCAL.PUBLISHER"), "CollaborationAlreadyReviewed"),
    ("runner", "COLLABORATION.JOIN", ("lookalike",), "InvalidCollaborationStatusError"),
    ("owner", "COLLABORATION.LEAVE", ("lookalike",), "PermissionDeniedException"),
    ("runner", "COLLABORATION.TEARDOWN", ("lookalike",), "PermissionDeniedException"),
    ("runner", "COLLABORATION.EDIT", ("lookalike", COLLABORATION), "PermissionDeniedException"),
    ("owner", "COLLABORATION.EDIT", ("lookalike", "no spec"), "SpecValidationError"),
    ("runner", "COLLABORATION.SET_CONFIGURATION", ("lookalike", "ALLOW_ML_JOBS_MONITORING", "false"), "PermissionDen"),
    ("owner", "COLLABORATION.SET_CONFIGURATION", ("lookalike", "NO_SUCH", "true"), "SpecValidationError"),
    ("owner", "COLLABORATION.LINK_DATA_OFFERING", ("lookalike", "sales_v1", ["nobody"]), "CollaboratorAliasNotFound"),
    ("owner", "COLLABORATION.LINK_DATA_OFFERING", ("lookalike", "no_v1", ["adv"]), "DataProviderWithoutDataOffering"),
    ("owner", "COLLABORATION.LINK_DATA_OFFERING", ("lookalike", "sales_v1", ["adv"]), "already"),
    ("owner", "COLLABORATION.UNLINK_DATA_OFFERING", ("lookalike", "no_v1", ["adv"]), "DataOffering"),
    ("runner", "COLLABORATION.LINK_LOCAL_DATA_OFFERING", ("lookalike", "no_v1"), "DataProviderWithoutDataOffering"),
    ("owner", "COLLABORATION.ADD_TEMPLATE_REQUEST", ("lookalike", "no_v1", ["adv"]), "TemplateNotFoundForOwner"),
    ("owner", "COLLABORATION.ADD_TEMPLATE_REQUEST", ("lookalike", "train_v1", ["adv"]), "UpdateRequestState"),
    ("owner", "COLLABORATION.ADD_TEMPLATE_REQUEST", ("lookalike", "count_v1", ["pub"]), "SpecValidationError"),
    (
        "runner",
        "COLLABORATION.REMOVE_TEMPLATE",
        ("lookalike", "count_v1", ["adv"]),
        "TemplateNotFoundForOwnerException",
    ),
    ("runner", "COLLABORATION.APPROVE_UPDATE_REQUEST", ("lookalike", "request_1"), "UpdateRequestNotFound"),
    ("runner", "COLLABORATION.REJECT_UPDATE_REQUEST", ("lookalike", "request_1", "no"), "UpdateRequestNotFound"),
    ("runner", "COLLABORATION.REJECT_UPDATE_REQUEST", ("lookalike", "request_1", None), "SpecValidationError"),
    ("owner", "COLLABORATION.RUN", ("lookalike", "count_v1", [VIEW], [], {}), "PermissionDeniedException"),
    ("runner", "COLLABORATION.RUN", ("lookalike", "train_v1", [VIEW], [], {}), "TemplateNotApprovedException"),
    ("runner", "COLLABORATION.RUN", ("lookalike", "no spec"), "SpecValidationError"),
    ("runner", "COLLABORATION.RUN_ML_JOB_ACTION", ("lookalike", action("JOB_1", "get_logs")), "MLJobNotFound"),
    ("runner", "COLLABORATION.RUN_ML_JOB_ACTION", ("lookalike", action("JOB_1", "dance")), "SpecValidationError"),
    ("owner", "COLLABORATION.PROCESS_ACTIVATION", ("lookalike", 1), "SpecValidationError"),
    *(
        ("runner", name, ("lookalike", *more), "MLJobNotFoundException")
        for name, more in OF_OWN.items()
        if more == ("JOB_1",)
    ),
    ("runner", "JOBS.LIST", ("lookalike", 0), "SpecValidationError"),
    ("runner", "APPROVALS.DESCRIBE_REQUEST", ("lookalike", "request_1"), "UpdateRequestNotFoundException"),
    ("owner", "CODE_SPECS.DESCRIBE", ("no_v1",), "CodeSpecNotFoundForOwnerException"),
    *(
        ("owner", f"ADMIN.{name}", ("NO SUCH", "sysadmin"), "SpecValidationError")
        for name in ("GRANT_PRIVILEGE_ON_ACCOUNT_TO_ROLE", "REVOKE_PRIVILEGE_ON_ACCOUNT_FROM_ROLE")
    ),
    *(
        ("owner", f"ADMIN.{name}", (*arguments, "sysadmin"), said)
        for name in ("GRANT_PRIVILEGE_ON_OBJECT_TO_ROLE", "REVOKE_PRIVILEGE_ON_OBJECT_FROM_ROLE")
        for arguments, said in (
            (("RUN", "COLLABORATION", "nowhere"), NOT_THERE),
            (("RUN", "TABLE", "lookalike"), "SpecValidationError"),
            (("READ", "REGISTRY", "nowhere"), "RegistryNotFoundException"),
        )
    ),
    ("owner", "ADMIN.CHECK_PRIVILEGES", ([],), "SpecValidationError"),
)
# They tell everybody what is theirs, and refuse nothing but a wrong number of arguments.
REFUSE_NOTHING = {
    "REGISTRY.VIEW_REGISTRIES", "COLLABORATION.VIEW_COLLABORATIONS", "LIBRARY.CHECK_MOUNT_STATUS", "IMAGES.COMPARE",
    "LIBRARY.APPLY_PATCH", "LIBRARY.ENABLE_LOCAL_DB_AUTO_UPGRADES",
}  # fmt: skip
TOLD = {"COLLABORATION.VIEW_COLLABORATIONS", "LIBRARY.CHECK_MOUNT_STATUS", "ADMIN.CHECK_PRIVILEGES"}
"""For every role: nothing is in them for one that has nothing."""


@pytest.fixture
def standing(submitted: World) -> World:
    """Two have joined, `train_v1` waits for the runner, and `count_v1` is registered."""
    submitted.publisher.call("REGISTER_TEMPLATE", SQL_TEMPLATE)
    return submitted


def test_what_a_procedure_refuses_it_refuses_by_name_and_changes_nothing(standing: World) -> None:
    parties = {"owner": standing.publisher, "runner": standing.advertiser, "stranger": standing.stranger}
    before, wrong = _everything(standing), []
    for party, name, arguments, expected in REFUSED:
        said = refusal(parties[party], name, *arguments)
        if expected not in said:
            wrong.append(f"{party} {name}{arguments!r:.80}: {said[:120]!r}, not {expected}")
        if _everything(standing) != before:
            wrong.append(f"{party} {name}: changed something")
            before = _everything(standing)
    assert not wrong, "\n".join(wrong)
    shown = {
        f"{row['schema_name']}.{row['name']}": row["catalog_name"] for row in standing.publisher.sql("SHOW PROCEDURES")
    }
    assert shown == LISTED
    assert {name for _, name, _, _ in REFUSED} == LISTED.keys() - REFUSE_NOTHING, "a procedure without a refusal"


@pytest.mark.attack
def test_a_role_without_its_privilege_calls_nothing(standing: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """access management: who is not granted a procedure, and does not use SAMOOHA_APP_ROLE, calls none of it."""
    worker = lesser(standing, "ADVERTISER")
    before = _everything(standing)
    arguments = {f"COLLABORATION.{name}": ("lookalike", *more) for name, more in OF_A_ROOM.items()}
    arguments |= {name: ("lookalike", *more) for name, more in OF_OWN.items()}
    arguments |= {"COLLABORATION.REVIEW": ("lookalike", "LOCAL.PUBLISHER"), "IMAGES.COMPARE": (None, "sha256:0")}
    arguments |= {
        f"ADMIN.{way}_PRIVILEGE_ON_{on}_ROLE": ("RUN", "COLLABORATION", "lookalike", "worker")
        for way, on in (("GRANT", "OBJECT_TO"), ("REVOKE", "OBJECT_FROM"))
    }
    arguments |= {
        f"ADMIN.{way}_PRIVILEGE_ON_{on}_ROLE": ("JOIN COLLABORATION", "worker")
        for way, on in (("GRANT", "ACCOUNT_TO"), ("REVOKE", "ACCOUNT_FROM"))
    }
    every = {**PROCEDURES, **OWN_PROCEDURES}

    def answers() -> dict[str, str]:
        told = {}
        for name in sorted(LISTED.keys() - TOLD):
            schema, _, procedure = name.partition(".")
            given = arguments.get(name, ("x_v1",) * every[schema][procedure].fewest)
            told[name] = refusal(worker, name, *given)
        return told

    said = answers()
    kept = re.compile("Insufficient privileges|CollaborationNotFoundException|CollaborationAlreadyReviewed")
    assert {name: text for name, text in said.items() if not kept.search(text)} == {}
    assert _everything(standing) == before
    assert call(worker, "COLLABORATION.VIEW_COLLABORATIONS").rows == ()
    assert call(worker, "LIBRARY.CHECK_MOUNT_STATUS").rows == ((False,),)
    assert call(worker, "ADMIN.CHECK_PRIVILEGES", ["JOIN COLLABORATION"]).rows == (("JOIN COLLABORATION", False),)
    # Without the control the same role is answered as its account is; ADMIN's procedures ask by themselves.
    monkeypatch.setattr(RoleChecks, "check", lambda self, session, schema, procedure, args: args)
    monkeypatch.setattr(RoleChecks, "sees", lambda self, rights, member: True)
    unguarded = answers()
    still = {name for name, text in unguarded.items() if kept.search(text)}
    # What has been joined has no invitation any more, for no role.
    assert still <= {name for name in LISTED if name.startswith("ADMIN.")} | {"COLLABORATION.REVIEW"}


def _everything(world: World) -> dict[str, list[tuple[Any, ...]]]:
    """All that the catalog keeps of rooms and of grants."""
    with world.storage.database.read() as connection:
        tables = [
            row["name"]
            for row in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
            if row["name"].startswith("room_") or "grant" in row["name"] or row["name"] == "databases"
        ]
        return {
            table: sorted((tuple(row) for row in connection.execute(f"SELECT * FROM {table}")), key=repr)
            for table in tables
        }

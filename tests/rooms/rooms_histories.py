"""Random histories of collaborations, with moves that are killed."""

from __future__ import annotations

import itertools
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from hypothesis import strategies as st
from rooms_world import PUBLIC_KEY, SQL_TEMPLATE, JobBook, Party

from cleanroom_ml.engine.assembly.procedures import ProcedureTable
from cleanroom_ml.engine.rooms import access, requests_store
from cleanroom_ml.engine.rooms.activation import Activations
from cleanroom_ml.engine.rooms.rooms import Rooms
from cleanroom_ml.engine.rooms.schema import SCHEMA
from cleanroom_ml.engine.rooms.statuses import Statuses
from cleanroom_ml.engine.sql.errors import SqlError
from cleanroom_ml.engine.storage.keys import Column, Key, Table
from cleanroom_ml.engine.storage.storage import Storage
from cleanroom_ml.specs.template import Template

ACCOUNTS = ("PUBLISHER", "ADVERTISER", "STRANGER")
# An update request: VIEW_UPDATE_REQUESTS; "all required approvers have approved", "someone … rejected", then applied.
# A decision: APPROVE_ and REJECT_UPDATE_REQUEST; the sender's own may be taken back (release notes, version 13.9).
# An activation: service-behaviour, "What is asynchronous"; what nobody can receive any more has FAILED.
OTHERS = {
    "room_requests": {"REQUESTED": {"APPROVED", "REJECTED", "FAILED"}, "APPROVED": {"COMPLETED", "FAILED"}},
    "room_decisions": {"PENDING": {"APPROVED", "REJECTED"}, "APPROVED": {"REJECTED"}},
    "room_activations": {
        "PENDING": {"REPLICATING", "SHARED", "FAILED"},
        "REPLICATING": {"SHARED", "FAILED"},
        "SHARED": {"PROCESSED", "FAILED"},
    },
}
# What the documentation draws, and what it says of failures, of replication, and of the way out.
PATHWAYS = {
    "CREATING": {"CREATED", "CREATE_FAILED", "CREATE_TIMED_OUT"},
    "CREATED": {"INSTALLING", "REPLICATING"},
    "INVITED": {"INSTALLING", "REPLICATING", "DROPPED"},
    "REPLICATING": {"CREATED", "INVITED", "DROPPED"},
    "INSTALLING": {"IN_REVIEW", "INSTALLATION_FAILED", "LOCAL_DROP_PENDING"},
    "INSTALLATION_FAILED": {"INSTALLING", "LOCAL_DROP_PENDING"},
    "IN_REVIEW": {"JOINING", "LOCAL_DROP_PENDING"},
    "JOINING": {"JOINED", "JOIN_FAILED", "LOCAL_DROP_PENDING"},
    "JOIN_FAILED": {"JOINING", "LOCAL_DROP_PENDING"},
    "JOINED": {"LEAVING", "DROPPING", "LOCAL_DROP_PENDING"},
    "LEAVING": {"LOCAL_DROP_PENDING", "LEAVE_FAILED"},
    "LEAVE_FAILED": {"LEAVING", "LOCAL_DROP_PENDING"},
    "DROPPING": {"LOCAL_DROP_PENDING", "DROP_FAILED"},
    "DROP_FAILED": {"DROPPING"},
    "LOCAL_DROP_PENDING": {"LEFT", "DROPPED"},
}
BOTH = """
api_version: 2.0.0
spec_type: collaboration
name: r
owner: pub
collaborator_identifier_aliases: {pub: LOCAL.PUBLISHER, adv: LOCAL.ADVERTISER}
analysis_runners:
  adv: {data_providers: {pub: {data_offerings: []}}, activation_destinations: {snowflake_collaborators: [pub]}}
"""
THREE = BOTH.replace("ADVERTISER}", "ADVERTISER, late: LOCAL.STRANGER}").replace(
    "{pub: {data_offerings: []}}", "{pub: {data_offerings: []}, late: {data_offerings: []}}"
)
ALONE = BOTH.replace(", adv: LOCAL.ADVERTISER", "").replace("  adv:", "  pub:")
ACTIVATING = Template(
    api_version="2.0.0", spec_type="template", name="act", version="v1", type="sql_activation", template="BEGIN END"
)
CALLS: tuple[tuple[str, tuple[object, ...]], ...] = (
    ("INITIALIZE", (BOTH,)),
    ("INITIALIZE", (THREE, "COMPUTE_WH")),
    ("REVIEW", ("r", "LOCAL.PUBLISHER")),
    ("REVIEW", ("r", "LOCAL.PUBLISHER", "x")),
    ("JOIN", ("r",)),
    ("LEAVE", ("r",)),
    ("LEAVE", ("x",)),
    ("TEARDOWN", ("r",)),
    ("EDIT", ("r", THREE)),
    ("EDIT", ("r", BOTH)),
    ("EDIT", ("r", ALONE)),
    ("into", ()),
    ("into", ()),
    ("into", ()),
    ("LEAVE", ("r",)),
    ("LEAVE", ("r",)),
    ("approve", ()),
    ("approve", ()),
    ("reject", ()),
    ("ask", ()),
    ("REMOVE_TEMPLATE", ("r", "count_v1", ["adv"])),
    ("send", ()),
    ("PROCESS_ACTIVATION", ("r",)),
    ("SET_CONFIGURATION", ("r", "TEMPLATE_AUTO_APPROVAL", "true")),
    ("in the way", ()),
)
TABLES = (
    "room_decisions", "room_templates", "room_request_runners", "room_requests", "room_links",
    "room_local_links", "room_runners", "room_destinations", "room_settings", "room_pending_settings",
    "room_reviews", "room_activations", "room_activities", "room_members", "room_collaborations", "moves", "others",
)  # fmt: skip
STEPS = st.lists(
    st.tuples(st.sampled_from(ACCOUNTS), st.sampled_from(CALLS), st.none() | st.integers(-1, 3)),
    min_size=4,
    max_size=24,
)


class KilledError(BaseException):
    """The engine is gone: what was committed is there, and nothing else."""


class Pools(JobBook):
    """Pools that can be out of order."""

    broken = False

    def list(self, account: str, collaboration: str) -> Any:
        if self.broken:
            raise SqlError.cancelled()
        return super().list(account, collaboration)


class Moved:
    """The port `RoomExecutor`: rows are moved by saying so."""

    def run(self, *_: Any, **__: Any) -> object:
        return None

    def values(self, *_: Any, **__: Any) -> list[tuple[int]]:
        return [(0,)]

    def check_packages(self, *_: Any) -> None:
        """No code spec here has functions."""


class Written(dict[Key, Table]):
    """What a run has written: whichever table it is asked for, empty."""

    def __missing__(self, key: Key) -> Table:
        made = datetime(2026, 1, 1, tzinfo=UTC)
        return Table(key, (Column("X", "VARCHAR"),), (), 1, "TABLE", None, made, "", 0, 0)  # type: ignore[arg-type]

    def get(self, key: Key, default: object = None) -> Any:
        return self[key]


class Histories:
    """One catalog, emptied for each history."""

    def __init__(self, home: Path) -> None:
        self.storage = Storage.open(home, [SCHEMA])
        # The engine is killed in these histories, and never loses its power: a commit need not wait for the disk.
        database: Any = self.storage.database
        database.transaction = partial(database.transaction, durable=False)
        unused: Any = None  # no template and no code runs in these histories
        moved: Any = Moved()
        self.pools = Pools()
        self.rooms = Rooms(self.storage, moved, unused, self.pools, unused)
        table = ProcedureTable(self.rooms)
        self.parties: dict[str, Party] = {}
        for account in ACCOUNTS:
            self.storage.accounts.create(account, "ANN", public_key_pem=PUBLIC_KEY)
            session, _ = self.storage.sessions.create(account, "ANN")
            self.parties[account] = Party(table, session, unused)
        self.rooms.registries.add(
            self.parties["PUBLISHER"].session,
            "TEMPLATE",
            name="count",
            version="v1",
            registry_key="DEFAULT",
            spec=SQL_TEMPLATE,
            detail={},
        )
        with self.storage.database.transaction() as connection:
            connection.execute("CREATE TABLE moves (old TEXT NOT NULL, new TEXT NOT NULL) STRICT")
            connection.execute("CREATE TABLE others (which TEXT NOT NULL, old TEXT, new TEXT NOT NULL) STRICT")
            for table in OTHERS:
                state = "decision" if table == "room_decisions" else "status"
                connection.execute(
                    f"CREATE TRIGGER {table}_moved AFTER UPDATE OF {state} ON {table} WHEN old.{state} <> new.{state}"
                    f" BEGIN INSERT INTO others VALUES ('{table}', old.{state}, new.{state}); END"
                )
            connection.execute(
                "CREATE TRIGGER moved AFTER UPDATE OF status ON room_members WHEN old.status <> new.status"
                " BEGIN INSERT INTO moves VALUES (old.status, new.status); END"
            )

    def forget(self) -> None:
        with self.storage.database.transaction() as connection:
            for table in TABLES:
                connection.execute(f"DELETE FROM {table}")
            connection.execute("DELETE FROM databases WHERE kind = 'application' OR name LIKE 'SFDCR_%'")

    def step(self, account: str, call: tuple[str, tuple[object, ...]], killed_at: int | None) -> None:
        """One call. The engine may be killed at its n-th change of a status, and starts again then; -1: the pools are
        out of order.
        """
        name, arguments = call
        party = self.parties[account]
        moves = itertools.count()

        def mortal(move: Any) -> Any:
            def moving(*told: Any, **more: Any) -> Any:
                if killed_at is not None and next(moves) == killed_at:
                    raise KilledError
                return move(*told, **more)

            return moving

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(Statuses, "move", mortal(Statuses.move))
            patch.setattr(Activations, "_move", mortal(Activations._move))
            patch.setattr(requests_store, "move", mortal(requests_store.move))
            patch.setattr(self.pools, "broken", killed_at == -1)
            try:
                if name in ("approve", "reject"):
                    self._decide(party, name)
                elif name == "ask":
                    party.call("ADD_TEMPLATE_REQUEST", "r", "count_v1", ["adv"])
                elif name == "send":
                    self._send(party)
                elif name == "into":
                    self._into(party)
                elif name == "in the way":  # a database of the account's own, where the application is to be
                    self.storage.namespaces.create_database(account, "SFDCR_R", if_exists="ignore")
                else:
                    party.call(name, *arguments)
                return
            except SqlError:
                return
            except KilledError:
                pass
        self.rooms.recover()

    def check(self) -> None:
        with self.storage.database.read() as connection:
            for old, new in connection.execute("SELECT DISTINCT old, new FROM moves"):
                assert new in PATHWAYS.get(old, set()), f"{old} became {new}"
            for which, old, new in connection.execute("SELECT DISTINCT which, old, new FROM others"):
                assert new in OTHERS[which].get(old, set()), f"of {which}, {old} became {new}"
            back = connection.execute(
                """SELECT 1 FROM room_decisions d JOIN room_requests r ON r.id = d.request
                   WHERE d.decision = 'REJECTED' AND r.status IN ('REQUESTED', 'APPROVED')"""
            ).fetchone()
            assert back is None, "one rejection ends the request"
            early = connection.execute(
                """SELECT 1 FROM room_decisions d JOIN room_requests r ON r.id = d.request
                   WHERE d.decision = 'PENDING' AND r.status = 'APPROVED'"""
            ).fetchone()
            assert early is None, "nothing is approved before all have approved it"
            rows = connection.execute("SELECT * FROM room_members").fetchall()
        for row in rows:
            assert (row["local_key"] is None) or row["status"] not in ("LEFT", "DROPPED"), "its name is free again"
            if row["status"] == "JOINED":
                name = f"SFDCR_{row['local_key']}"
                assert self.storage.namespaces.database_kind(row["account"], name) == "application"

    def finish(self) -> None:
        """From wherever they are, everybody gets out."""
        for account in ACCOUNTS:
            if self.storage.namespaces.database_kind(account, "SFDCR_R") == "standard":
                self.storage.namespaces.drop_database(account, "SFDCR_R")
        owner = self.parties["PUBLISHER"]
        for name in ("JOIN", "TEARDOWN", "TEARDOWN"):
            self.step("PUBLISHER", (name, ("r",)), None)
        assert owner.call("VIEW_COLLABORATIONS") == []
        for account in ACCOUNTS[1:]:
            for local in ("r", "x"):
                self.step(account, ("LEAVE", (local,)), None)
            assert self.parties[account].call("VIEW_COLLABORATIONS") == []
        with self.storage.database.read() as connection:
            left = {row["status"] for row in connection.execute("SELECT status FROM room_members")}
        assert left <= {"LEFT", "DROPPED"}
        self.check()

    def _into(self, party: Party) -> None:
        if party.session.account != "PUBLISHER":
            party.call("REVIEW", "r", "LOCAL.PUBLISHER")
        party.call("JOIN", "r")

    def _decide(self, party: Party, name: str) -> None:
        """Whatever waits for it; who rejects takes back its own too."""
        rest = ("no",) if name == "reject" else ()
        waiting = {"PENDING_MY_APPROVAL"} if name == "approve" else {"PENDING_MY_APPROVAL", "REQUESTED"}
        for local in ("r", "x"):
            try:
                rows = party.call("VIEW_UPDATE_REQUESTS", local)
            except SqlError:
                continue
            for row in rows:
                if row["STATUS"] in waiting:
                    party.call(f"{name.upper()}_UPDATE_REQUEST", local, row["ID"], *rest)

    def _send(self, party: Party) -> None:
        """What RUN does with an activation template's table, once the template has run."""
        activations, tables = self.rooms.activations, Written()
        with self.storage.database.read() as connection:
            member = access.joined(connection, party.session.account, "r")
        activations.share(member, ACTIVATING, "act_v1", "x", tables, "pub", "segment")  # type: ignore[arg-type]


def play(histories: Histories, steps: list[Any]) -> None:
    histories.forget()
    histories.step("PUBLISHER", CALLS[len(steps) % 2], None)
    for step in steps:
        histories.step(*step)
        histories.check()
    histories.finish()

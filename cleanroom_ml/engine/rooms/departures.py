"""What goes when somebody leaves, or all do: data, what runs on it, and what only they could decide or receive."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable

from cleanroom_ml.engine.rooms import access, requests_store
from cleanroom_ml.engine.rooms.access import Member
from cleanroom_ml.engine.rooms.states import ACTIVATION, ENDED

_HAS_LEFT = "has left the collaboration"


def withdraw(connection: sqlite3.Connection, uid: str, account: str, now: int) -> None:
    """Takes one collaborator's part out of a collaboration. What others have received stays theirs."""
    member = access.by_account(connection, uid, account)
    assert member is not None
    by_alias = (uid, member.alias_key)
    connection.execute(
        "DELETE FROM room_links WHERE collaboration = ?1 AND (provider_key = ?2 OR runner_key = ?2)", by_alias
    )
    for table in ("room_local_links", "room_settings", "room_pending_settings", "room_reviews"):
        connection.execute(f"DELETE FROM {table} WHERE collaboration = ? AND account = ?", (uid, account))
    waiting = connection.execute(
        """SELECT id FROM room_requests r WHERE r.collaboration = ?1 AND r.status = 'REQUESTED'
           AND (r.requester = ?2 OR EXISTS (SELECT 1 FROM room_decisions d
                WHERE d.request = r.id AND d.account = ?2 AND d.decision = 'PENDING'))""",
        (uid, account),
    ).fetchall()
    _fail(connection, [row["id"] for row in waiting], f"{member.alias} {_HAS_LEFT}", now)
    stop_running(connection, uid, member, now)
    _end_activations(connection, uid, now, account)


def stop_running(connection: sqlite3.Connection, uid: str, runner: Member, now: int) -> None:
    """A collaborator runs nothing any more: its templates go, and what was asked for it."""
    connection.execute("DELETE FROM room_templates WHERE collaboration = ? AND runner_key = ?", (uid, runner.alias_key))
    waiting = connection.execute(
        "SELECT id FROM room_requests WHERE collaboration = ? AND runner_key = ? AND status = 'REQUESTED'",
        (uid, runner.alias_key),
    ).fetchall()
    _fail(connection, [row["id"] for row in waiting], f"{runner.alias} is no analysis runner any more", now)


def close(connection: sqlite3.Connection, uid: str, now: int) -> None:
    """Takes everything out of a collaboration that is torn down."""
    for table in ("room_links", "room_local_links", "room_templates", "room_settings", "room_pending_settings"):
        connection.execute(f"DELETE FROM {table} WHERE collaboration = ?", (uid,))
    waiting = connection.execute(
        "SELECT id FROM room_requests WHERE collaboration = ? AND status IN ('REQUESTED', 'APPROVED')", (uid,)
    ).fetchall()
    _fail(connection, [row["id"] for row in waiting], "the collaboration was torn down", now)
    _end_activations(connection, uid, now, None)


def after_teardown(member: Member) -> str | None:
    """Where a member goes when the owner tears the collaboration down; None: it stays where it is.

    What is installed waits for its owner to clear it away; an invitation is simply gone.
    """
    if member.status in ENDED or member.status == "LOCAL_DROP_PENDING":
        return None
    return "DROPPED" if member.status in ("INVITED", "REPLICATING") else "LOCAL_DROP_PENDING"


def forget_name(connection: sqlite3.Connection, member: Member) -> None:
    """The names of a collaboration that is over are free again: the account's own for it, and its owner's."""
    connection.execute(
        "UPDATE room_members SET local_key = NULL WHERE collaboration = ? AND account = ?",
        (member.collaboration, member.account),
    )
    if member.is_owner:
        # No name has a space and a uid after it: nobody finds it, and the owner can use its name again.
        connection.execute(
            "UPDATE room_collaborations SET name_key = name_key || ' ' || uid WHERE uid = ?", (member.collaboration,)
        )


def _fail(connection: sqlite3.Connection, requests: Iterable[str], reason: str, now: int) -> None:
    for request_id in requests:
        requests_store.move(connection, request_id, "FAILED", now, failure=reason)


def _end_activations(connection: sqlite3.Connection, uid: str, now: int, receiver: str | None) -> None:
    """What was put aside for somebody who has left (None: for anybody) is kept no longer."""
    rows = connection.execute(
        "SELECT batch_id, status FROM room_activations WHERE collaboration = ?1 AND (?2 IS NULL OR shared_with = ?2)",
        (uid, receiver),
    ).fetchall()
    for row in rows:
        if not ACTIVATION.terminal(row["status"]):
            connection.execute(
                "UPDATE room_activations SET status = ?, details = ?, objects = '[]', updated_on = ?"
                " WHERE batch_id = ?",
                (ACTIVATION.move(row["status"], "FAILED"), f"the receiver {_HAS_LEFT}", now, row["batch_id"]),
            )

"""What the rooms keep in the catalog. Names are stored twice where they are looked up: as written, and folded
(`*_key`).
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Iterator

from cleanroom_ml.engine.storage.database import Schema

# For whom a request asks: one of ADD_TEMPLATE_REQUEST or REMOVE_TEMPLATE names as many runners as its caller likes.
REQUEST_RUNNERS = """CREATE TABLE room_request_runners (
        request TEXT NOT NULL REFERENCES room_requests, runner_key TEXT NOT NULL, PRIMARY KEY (request, runner_key))
        STRICT"""

_REVIEWS_AND_CHANGES = (
    # Who has seen the collaboration's spec as it is now.
    """CREATE TABLE room_reviews (
        collaboration TEXT NOT NULL REFERENCES room_collaborations, account TEXT NOT NULL, reviewed_on INTEGER NOT NULL,
        PRIMARY KEY (collaboration, account)) STRICT""",
    # Settings that were asked for and do not hold yet.
    """CREATE TABLE room_pending_settings (
        collaboration TEXT NOT NULL REFERENCES room_collaborations, account TEXT NOT NULL, name TEXT NOT NULL,
        value TEXT NOT NULL, PRIMARY KEY (collaboration, account, name)) STRICT""",
)
_STATEMENTS = (
    """CREATE TABLE room_registries (
        account TEXT NOT NULL, name TEXT NOT NULL, name_key TEXT NOT NULL, type TEXT NOT NULL, created_on INTEGER NOT
        NULL, PRIMARY KEY (account, name_key)) STRICT""",
    """CREATE TABLE room_resources (
        account TEXT NOT NULL, kind TEXT NOT NULL, id TEXT NOT NULL, id_key TEXT NOT NULL, name TEXT NOT NULL,
        version TEXT NOT NULL, registry_key TEXT NOT NULL, spec TEXT NOT NULL, detail TEXT NOT NULL, created_by TEXT
        NOT NULL, created_on INTEGER NOT NULL, PRIMARY KEY (account, kind, id_key)) STRICT""",
    """CREATE TABLE room_collaborations (
        uid TEXT PRIMARY KEY, name TEXT NOT NULL, name_key TEXT NOT NULL, owner_account TEXT NOT NULL, spec TEXT NOT
        NULL, created_on INTEGER NOT NULL, updated_on INTEGER NOT NULL, UNIQUE (owner_account, name_key)) STRICT""",
    """CREATE TABLE room_members (
        collaboration TEXT NOT NULL REFERENCES room_collaborations, account TEXT NOT NULL, alias TEXT NOT NULL,
        alias_key TEXT NOT NULL, is_owner INTEGER NOT NULL, local_name TEXT, local_key TEXT, status TEXT NOT NULL,
        details TEXT NOT NULL, updated_on INTEGER NOT NULL,
        PRIMARY KEY (collaboration, account), UNIQUE (collaboration, alias_key)) STRICT""",
    "CREATE UNIQUE INDEX room_members_local ON room_members (account, local_key) WHERE local_key IS NOT NULL",
    """CREATE TABLE room_runners (
        collaboration TEXT NOT NULL REFERENCES room_collaborations, runner_key TEXT NOT NULL, provider_key TEXT NOT
        NULL, PRIMARY KEY (collaboration, runner_key, provider_key)) STRICT""",
    """CREATE TABLE room_destinations (
        collaboration TEXT NOT NULL REFERENCES room_collaborations, runner_key TEXT NOT NULL, alias_key TEXT NOT NULL,
        PRIMARY KEY (collaboration, runner_key, alias_key)) STRICT""",
    """CREATE TABLE room_links (
        collaboration TEXT NOT NULL REFERENCES room_collaborations, runner_key TEXT NOT NULL, provider_key TEXT NOT
        NULL, offering_key TEXT NOT NULL, created_on INTEGER NOT NULL,
        PRIMARY KEY (collaboration, runner_key, provider_key, offering_key)) STRICT""",
    """CREATE TABLE room_local_links (
        collaboration TEXT NOT NULL REFERENCES room_collaborations, account TEXT NOT NULL, offering_key TEXT NOT NULL,
        created_on INTEGER NOT NULL, PRIMARY KEY (collaboration, account, offering_key)) STRICT""",
    """CREATE TABLE room_requests (
        id TEXT PRIMARY KEY, number INTEGER NOT NULL, collaboration TEXT NOT NULL REFERENCES room_collaborations,
        type TEXT NOT NULL, status TEXT NOT NULL, requester TEXT NOT NULL, runner_key TEXT NOT NULL,
        template_key TEXT NOT NULL, template_name TEXT NOT NULL, payload TEXT NOT NULL, digest TEXT NOT NULL,
        details TEXT NOT NULL, created_on INTEGER NOT NULL, updated_on INTEGER NOT NULL) STRICT""",
    REQUEST_RUNNERS,
    """CREATE TABLE room_decisions (
        request TEXT NOT NULL REFERENCES room_requests, account TEXT NOT NULL, alias TEXT NOT NULL, decision TEXT NOT
        NULL, reason TEXT NOT NULL, decided_on INTEGER, by_user TEXT, PRIMARY KEY (request, account)) STRICT""",
    """CREATE TABLE room_templates (
        collaboration TEXT NOT NULL REFERENCES room_collaborations, runner_key TEXT NOT NULL, template_key TEXT NOT
        NULL, request TEXT NOT NULL REFERENCES room_requests, added_on INTEGER NOT NULL,
        PRIMARY KEY (collaboration, runner_key, template_key)) STRICT""",
    """CREATE TABLE room_settings (
        collaboration TEXT NOT NULL REFERENCES room_collaborations, account TEXT NOT NULL, name TEXT NOT NULL,
        value TEXT NOT NULL, PRIMARY KEY (collaboration, account, name)) STRICT""",
    """CREATE TABLE room_activations (
        batch_id TEXT PRIMARY KEY, number INTEGER NOT NULL, collaboration TEXT NOT NULL REFERENCES room_collaborations,
        segment_name TEXT NOT NULL, template_id TEXT NOT NULL, shared_by TEXT NOT NULL, shared_with TEXT NOT NULL,
        status TEXT NOT NULL, details TEXT NOT NULL, columns TEXT NOT NULL, objects TEXT NOT NULL,
        updated_on INTEGER NOT NULL) STRICT""",
    """CREATE TABLE room_activities (
        id TEXT PRIMARY KEY, number INTEGER NOT NULL, collaboration TEXT NOT NULL REFERENCES room_collaborations,
        account TEXT NOT NULL, started_on INTEGER NOT NULL, duration_ms INTEGER, status TEXT NOT NULL, failure TEXT NOT
        NULL, info TEXT NOT NULL) STRICT""",
    *_REVIEWS_AND_CHANGES,
)


def references(connection: sqlite3.Connection) -> Iterable[str]:
    """The objects that the rooms point at: pinned code, and the rows of activations that were not processed yet."""
    yield from _hashes(connection.execute("SELECT detail FROM room_resources WHERE kind = 'CODE SPEC'"))
    yield from _hashes(connection.execute("SELECT payload FROM room_requests"))
    yield from _hashes(connection.execute("SELECT objects FROM room_activations"))


def layers(connection: sqlite3.Connection) -> Iterator[str]:
    """The dependency layers that registered code specs and requests name."""
    for (text,) in connection.execute("SELECT detail FROM room_resources WHERE kind = 'CODE SPEC'"):
        yield from (job["dependency_lock"].get("layer", "") for job in json.loads(text)["ml_jobs"])
    for (text,) in connection.execute("SELECT payload FROM room_requests"):
        yield from (lock.get("layer", "") for lock in json.loads(text).get("dependency_lock", {}).values())


def images(connection: sqlite3.Connection) -> Iterator[tuple[str, str, str]]:
    """(what needs it, the tag and the digest of the image) for every template that can be run or may be."""
    open_ones = """SELECT template_name, payload FROM room_requests r WHERE status IN ('REQUESTED', 'APPROVED')
        OR EXISTS (SELECT 1 FROM room_templates t WHERE t.request = r.id)"""
    for name, text in connection.execute(open_ones):
        for job, lock in json.loads(text).get("dependency_lock", {}).items():
            if isinstance(lock.get("image"), dict):
                yield f"template {name}, job {job}", lock["image"]["tag"], lock["image"]["digest"]


def _hashes(rows: Iterable[tuple[str]]) -> Iterator[str]:
    for (text,) in rows:
        yield from _walk(json.loads(text))


def _walk(value: object) -> Iterator[str]:
    if isinstance(value, dict):
        if isinstance(value.get("sha256"), str):
            yield value["sha256"]
        for inner in value.values():
            yield from _walk(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _walk(inner)


_UPGRADES = {
    2: (
        REQUEST_RUNNERS,
        "INSERT INTO room_request_runners SELECT id, runner_key FROM room_requests",
        "DROP INDEX room_requests_open",
        *_REVIEWS_AND_CHANGES,
    )
}

SCHEMA = Schema("rooms", 2, _STATEMENTS, _UPGRADES, references=references)

"""The collaboration's spec as it is now: what was declared, with everything linked, unlinked and approved since."""

from __future__ import annotations

import sqlite3

from cleanroom_ml.naming import fold
from cleanroom_ml.specs.collaboration import AnalysisRunner, Collaboration, DataProvider, Reference
from cleanroom_ml.specs.parse import parse_as
from cleanroom_ml.specs.write import dump_spec


def current_spec(connection: sqlite3.Connection, uid: str) -> str:
    """YAML text of the collaboration's spec."""
    text = connection.execute("SELECT spec FROM room_collaborations WHERE uid = ?", (uid,)).fetchone()["spec"]
    spec = parse_as(Collaboration, text)
    runners = {alias: _runner(connection, uid, fold(alias), runner) for alias, runner in spec.analysis_runners.items()}
    return dump_spec(spec.model_copy(update={"analysis_runners": runners}))


def _runner(connection: sqlite3.Connection, uid: str, key: str, runner: AnalysisRunner) -> AnalysisRunner:
    providers = {
        alias: DataProvider(
            data_offerings=tuple(Reference(id=text) for text in _offerings(connection, uid, key, fold(alias)))
        )
        for alias in runner.data_providers
    }
    templates = tuple(Reference(id=text) for text in _templates(connection, uid, key))
    return runner.model_copy(update={"data_providers": providers, "templates": templates})


def _offerings(connection: sqlite3.Connection, uid: str, runner_key: str, provider_key: str) -> list[str]:
    rows = connection.execute(
        """SELECT coalesce(r.id, l.offering_key) AS id FROM room_links l
           JOIN room_members m ON m.collaboration = l.collaboration AND m.alias_key = l.provider_key
           LEFT JOIN room_resources r ON r.account = m.account AND r.kind = 'DATA OFFERING' AND r.id_key =
           l.offering_key WHERE l.collaboration = ? AND l.runner_key = ? AND l.provider_key = ? ORDER BY l.created_on,
           l.offering_key""",
        (uid, runner_key, provider_key),
    )
    return [row["id"] for row in rows]


def _templates(connection: sqlite3.Connection, uid: str, runner_key: str) -> list[str]:
    """What the runner was given, and what the spec declared and still waits for somebody to join."""
    rows = connection.execute(
        """SELECT r.details ->> 'template_id' AS id FROM room_requests r
           JOIN room_request_runners n ON n.request = r.id AND n.runner_key = ?2 WHERE r.collaboration = ?1
           AND (EXISTS (SELECT 1 FROM room_templates t WHERE t.request = r.id AND t.runner_key = ?2)
                OR (r.status IN ('REQUESTED', 'APPROVED') AND r.details ->> 'declared'))
           ORDER BY r.number""",
        (uid, runner_key),
    )
    return [row["id"] for row in rows]

"""The collaboration's spec as it is now: what was declared, with everything linked, unlinked and approved since.

The text that is kept says how names are written and in which order they come; who takes part, on whose data, and with
which templates, say the rows.
"""

from __future__ import annotations

import sqlite3

from cleanroom_ml.engine.rooms import access
from cleanroom_ml.naming import fold
from cleanroom_ml.specs.collaboration import (
    ActivationDestinations,
    AnalysisRunner,
    Collaboration,
    DataProvider,
    Reference,
)
from cleanroom_ml.specs.parse import parse_as
from cleanroom_ml.specs.write import dump_spec


def current_spec_text(connection: sqlite3.Connection, uid: str) -> str:
    """YAML text of the collaboration's spec."""
    return dump_spec(current_spec(connection, uid))


def current_spec(connection: sqlite3.Connection, uid: str) -> Collaboration:
    """The collaboration's spec."""
    text = connection.execute("SELECT spec FROM room_collaborations WHERE uid = ?", (uid,)).fetchone()["spec"]
    declared = parse_as(Collaboration, text)
    order = [fold(alias) for alias in declared.collaborator_identifier_aliases]
    listed = {member.alias_key: member for member in access.members(connection, uid) if member.alias_key in order}
    named = {key: listed[key].alias for key in order if key in listed}
    runners = [fold(alias) for alias in declared.analysis_runners]
    pairs = connection.execute("SELECT DISTINCT runner_key FROM room_runners WHERE collaboration = ?", (uid,))
    there = {row["runner_key"] for row in pairs} & named.keys()
    ordered = [key for key in runners if key in there] + sorted(there.difference(runners))
    # What is in the rows was checked when it came; a spec of which parts are gone may be none that could be declared.
    return declared.model_copy(
        update={
            "collaborator_identifier_aliases": {
                alias: access.identity(listed[key].account) for key, alias in named.items()
            },
            "analysis_runners": {named[key]: _runner(connection, uid, key, named) for key in ordered},
        }
    )


def _runner(connection: sqlite3.Connection, uid: str, key: str, named: dict[str, str]) -> AnalysisRunner:
    provided = access.providers_of(connection, uid, key)
    destinations = access.destinations_of(connection, uid, key)
    return AnalysisRunner.model_construct(
        data_providers={
            alias: DataProvider(
                data_offerings=tuple(Reference(id=text) for text in _offerings(connection, uid, key, provider))
            )
            for provider, alias in named.items()
            if provider in provided
        },
        templates=tuple(Reference(id=text) for text in _templates(connection, uid, key)),
        activation_destinations=ActivationDestinations(
            snowflake_collaborators=tuple(alias for other, alias in named.items() if other in destinations)
        )
        if destinations
        else None,
    )


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
    """What the runner has, and what the spec declared and still waits for somebody to join."""
    rows = connection.execute(
        """SELECT r.details ->> 'template_id' AS id FROM room_requests r
           JOIN room_request_runners n ON n.request = r.id AND n.runner_key = ?2 WHERE r.collaboration = ?1
           AND (EXISTS (SELECT 1 FROM room_templates t WHERE t.request = r.id AND t.runner_key = ?2)
                OR (r.status IN ('REQUESTED', 'APPROVED') AND r.details ->> 'declared'))
           ORDER BY r.number""",
        (uid, runner_key),
    )
    return [row["id"] for row in rows]

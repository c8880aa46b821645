"""The templates that were approved for somebody, as VIEW_TEMPLATES and VIEW_CODE_SPECS tell them."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass

from cleanroom_ml.engine.rooms import access, requests_store
from cleanroom_ml.engine.rooms.access import Member
from cleanroom_ml.engine.rooms.registries import read_spec
from cleanroom_ml.json_values import Document
from cleanroom_ml.specs.template import Template


@dataclass(frozen=True, slots=True)
class AddedTemplate:
    """A template that was approved for somebody."""

    template_id: str
    spec: str
    parameters: list[dict[str, object]]
    shared_by: str
    shared_with: list[str]
    code_specs: Sequence[Document]


def added_templates(connection: sqlite3.Connection, member: Member) -> list[AddedTemplate]:
    """The templates that a member can run, or has submitted."""
    rows = connection.execute(
        """SELECT q.*, t.runner_key AS added_for FROM room_templates t JOIN room_requests q ON q.id = t.request
           WHERE t.collaboration = ?1 AND (t.runner_key = ?2 OR q.requester = ?3) ORDER BY q.number""",
        (member.collaboration, member.alias_key, member.account),
    ).fetchall()
    found: dict[tuple[str, str], AddedTemplate] = {}
    for row in rows:
        request = requests_store.from_row(connection, row)
        there = found.get((request.requester, request.template_key))
        if there is None:
            requester = access.by_account(connection, member.collaboration, request.requester)
            spec = read_spec(Template, request.payload["template"])
            there = AddedTemplate(
                request.payload["template_id"],
                request.payload["template"],
                [parameter.model_dump() for parameter in spec.parameters],
                requester.alias if requester else "",
                [],
                request.payload["code_specs"],
            )
            found[(request.requester, request.template_key)] = there
        runner = access.by_alias(connection, member.collaboration, row["added_for"])
        there.shared_with.append(runner.alias if runner else row["added_for"])
    return list(found.values())

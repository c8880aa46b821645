"""A target that is no engine of ours: it answers calls with what a page, or an account, was seen to answer.

The shapes are those of the API reference (collaboration-api-reference, VIEW_UPDATE_REQUESTS, VIEW_CODE_SPECS,
VIEW_COLLABORATIONS, GET_STATUS) and of docs/reference/approvals.md.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from cleanroom_ml.connection import Connection, Target
from cleanroom_ml.connection.literals import literal
from cleanroom_ml.connection.session import DATABASE
from cleanroom_ml.connection.setting import Setting
from cleanroom_ml.errors import ServerError

Rows = list[dict[str, Any]]
Answer = Rows | Exception | Callable[..., Rows]

COLLABORATION = """\
api_version: 2.0.0
spec_type: collaboration
name: lookalike
owner: publisher
collaborator_identifier_aliases: {publisher: ACME.PUBLISHER, advertiser: ACME.ADVERTISER, agency: ACME.AGENCY}
analysis_runners:
  advertiser: {data_providers: {publisher: {data_offerings: []}}}
  agency: {data_providers: {publisher: {data_offerings: []}}}
"""


def unknown(what: str) -> ServerError:
    """As Snowflake answers what is not there."""
    error = ServerError(f"SQL compilation error:\n{what} does not exist or not authorized.")
    error.code = 2003
    return error


class Account(Connection):
    """A session of an account on it. `answers` by `SCHEMA.PROCEDURE`, or by the first word of a statement; `sent` is
    every statement that it was sent.
    """

    def __init__(self, answers: Mapping[str, Answer], account: str = "ACME-ADVERTISER") -> None:
        target = Target("c", "snowflake", (Setting("account", account, "test"),), "test")
        super().__init__(target, None)  # type: ignore[arg-type]  # what would be asked of it is answered below
        self.answers = {**defaults(), **answers}
        self.sent: list[str] = []

    def execute(self, sql: str) -> Rows:
        self.sent.append(sql)
        return self._answered(sql.split(" ", 1)[0], ())

    def call(self, procedure: str, *arguments: object) -> Rows:
        self.sent.append(f"CALL {DATABASE}.{procedure}({', '.join(literal(each) for each in arguments)})")
        return self._answered(procedure, arguments)

    def _answered(self, what: str, arguments: tuple[object, ...]) -> Rows:
        answer = self.answers.get(what, unknown(what))
        if isinstance(answer, Exception):
            raise answer
        return answer(*arguments) if callable(answer) else answer


def defaults() -> dict[str, Answer]:
    """A room of three, which are asked for nothing yet."""
    status = [
        {"collaborator_account": f"ACME.{name.upper()}", "collaborator_name": name, "roles": roles, "status": "JOINED"}
        for name, roles in (("publisher", '["OWNER"]'), ("advertiser", "ANALYSIS_RUNNER"), ("agency", ["X"]))
    ]
    room = {
        "source_name": "lookalike",
        "collaboration_name": "lookalike",
        "owner_account": "ACME.PUBLISHER",
        "collaboration_spec": COLLABORATION,
    }
    return {
        "COLLABORATION.VIEW_UPDATE_REQUESTS": [],
        "COLLABORATION.VIEW_COLLABORATIONS": [room],
        "COLLABORATION.GET_STATUS": status,
        "COLLABORATION.VIEW_CODE_SPECS": [],
        "REGISTRY.VIEW_REGISTERED_CODE_SPECS": [],
        "COLLABORATION.APPROVE_UPDATE_REQUEST": [{"approve_update_request": "approved"}],
        "COLLABORATION.REJECT_UPDATE_REQUEST": [{"reject_update_request": "rejected"}],
    }

"""Statements through the layer, in front of an engine that answers what a test says."""

from __future__ import annotations

import pytest

from cleanroom_ml.engine.contracts.table import Rows
from cleanroom_ml.engine.queries.execute import Execute
from cleanroom_ml.engine.service_mode.layer import ServiceMode
from cleanroom_ml.engine.sql.binds import Binds, Value
from cleanroom_ml.engine.sql.errors import SqlError
from cleanroom_ml.engine.storage.sessions import Session

ROOM = "SAMOOHA_BY_SNOWFLAKE_LOCAL_DB"
STATUS = Rows.answer(
    (("COLLABORATOR_ACCOUNT", "VARCHAR"), ("STATUS", "VARCHAR"), ("DETAILS", "VARCHAR")),
    [("LOCAL.SHOP", "JOINED", ""), ("LOCAL.BRAND", "JOINED", "")],
)


class Engine:
    """What answers behind the layer: the same to every statement of a beginning; it keeps what reached it."""

    def __init__(self, **answers: Rows | SqlError) -> None:
        self.answers = answers
        self.reached: list[str] = []
        self.asked: list[tuple[str, tuple[Value, ...]]] = []

    def __call__(self, session: Session, text: str, *, binds: Binds | None, **_: object) -> Rows:
        self.reached.append(text)
        self.asked.append((text, binds.positional if binds else ()))
        found = next((answer for word, answer in self.answers.items() if word in text), Rows.one("R", "done"))
        if isinstance(found, SqlError):
            raise found
        return found


class Asks:
    """One session's statements through the layer."""

    def __init__(self, engine: Execute, *names: str, account: str = "SHOP", kind: str = "client") -> None:
        self.session = Session("1", account, "ADMIN", "ACCOUNTADMIN", kind=kind)  # type: ignore[arg-type]
        self.layer = ServiceMode(engine, frozenset(names))

    def __call__(self, text: str) -> Rows:
        result = self.layer(self.session, text, binds=None, query_id="01c6ee3b-0001-9ffb-0000-04dd0da17cee")
        assert isinstance(result, Rows)
        return result

    def refused(self, text: str) -> SqlError:
        with pytest.raises(SqlError) as caught:
            self(text)
        return caught.value


def call(procedure: str, *arguments: str) -> str:
    return f"CALL {ROOM}.{procedure}({', '.join(f'$${each}$$' for each in arguments)})"


JOIN, STATUS_OF = call("COLLABORATION.JOIN", "room"), call("COLLABORATION.GET_STATUS", "room")
INITIALIZE = call("COLLABORATION.INITIALIZE", "api_version: 2.0.0\nname: room\n")
REVIEW = call("COLLABORATION.REVIEW", "room", "ORG.A")

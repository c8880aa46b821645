"""A console of each party: the connector's cursor, answers by column in lower case, refusals as text."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import repeat
from typing import Any

import snowflake.connector
from e2e_story import Row
from snowflake.connector.errors import Error

from cleanroom_ml.engine.home.paths import Home
from cleanroom_ml.local import accounts

ROOM = "SAMOOHA_BY_SNOWFLAKE_LOCAL_DB"


def literal(value: object) -> str:
    """A value as it is written in a CALL."""
    if value is None:
        return "NULL"
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(literal, value))}]"
    if isinstance(value, dict):
        return f"{{{', '.join(f'{literal(key)}: {literal(each)}' for key, each in value.items())}}}"
    text = str(value)
    return f"$${text}$$" if "\n" in text else "'" + text.replace("\\", "\\\\").replace("'", "''") + "'"


def at_once() -> Iterator[float]:
    """Between two tries of a request: what service mode refuses for a moment, it does not refuse a second time."""
    return repeat(0.01)


class Console:
    """One session a party, opened when it is needed."""

    def __init__(self, home: Home) -> None:
        self._home = home
        self._open: dict[str, Any] = {}

    def sql(self, party: str, text: str) -> list[Row]:
        """Raises the connector's Error where it is refused."""
        if party not in self._open:
            settings = {**accounts.connections(self._home)[party], "backoff_policy": at_once}
            self._open[party] = snowflake.connector.connect(**settings)
        cursor = self._open[party].cursor()
        cursor.execute(text)
        names = [each.name.lower() for each in cursor.description]
        return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]

    def call(self, party: str, procedure: str, *arguments: object) -> list[Row]:
        """A procedure; one of COLLABORATION where no schema is named."""
        schema = "" if "." in procedure else "COLLABORATION."
        return self.sql(party, f"CALL {ROOM}.{schema}{procedure}({', '.join(map(literal, arguments))})")

    def refusal(self, party: str, procedure: str, *arguments: object) -> str:
        """What is said of a call that is to be refused, or the empty text where it was not."""
        try:
            self.call(party, procedure, *arguments)
        except Error as error:
            return str(error.msg)
        return ""

    def close(self) -> None:
        for each in self._open.values():
            each.close()
        self._open.clear()

"""What a target can do, from what it answers: the one place that knows. Asked once a session, and only if it matters.

A target's name, address and kind say who is spoken to and with which credentials; they never say what it can do. What
only some targets have are procedures of a database of its own, CLEANROOM_ML, which `SHOW PROCEDURES` lists. One that
refuses the question has none of them, and what is done without them says so.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from cleanroom_ml.errors import ServerError

OWN_DATABASE: Final = "CLEANROOM_ML"
_QUESTION: Final = f"SHOW PROCEDURES IN DATABASE {OWN_DATABASE}"

Ask = Callable[[str], Sequence[Mapping[str, object]]]


@dataclass(slots=True)
class Capabilities:
    """What one session's target can do. `ask` runs a statement and gives its rows by lower-case names."""

    ask: Ask
    _own: frozenset[str] | None = field(default=None, init=False)

    def has_procedure(self, procedure: str) -> bool:
        """Whether the target has the procedure `SCHEMA.NAME` of its own, `CLEANROOM_ML.SCHEMA.NAME`.

        Raises:
            ConnectError, CommunicationError: the target was not reached, which is no answer; the next question asks
                again.
        """
        return procedure.upper() in self.own_procedures

    @property
    def own_procedures(self) -> frozenset[str]:
        """All of them, `SCHEMA.NAME` in upper case. Raises as `has_procedure`."""
        if self._own is None:
            self._own = self._asked()
        return self._own

    def _asked(self) -> frozenset[str]:
        try:
            rows = self.ask(_QUESTION)
        except ServerError:
            return frozenset()
        # A role that has no such database is shown procedures of others.
        own = (row for row in rows if str(row.get("catalog_name") or "").upper() == OWN_DATABASE)
        return frozenset(f"{row.get('schema_name')}.{row.get('name')}".upper() for row in own)

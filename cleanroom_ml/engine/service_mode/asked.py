"""One statement of a client, as far as the service's ways of answering look at it."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final, Protocol

from cleanroom_ml.engine.contracts.table import Rows
from cleanroom_ml.engine.sql.binds import NO_BINDS, Binds, Value
from cleanroom_ml.engine.sql.errors import SqlError
from cleanroom_ml.engine.sql.read.call import parse_call, plain
from cleanroom_ml.engine.statements.results import StatementResult
from cleanroom_ml.engine.storage.sessions import Session

_LOOKED_AT: Final = 4096
_SPEC_NAME: Final = re.compile(r"^name:[ \t]*['\"]?([A-Za-z_]\w*)", re.MULTILINE)


Ask = Callable[..., Rows]


def _nobody(*_: object) -> Rows:
    raise SqlError.unsupported("a question to the engine here")


@dataclass(frozen=True, slots=True)
class Asked:
    """`words`: the beginning in upper case, blanks single. `database`, `procedure` and `args` are a CALL's. `reached`:
    the engine was asked, and no rule has answered in its place. `ask(statement, *values)` asks the engine something
    else for the same session."""

    session: Session
    query_id: str
    words: str
    database: str = ""
    procedure: str = ""
    args: tuple[Value, ...] = ()
    reached: bool = True
    ask: Ask = field(default=_nobody, compare=False)

    @classmethod
    def of(cls, session: Session, text: str, binds: Binds | None, query_id: str, ask: Ask = _nobody) -> Asked:
        """Look at a statement. What cannot be read is left to the engine, which says why."""
        words = " ".join(text[:_LOOKED_AT].upper().split())
        if not words.startswith("CALL "):
            return cls(session, query_id, words)
        try:
            call = parse_call(text, binds or NO_BINDS)
            args = tuple(map(plain, call.args))
        except SqlError:
            return cls(session, query_id, words)
        database = call.name[0] if len(call.name) == 3 else session.database or ""
        return cls(session, query_id, words, database, call.name[-1], args, ask=ask)

    @property
    def account(self) -> str:
        return self.session.account

    @property
    def room(self) -> str:
        """The collaboration that a procedure is about, in upper case."""
        named = str(self.args[0]) if self.args else ""
        if self.procedure == "INITIALIZE":
            match = _SPEC_NAME.search(named)
            return match[1].upper() if match else ""
        if self.procedure == "REVIEW" and len(self.args) > 2:
            named = str(self.args[2])
        return named.upper()


def wanted_batches(wanted: Value) -> Callable[[str, str], bool]:
    """Whether PROCESS_ACTIVATION's second argument means a batch of a segment."""
    if wanted is None:
        return lambda _, __: True
    if isinstance(wanted, list | tuple):
        return lambda batch, _: batch in wanted
    return lambda _, segment: segment.upper() == str(wanted).upper()


class Rule(Protocol):
    """One way of answering otherwise. Called by several threads."""

    def before(self, asked: Asked) -> Rows | None:
        """The answer in the engine's place; None: ask the engine. Raises SqlError: refused."""

    def after(self, asked: Asked, result: StatementResult) -> StatementResult:
        """What the engine answered, as the service would."""


class Plain:
    """A rule that changes nothing; others begin as this."""

    def before(self, asked: Asked) -> Rows | None:
        return None

    def after(self, asked: Asked, result: StatementResult) -> StatementResult:
        return result

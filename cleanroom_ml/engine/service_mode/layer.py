"""`ServiceMode`: between the statements of clients and who executes them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Final, Unpack
from uuid import uuid4

from cleanroom_ml.engine.contracts.table import Rows
from cleanroom_ml.engine.queries.execute import Execute, Options
from cleanroom_ml.engine.service_mode import answers, endings, failures, lateness, prerequisites, sendings, steps
from cleanroom_ml.engine.service_mode.asked import Asked, Rule
from cleanroom_ml.engine.sql.binds import Binds, Value
from cleanroom_ml.engine.sql.errors import SqlError
from cleanroom_ml.engine.statements.results import StatementResult
from cleanroom_ml.engine.storage.sessions import Session

_RULES: Final[dict[str, Callable[[], Rule]]] = {
    "no-own-database": answers.NoOwnDatabase,
    "restricted-token": prerequisites.RestrictedToken,
    "secondary-roles": prerequisites.SecondaryRoles,
    "incomplete-profile": prerequisites.IncompleteProfile,
    "missing-grants": prerequisites.MissingGrants,
    "grant-option": prerequisites.GrantOption,
    "replication": steps.Replication,
    "auto-join-fails": failures.AutoJoin,
    "join-fails": partial(failures.Failing, failures.JOIN_FAILS),
    "leave-fails": partial(failures.Failing, failures.LEAVE_FAILS),
    "teardown-fails": partial(failures.Failing, failures.TEARDOWN_FAILS),
    "slow-endings": endings.SlowEndings,
    "delays": steps.Delays,
    "upgrade": steps.Upgrade,
    "late-requests": lateness.LateRequests,
    "late-edits": lateness.LateEdits,
    "late-settings": lateness.LateSettings,
    "late-activations": lateness.LateActivations,
    "activation-fails": sendings.FailingActivations,
    "late-links": sendings.LateLinks,
    "short-logs": answers.ShortLogs,
    "lower-case": answers.LowerCase,
}
"""In the order in which they refuse; answers are changed in the same order, their form last."""
_CREATED: Final = {"create-fails": "CREATE_FAILED", "create-times-out": "CREATE_TIMED_OUT"}
"""One rule: the first room that somebody creates ends in the first status that is wanted, the next one in the next."""


class ServiceMode:
    """Executes statements as `execute` does, and answers people's as the service would.

    Sessions of jobs pass as they are: a job speaks with the room, not with the account's procedures.
    """

    def __init__(self, execute: Execute, deviations: frozenset[str]) -> None:
        wanted = set(deviations)
        if "restricted-token" in wanted:
            wanted.discard("secondary-roles")  # such a session has one role
        self._execute = execute
        created = [status for name, status in _CREATED.items() if name in wanted]
        self._rules: list[Rule] = [failures.Creating(created)] if created else []
        self._rules += [make() for name, make in _RULES.items() if name in wanted]
        self._tracebacks = "tracebacks" in wanted

    def __call__(self, session: Session, text: str, **options: Unpack[Options]) -> StatementResult:
        """The statement's result. Raises SqlError."""
        if session.kind != "client" or options.get("describe_only"):
            return self._execute(session, text, **options)

        def ask(statement: str, *values: Value) -> Rows:
            more = Options(binds=Binds(values), query_id=str(uuid4()), parameters=options.get("parameters"))
            found = self._execute(session, statement, **more)
            if not isinstance(found, Rows):
                raise SqlError.unsupported("an answer without rows here")
            return found

        asked = Asked.of(session, text, options["binds"], options["query_id"], ask)
        try:
            instead = self._instead(asked)
            result = self._execute(session, text, **options) if instead is None else instead
        except SqlError as error:
            raise answers.told(asked, error) if self._tracebacks else error from None
        asked = replace(asked, reached=instead is None)
        for rule in self._rules:
            result = rule.after(asked, result)
        return result

    def _instead(self, asked: Asked) -> Rows | None:
        return next((rows for rule in self._rules if (rows := rule.before(asked)) is not None), None)

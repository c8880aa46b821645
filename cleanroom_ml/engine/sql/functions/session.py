"""Functions that tell something of the session."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Final

from cleanroom_ml.engine.sql.binds import Value
from cleanroom_ml.engine.sql.catalog import ContextValues
from cleanroom_ml.engine.sql.errors import SqlError
from cleanroom_ml.engine.sql.functions.entry import Function, Scalar, constant_int, constant_text
from cleanroom_ml.engine.sql.tree.dialect import Node, raw
from cleanroom_ml.engine.sql.types.kind import TEXT


def _last_query_id(context: ContextValues, args: Sequence[Node]) -> Value:
    """functions/last_query_id.md: -1 is the last statement of the session, 1 its first one."""
    return context.earlier(constant_int(args[0], "LAST_QUERY_ID") if args else -1)


def _variable(context: ContextValues, args: Sequence[Node]) -> Value:
    """GETVARIABLE('NAME'): NULL where there is none; names are in upper case (session-variables.md)."""
    return context.variables.get(constant_text(args[0], "GETVARIABLE"))


def _available(context: ContextValues) -> str:
    """The roles that may be used, as a JSON array. In a room there are none but everybody's."""
    return json.dumps(["PUBLIC"] if context.roles is None else sorted(context.roles.available()))


def _secondary(context: ContextValues) -> str:
    """Which secondary roles are active, and which were asked for; of those, only what the user itself was granted."""
    value = "" if context.roles is None else context.roles.secondary()
    others = [] if context.roles is None or not value else [r for r in context.roles.direct() if r != context.role]
    return json.dumps({"roles": ",".join(others), "value": value}, separators=(",", ":"))


def _active(context: ContextValues) -> str:
    """The active roles, primary and secondary, with what they inherit; a name holds no control character."""
    return "" if context.roles is None else "\n".join(sorted(context.roles.active()))


_MILLISECONDS: Final = {
    "DAYS": 86_400_000.0,
    "HOURS": 3_600_000.0,
    "MINUTES": 60_000.0,
    "SECONDS": 1000.0,
    "MILLISECONDS": 1.0,
    "MICROSECONDS": 1e-3,
    "NANOSECONDS": 1e-6,
}


def _wait(args: Sequence[Node]) -> Node:
    """SYSTEM$WAIT(amount [, unit]) (functions/system_wait.md). A statement's time is bounded, and this is of it."""
    amount = constant_int(args[0], "SYSTEM$WAIT")
    unit = constant_text(args[1], "SYSTEM$WAIT").upper() if len(args) > 1 else "SECONDS"
    if unit not in _MILLISECONDS or amount < 0:
        raise SqlError.syntax(f"SYSTEM$WAIT takes an amount from 0 on and one of {', '.join(_MILLISECONDS)}.")
    slept = min(round(amount * _MILLISECONDS[unit]), 7 * 86_400_000)
    return raw(f"CASE WHEN sleep_ms({slept}) IS NULL THEN 'waited {amount} {unit.lower()}' END", kind=TEXT)


FUNCTIONS: Final[tuple[Function, ...]] = (
    Scalar("SYSTEM$WAIT", arguments=(1, 2), sql=_wait),
    Scalar("CURRENT_ACCOUNT CURRENT_ACCOUNT_NAME", arguments=0, session=lambda context: context.account),
    Scalar("CURRENT_USER", arguments=0, session=lambda context: context.user, words=("CurrentUser",)),
    Scalar("CURRENT_ROLE", arguments=0, session=lambda context: context.role, words=("CurrentRole",)),
    Scalar("CURRENT_WAREHOUSE", arguments=0, session=lambda context: context.warehouse),
    Scalar(
        "CURRENT_DATABASE",
        arguments=0,
        session=lambda context: context.database,
        words=("CurrentDatabase", "CurrentCatalog"),
    ),
    Scalar("CURRENT_SCHEMA", arguments=0, session=lambda context: context.schema, words=("CurrentSchema",)),
    # functions/current_transaction.md: NULL outside of a transaction.
    Scalar("CURRENT_TRANSACTION", arguments=0, session=lambda context: context.transaction),
    Scalar("CURRENT_SESSION", arguments=0, session=lambda context: context.session_id),
    Scalar("CURRENT_VERSION", arguments=0, session=lambda context: context.version),
    Scalar("CURRENT_ORGANIZATION_NAME CURRENT_REGION", arguments=0, session=lambda _: "LOCAL"),
    Scalar("CURRENT_AVAILABLE_ROLES", arguments=0, session=_available),
    Scalar("LAST_QUERY_ID", arguments=(0, 1), asked=_last_query_id),
    Scalar("GETVARIABLE", asked=_variable),
    Scalar("CURRENT_SECONDARY_ROLES", arguments=0, session=_secondary),
    Scalar("IS_ROLE_IN_SESSION", session=_active, sql="list_contains(string_split({0}, chr(10)), {1})"),
)

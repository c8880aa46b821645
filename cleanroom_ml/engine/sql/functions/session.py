"""Functions that tell something of the session."""

from __future__ import annotations

from typing import Final

from cleanroom_ml.engine.sql.functions.entry import Function, Scalar

FUNCTIONS: Final[tuple[Function, ...]] = (
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
    Scalar("CURRENT_SESSION", arguments=0, session=lambda context: context.session_id),
    Scalar("CURRENT_VERSION", arguments=0, session=lambda context: context.version),
    Scalar("CURRENT_ORGANIZATION_NAME CURRENT_REGION", arguments=0, session=lambda _: "LOCAL"),
    Scalar("CURRENT_AVAILABLE_ROLES", arguments=0, session=lambda _: '["PUBLIC"]'),
    Scalar("CURRENT_SECONDARY_ROLES", arguments=0, session=lambda _: ""),
)

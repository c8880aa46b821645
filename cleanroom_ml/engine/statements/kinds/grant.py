"""GRANT: the one kind that is enforced. Any other would promise what the engine does not keep, so it is refused."""

from __future__ import annotations

from typing import Literal

from cleanroom_ml.engine.sql.errors import SqlError
from cleanroom_ml.engine.sql.read.grant import Grant
from cleanroom_ml.engine.statements.kinds.warehouse import pools
from cleanroom_ml.engine.statements.refusals import shown, translated
from cleanroom_ml.engine.statements.results import Rows, success
from cleanroom_ml.engine.statements.work import Work

_KINDS: dict[str, Literal["WAREHOUSE", "COMPUTE POOL"]] = {"WAREHOUSE": "WAREHOUSE", "COMPUTE POOL": "COMPUTE POOL"}


def grant(work: Work, statement: Grant) -> Rows:
    """GRANT USAGE ON WAREHOUSE | COMPUTE POOL <name> TO APPLICATION <application>."""
    kind = _KINDS.get(statement.kind)
    if (
        statement.revoke
        or kind is None
        or statement.privileges != ("USAGE",)
        or statement.grantee_kind != "APPLICATION"
        or len(statement.name) != 1
        or len(statement.grantee) != 1
    ):
        verb = "REVOKE" if statement.revoke else "GRANT"
        raise SqlError.unsupported(
            f"{verb} {', '.join(statement.privileges)} ON {statement.kind} … {statement.grantee_kind}: "
            "only GRANT USAGE ON COMPUTE POOL or WAREHOUSE TO APPLICATION is enforced here"
        )
    (name,), (application,) = statement.name, statement.grantee
    if kind == "COMPUTE POOL":
        pools(work).describe(work.session, name)
    if work.storage.namespaces.database_kind(work.session.account, application) != "application":
        raise SqlError.not_found("Application", shown(statement.grantee))
    reply = success()
    with translated(statement.name), work.recorded(reply):
        work.storage.warehouses.grant_usage(work.session.account, kind, name, application)
    return reply

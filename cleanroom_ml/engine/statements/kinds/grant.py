"""GRANT: the one kind that is enforced. Any other would promise what the engine does not keep, so it is refused."""

from __future__ import annotations

from typing import Final

from cleanroom_ml.engine.contracts.table import Rows
from cleanroom_ml.engine.sql.errors import SqlError
from cleanroom_ml.engine.sql.read.grant import Grant
from cleanroom_ml.engine.sql.read.show import Show
from cleanroom_ml.engine.statements.kind import Kind
from cleanroom_ml.engine.statements.listing import OWNER, Listed, Listing
from cleanroom_ml.engine.statements.refusals import displayed, translated
from cleanroom_ml.engine.statements.registry import object_kinds
from cleanroom_ml.engine.statements.results import success
from cleanroom_ml.engine.statements.work import Work


def grant(work: Work, statement: Grant) -> Rows:
    """GRANT USAGE ON WAREHOUSE | COMPUTE POOL <name> TO APPLICATION <application>."""
    kind = object_kinds().get(statement.kind)
    if (
        statement.revoke
        or kind is None
        or kind.usage is None
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
    if kind.exists is not None:
        kind.exists(work, name)
    if work.storage.namespaces.database_kind(work.session.account, application) != "application":
        raise SqlError.not_found("Application", displayed(statement.grantee))
    reply = success()
    with translated(statement.name), work.recorded(reply):
        work.storage.warehouses.grant_usage(work.session.account, kind.usage, name, application)
    return reply


def _grants(work: Work, statement: Show) -> Listed:
    for each in work.storage.warehouses.grants(work.session.account):
        yield {
            "created_on": each.granted_on, "privilege": "USAGE", "granted_on": each.kind.replace(" ", "_"),
            "name": each.name, "granted_to": "APPLICATION", "grantee_name": each.application, "grant_option": "false",
            "granted_by": OWNER,
        }  # fmt: skip


_GRANTS: Final = (
    "created_on", "privilege", "granted_on", "name", "granted_to", "grantee_name", "grant_option", "granted_by",
)  # fmt: skip
KINDS: Final = (Kind(Grant, grant, commits=True),)
LISTINGS: Final = (Listing("GRANTS", _GRANTS, _grants),)

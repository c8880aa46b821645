"""What was dropped and can be had back, as a session's roles may know of it."""

from __future__ import annotations

from cleanroom_ml.engine.statements.listing import DROPPED, OWNER, Listed, place
from cleanroom_ml.engine.statements.scope import Scope
from cleanroom_ml.engine.statements.work import Work
from cleanroom_ml.engine.storage.graves import Grave, Kind
from cleanroom_ml.engine.storage.keys import Key


def owned(work: Work, grave: Grave) -> bool:
    """Whether a dropped thing was the session's roles': for others it never was."""
    return work.rights.everything or (bool(grave.owner) and work.rights.has_role(grave.owner))


def dropped(work: Work, kind: Kind, scope: Scope) -> Listed:
    """What SHOW … HISTORY adds: what was the session's roles' and can be had back."""
    if work.restricted:
        return
    for grave in work.storage.graves.list(work.session.account, kind):
        dead = grave.dead
        inside = scope.database in {None, dead.database} and (kind != "TABLE" or scope.schema in {None, dead.schema})
        if inside and owned(work, grave):
            key = Key(dead.account, dead.database, dead.schema, dead.name)
            own = {"name": dead.name or dead.schema or dead.database, DROPPED: grave.dropped_on}
            rest = {name: grave.columns.get(name) for name in ("kind", "comment", "rows", "bytes")}
            yield place(key, grave.owner or OWNER) | rest | own | {"created_on": grave.created_on}

"""What only some targets have: procedures of the database CLEANROOM_ML. The target is asked, once a session.

What a target is called says nothing of what it can do. One that does not answer the question has none of them: what is
done without them says so itself.
"""

from __future__ import annotations

import weakref

from cleanroom_ml.connection import Connection
from cleanroom_ml.connection.session import OWN_DATABASE
from cleanroom_ml.errors import ServerError

_KNOWN: weakref.WeakKeyDictionary[Connection, frozenset[str]] = weakref.WeakKeyDictionary()


def has_procedure(connection: Connection, procedure: str) -> bool:
    """Whether this target has a procedure of its own, `SCHEMA.NAME`.

    Raises:
        ConnectError: the target was not reached, which is no answer.
    """
    known = _KNOWN.get(connection)
    if known is None:
        try:
            rows = connection.execute(f"SHOW PROCEDURES IN DATABASE {OWN_DATABASE}")
        except ServerError:
            rows = []
        # Snowflake lists the procedures of other databases where this one is not there for a role.
        own = [row for row in rows if str(row.get("catalog_name") or "").upper() == OWN_DATABASE]
        known = frozenset(f"{row.get('schema_name')}.{row.get('name')}".upper() for row in own)
        _KNOWN[connection] = known
    return procedure.upper() in known

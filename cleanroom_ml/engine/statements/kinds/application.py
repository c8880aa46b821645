"""Applications: the rooms that the account has joined. Those who know them are `ports.Applications`."""

from __future__ import annotations

from typing import Final

from cleanroom_ml.engine.contracts.table import Rows
from cleanroom_ml.engine.sql.errors import SqlError
from cleanroom_ml.engine.sql.read.describe import Describe
from cleanroom_ml.engine.sql.read.show import Show
from cleanroom_ml.engine.statements.kind import ObjectKind
from cleanroom_ml.engine.statements.listing import Listing
from cleanroom_ml.engine.statements.ports import Applications
from cleanroom_ml.engine.statements.work import Work


def describe_application(work: Work, statement: Describe) -> Rows:
    """DESCRIBE APPLICATION."""
    return _applications(work, "DESCRIBE APPLICATION").describe(work.session, statement.name[-1])


def _displayed(work: Work, statement: Show) -> Rows:
    return _applications(work, "SHOW APPLICATIONS").show(work.session, statement.like)


def _applications(work: Work, asked: str) -> Applications:
    if work.applications is None:
        raise SqlError.unsupported(asked)
    return work.applications


OBJECTS: Final = (ObjectKind("APPLICATION", describe=describe_application),)
LISTINGS: Final = (Listing("APPLICATIONS", answer=_displayed),)

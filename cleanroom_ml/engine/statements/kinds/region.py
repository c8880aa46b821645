"""SHOW REGIONS: the one that there is, as CURRENT_REGION() calls it."""

from __future__ import annotations

from typing import Final

from cleanroom_ml.engine.sql.read.show import Show
from cleanroom_ml.engine.statements.listing import Listed, Listing
from cleanroom_ml.engine.statements.work import Work


def _regions(work: Work, statement: Show) -> Listed:
    return ({"snowflake_region": "LOCAL", "cloud": "local", "region": "local", "display_name": "This machine"},)


LISTINGS: Final = (
    Listing("REGIONS", ("snowflake_region", "cloud", "region", "display_name"), _regions, named="snowflake_region"),
)

"""How long a statement may run: one parameter, one default, one bound, for whoever measures it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

PARAMETER: Final = "STATEMENT_TIMEOUT_IN_SECONDS"
DEFAULT_SECONDS: Final = 3600.0
MOST_SECONDS: Final = 604_800.0
"""Seven days, as on Snowflake."""


def set_seconds(parameters: Mapping[str, str]) -> float | None:
    """The limit that these parameters set; None where they set none: 0 and what is no number mean the default."""
    try:
        seconds = float(parameters.get(PARAMETER, ""))
    except ValueError:
        return None
    return min(seconds, MOST_SECONDS) if seconds > 0 else None


def allowed_seconds(*parameters: Mapping[str, str]) -> float:
    """The limit of a statement: what the first of these sets (the request's own before the session's), or the
    default.
    """
    return next((found for each in parameters if (found := set_seconds(each)) is not None), DEFAULT_SECONDS)

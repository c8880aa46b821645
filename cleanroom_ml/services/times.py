"""Times as they are told: RFC 3339 in UTC (docs/cli-conventions.md, "Streams"); those of data as they are."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Final

# Snowflake's own form of a time as text stands apart from its zone: `2026-11-23 11:25:35.000 -0800`.
_ZONE: Final = re.compile(r"\s+([+-]\d{2}:?\d{2}|Z)\Z")


def rfc3339(value: object) -> str:
    """A server's time as `2026-11-23T19:25:35.000000Z`; one without a zone is UTC, None is ``.

    Always of the same length, so that texts sort as the times do. A text that is no time is kept as it is.
    """
    if value is None:
        return ""
    try:
        moment = value if isinstance(value, datetime) else datetime.fromisoformat(_ZONE.sub(r"\1", str(value).strip()))
    except ValueError:
        return str(value)
    moment = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    return moment.isoformat(timespec="microseconds").replace("+00:00", "Z")


def as_it_is(value: object) -> object:
    """A value of somebody's own query: a time of it is told with the zone that it has there, or without one.

    TIMESTAMP_NTZ has none, TIMESTAMP_TZ its own offset, TIMESTAMP_LTZ the session's. The driver gives microseconds.
    """
    return value.isoformat(timespec="microseconds") if isinstance(value, datetime) else value

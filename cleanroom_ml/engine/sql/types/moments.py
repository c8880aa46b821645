"""DATE, TIME and the three TIMESTAMPs.

Bound values: snowflake-connector-python `converter.py`, `*_to_snowflake_bindings`: dates are milliseconds and times and
timestamps nanoseconds since the epoch, TIMESTAMP_TZ adds its offset in minutes + 1440. Rowsets: the same file's
`_*_to_python`.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta, timezone
from typing import Any, Final

from cleanroom_ml.engine.sql.binds import FineMoment, Scalar, Value
from cleanroom_ml.engine.sql.types import exact_texts
from cleanroom_ml.engine.sql.types.kind import DATE as DATE_KIND
from cleanroom_ml.engine.sql.types.kind import TIME as TIME_KIND
from cleanroom_ml.engine.sql.types.kind import TIMESTAMP as TIMESTAMP_KIND
from cleanroom_ml.engine.sql.types.kind import TZ
from cleanroom_ml.engine.sql.types.moment_casts import TZ_TYPE
from cleanroom_ml.engine.sql.types.numbers import bound_integer
from cleanroom_ml.engine.sql.types.record import Parameters, Sized, TypeRecord, plain_text

_EPOCH: Final = datetime(1970, 1, 1)
_EPOCH_DATE: Final = date(1970, 1, 1)
_DIGITS: Final = 9
"""Of a second, on the wire: what every column has that declares no other number."""


def _written_date(value: object) -> str:
    if isinstance(value, date) and not isinstance(value, datetime):
        return str((value - _EPOCH_DATE).days)
    return plain_text(value)


def _written_time(value: object) -> str:
    if not isinstance(value, time):
        return plain_text(value)
    seconds = value.hour * 3600 + value.minute * 60 + value.second
    return f"{seconds}.{value.microsecond * 1000:09d}"


def _written_moment(value: object) -> str:
    """Decimal seconds with nine digits; exact, also before 1970."""
    if not isinstance(value, datetime):
        return plain_text(value)
    naive = value.astimezone(UTC).replace(tzinfo=None) if value.tzinfo else value
    micros = (naive - _EPOCH) // timedelta(microseconds=1)
    whole, rest = divmod(abs(micros), 1_000_000)
    return f"{'-' if micros < 0 else ''}{whole}.{rest * 1000:09d}"


def _written_with_offset(value: object) -> str:
    if not isinstance(value, datetime):
        return plain_text(value)
    offset = value.utcoffset() or timedelta()
    return f"{_written_moment(value)} {offset // timedelta(minutes=1) + 1440}"


def _bound_date(value: str) -> Scalar:
    return (_EPOCH + timedelta(milliseconds=bound_integer(value))).date()


def _bound_time(value: str) -> Scalar:
    micros, nanos = divmod(bound_integer(value), 1000)
    if not 0 <= micros < 86_400_000_000:
        raise ValueError
    return _exactly((_EPOCH + timedelta(microseconds=micros)).time(), nanos)


def _exactly(whole: datetime | time, nanos: int) -> Scalar:
    return FineMoment(whole, nanos) if nanos else whole


def _counted(value: str) -> tuple[datetime, int]:
    micros, nanos = divmod(bound_integer(value), 1000)
    return _EPOCH + timedelta(microseconds=micros), nanos


def _bound_moment(value: str) -> Scalar:
    return _exactly(*_counted(value))


def _bound_utc(value: str) -> Scalar:
    moment, nanos = _counted(value)
    return _exactly(moment.replace(tzinfo=UTC), nanos)


def _bound_with_offset(value: str) -> Scalar:
    text, _, offset = value.partition(" ")
    zone = timezone(timedelta(minutes=bound_integer(offset) - 1440))
    moment, nanos = _counted(text)
    return _exactly(moment.replace(tzinfo=UTC).astimezone(zone), nanos)


def _read_moment(value: Any, _: Sized) -> Value:  # Any: see TypeRecord.read
    return datetime.fromisoformat(value)


def _read_with_offset(value: Any, _: Sized) -> Value:  # Any: see TypeRecord.read
    moment, shift = str(value).rsplit(" ", 1)
    zone = timezone(timedelta(minutes=int(shift)))
    return datetime.fromisoformat(moment).replace(tzinfo=UTC).astimezone(zone)


DATE: Final = TypeRecord(
    name="DATE",
    python="date",
    kind=DATE_KIND,
    moment="DATE",
    duckdb="DATE",
    write=_written_date,
    bind=_bound_date,
    stored="date32[day]",
    sent="date32[day]",
    read=lambda value, _: date.fromisoformat(value),
    format="DATE_FORMAT",
)
TIME: Final = TypeRecord(
    name="TIME",
    python="time",
    kind=TIME_KIND,
    moment="TIME",
    parameters=Parameters.SECONDS,
    duckdb="TIME",
    seconds=_DIGITS,
    write=_written_time,
    bind=_bound_time,
    stored="time64[us]",
    sent="int64",
    read=lambda value, _: time.fromisoformat(value),
)
TIMESTAMP_NTZ: Final = TypeRecord(
    name="TIMESTAMP_NTZ",
    python="naive",
    synonyms=("TIMESTAMPNTZ", "TIMESTAMP WITHOUT TIME ZONE", "DATETIME", "TIMESTAMP"),
    given=("TIMESTAMP_NS", "TIMESTAMP_S", "TIMESTAMP_MS"),
    kind=TIMESTAMP_KIND,
    moment="NTZ",
    parameters=Parameters.SECONDS,
    duckdb="TIMESTAMP",
    seconds=_DIGITS,
    write=_written_moment,
    bind=_bound_moment,
    stored="timestamp[us]",
    sent="int64",
    read=_read_moment,
    format="TIMESTAMP_FORMAT",
)
TIMESTAMP_LTZ: Final = TypeRecord(
    name="TIMESTAMP_LTZ",
    python="local",
    exact=exact_texts.MOMENT,
    synonyms=("TIMESTAMPLTZ", "TIMESTAMP WITH LOCAL TIME ZONE", "TIMESTAMP WITH TIME ZONE"),
    given=("TIMESTAMPTZ_NS",),
    kind=TIMESTAMP_KIND,
    moment="LTZ",
    parameters=Parameters.SECONDS,
    duckdb="TIMESTAMPTZ",
    seconds=_DIGITS,
    write=_written_moment,
    bind=_bound_utc,
    stored="timestamp[us, tz=UTC]",
    sent="struct<epoch: int64, fraction: int32>",
    read=_read_moment,
    format="TIMESTAMP_FORMAT",
)
TIMESTAMP_TZ: Final = TypeRecord(
    name="TIMESTAMP_TZ",
    python="aware",
    synonyms=("TIMESTAMPTZ",),
    nested=(TZ_TYPE.upper(),),
    kind=TZ,
    moment="TZ",
    parameters=Parameters.SECONDS,
    duckdb=TZ_TYPE,
    seconds=_DIGITS,
    write=_written_with_offset,
    bind=_bound_with_offset,
    stored="struct<utc: timestamp[us], shift: int16>",
    sent="struct<epoch: int64, fraction: int32, timezone: int32>",
    read=_read_with_offset,
    format="TIMESTAMP_FORMAT",
)

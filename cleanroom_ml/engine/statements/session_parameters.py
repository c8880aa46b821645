"""The session parameters that ALTER SESSION takes (`sql-reference/parameters`): each acts, or may only be set to what
it is anyway, or is one that clients read and the engine has nothing to do with. Anything else is refused by name.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from cleanroom_ml.engine.contracts import result_format
from cleanroom_ml.engine.contracts.statement_time import DEFAULT_SECONDS, PARAMETER
from cleanroom_ml.engine.sql import settings
from cleanroom_ml.engine.sql.errors import SqlError


def _only(*values: str) -> settings.Check:
    return lambda text: text.upper() in values


def _any(text: str) -> bool:
    return True


_TRUTH: Final = _only("TRUE", "FALSE")
_CHECKS: Final[Mapping[str, settings.Check]] = {
    **settings.CHECKS,
    "QUERY_TAG": _any,
    PARAMETER: _any,
    "AUTOCOMMIT": _TRUTH,
    "MULTI_STATEMENT_COUNT": settings.between(0, 999_999),
    **dict.fromkeys(result_format.PARAMETERS, _only(*result_format.VALUES)),
    # What has one meaning here may be set to it.
    "FEATURE_INTERVAL_TYPES": _only("ENABLED"),
    "TIMESTAMP_TYPE_MAPPING": _only("TIMESTAMP_NTZ"),
    "BINARY_INPUT_FORMAT": _only("HEX"),
    "BINARY_OUTPUT_FORMAT": _only("HEX"),
    "QUOTED_IDENTIFIERS_IGNORE_CASE": _only("FALSE"),
    "STRICT_JSON_OUTPUT": _only("FALSE"),
    "TIMESTAMP_DAY_IS_ALWAYS_24H": _only("FALSE"),
    "ROWS_PER_RESULTSET": _only("0"),
    "NOORDER_SEQUENCE_AS_DEFAULT": _TRUTH,
    "UNSUPPORTED_DDL_ACTION": _only("IGNORE", "FAIL"),
    "ENABLE_UNLOAD_PHYSICAL_TYPE_OPTIMIZATION": _TRUTH,
    "ERROR_ON_NONDETERMINISTIC_MERGE": _only("TRUE"),
    "ERROR_ON_NONDETERMINISTIC_UPDATE": _only("FALSE"),
    "TRANSACTION_DEFAULT_ISOLATION_LEVEL": _only("READ COMMITTED"),
    # What a result is does not depend on these.
    "ABORT_DETACHED_QUERY": _TRUTH,
    "STATEMENT_QUEUED_TIMEOUT_IN_SECONDS": settings.between(0, 604_800),
    "LOCK_TIMEOUT": settings.between(0, 999_999_999),
    "USE_CACHED_RESULT": _TRUTH,
    "LOG_LEVEL": _any,
    "TRACE_LEVEL": _any,
    "METRIC_LEVEL": _any,
    "TRANSACTION_ABORT_ON_ERROR": _TRUTH,
    "SUPPRESS_INCIDENT_DUMPS": _TRUTH,
    "PYTHON_SNOWPARK_USE_SCOPED_TEMP_OBJECTS": _TRUTH,
    "GEOGRAPHY_OUTPUT_FORMAT": _any,
    "GEOMETRY_OUTPUT_FORMAT": _any,
}
_CLIENTS: Final = ("CLIENT_", "JDBC_", "ODBC_", "PYTHON_", "JS_", "GO_", "CSHARP_", "SNOWPARK_", "ENABLE_SNOWPARK_")
"""How the names of parameters begin that only clients read; they are kept, and told to them."""
DEFAULTS: Final[Mapping[str, str]] = {
    **settings.DEFAULTS,
    "AUTOCOMMIT": "true",
    "QUERY_TAG": "",
    PARAMETER: f"{DEFAULT_SECONDS:g}",
    "MULTI_STATEMENT_COUNT": "1",
    result_format.GENERAL: "ARROW",
    "TIMESTAMP_TYPE_MAPPING": "TIMESTAMP_NTZ",
    "BINARY_INPUT_FORMAT": "HEX",
    "BINARY_OUTPUT_FORMAT": "HEX",
    "QUOTED_IDENTIFIERS_IGNORE_CASE": "false",
    "PYTHON_SNOWPARK_USE_SCOPED_TEMP_OBJECTS": "true",
}


def check_sent(asked: Mapping[str, str], session: Mapping[str, str]) -> None:
    """The parameters that a statement was sent with: each acts, or is what it is anyway. One that no session has is a
    client's own mark, and nothing here either.

    Raises:
        SqlError: one cannot have that value.
    """
    for name, text in asked.items():
        if name in _CHECKS:
            check(name, text)
    commits = asked.get("AUTOCOMMIT")
    if commits is not None and commits.lower() != session.get("AUTOCOMMIT", DEFAULTS["AUTOCOMMIT"]).lower():
        raise SqlError.unsupported("AUTOCOMMIT of one statement: ALTER SESSION SET AUTOCOMMIT")


def check(name: str, text: str) -> None:
    """Raises SqlError: there is no such parameter, or it cannot have that value here."""
    known = _CHECKS.get(name)
    if known is None:
        if name.startswith(_CLIENTS) and not name.endswith(result_format.GENERAL):
            return
        raise SqlError(1006, "42601", f"SQL compilation error:\ninvalid parameter '{name[:100]}'")
    if known(text):
        return
    if name in settings.CHECKS:
        raise SqlError(1008, "22023", f"SQL compilation error:\ninvalid value [{text[:100]}] for parameter '{name}'")
    raise SqlError.unsupported(f"{name} = {text[:60]}")

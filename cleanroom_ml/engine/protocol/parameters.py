"""The session parameters that clients are told (connector: `connection._update_parameters`; Snowpark: whatever
`ServerConnection._get_client_side_session_parameter` asks for, which never asks the server again).

What Snowpark finds no value for it takes as switched off, also where Snowflake has it switched on: then a session that
several threads share has one cursor for all of them, and answers with each other's rows or with none.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from cleanroom_ml.engine.contracts.result_format import VALUES

_FIXED: Final[dict[str, object]] = {
    "AUTOCOMMIT": True,
    # Snowflake's own (sql-reference/parameters): from so many values on, drivers put a batch into a stage.
    "CLIENT_STAGE_ARRAY_BINDING_THRESHOLD": 65280,
    "CLIENT_PREFETCH_THREADS": 4,
    "CLIENT_TELEMETRY_ENABLED": False,
    "CLIENT_SESSION_KEEP_ALIVE": False,
    "CLIENT_SESSION_KEEP_ALIVE_HEARTBEAT_FREQUENCY": 3600,
    "PYTHON_CONNECTOR_QUERY_RESULT_FORMAT": "arrow",
    "CLIENT_OUT_OF_BAND_TELEMETRY_ENABLED": False,
    "CLIENT_VALIDATE_DEFAULT_PARAMETERS": False,
    "ENABLE_SNOWPARK_FIRST_PARTY_TELEMETRY": False,
    "PYTHON_SNOWPARK_COMPILATION_STAGE_ENABLED": False,
    "PYTHON_SNOWPARK_ELIMINATE_NUMERIC_SQL_VALUE_CAST_ENABLED": True,
    "PYTHON_SNOWPARK_ENABLE_SCOPED_TEMP_READ_ONLY_TABLE": False,
    "PYTHON_SNOWPARK_ENABLE_THREAD_SAFE_SESSION": True,
    "PYTHON_SNOWPARK_GENERATE_MULTILINE_QUERIES": False,
    "PYTHON_SNOWPARK_REDUCE_DESCRIBE_QUERY_ENABLED": False,
    "PYTHON_SNOWPARK_USE_AST": False,
    "PYTHON_SNOWPARK_USE_LOGICAL_TYPE_FOR_CREATE_DATAFRAME": True,
    # Snowpark's own suite says so, and of the one above: SCOPED TEMPORARY is TEMPORARY here.
    "PYTHON_SNOWPARK_USE_SCOPED_TEMP_OBJECTS": True,
    "PYTHON_SNOWPARK_USE_SQL_SIMPLIFIER": True,
    "QUERY_CONTEXT_CACHE_SIZE": 0,
}
_SETTABLE: Final = frozenset(
    {
        "AUTOCOMMIT",
        "CLIENT_PREFETCH_THREADS",
        "CLIENT_SESSION_KEEP_ALIVE",
        "CLIENT_SESSION_KEEP_ALIVE_HEARTBEAT_FREQUENCY",
        "PYTHON_CONNECTOR_QUERY_RESULT_FORMAT",
        "PYTHON_SNOWPARK_USE_SCOPED_TEMP_OBJECTS",
        "PYTHON_SNOWPARK_USE_SQL_SIMPLIFIER",
        "PYTHON_SNOWPARK_ELIMINATE_NUMERIC_SQL_VALUE_CAST_ENABLED",
        "PYTHON_SNOWPARK_ENABLE_THREAD_SAFE_SESSION",
        "PYTHON_SNOWPARK_GENERATE_MULTILINE_QUERIES",
        "PYTHON_SNOWPARK_REDUCE_DESCRIBE_QUERY_ENABLED",
        "PYTHON_SNOWPARK_USE_LOGICAL_TYPE_FOR_CREATE_DATAFRAME",
    }
)
"""Of what is in _FIXED: what a session may set for itself. The rest says what the engine does, whatever is set."""
_DEFAULTS: Final[dict[str, object]] = {
    "TIMEZONE": "Etc/UTC",
    "TIMESTAMP_OUTPUT_FORMAT": "YYYY-MM-DD HH24:MI:SS.FF3 TZHTZM",
    "TIMESTAMP_NTZ_OUTPUT_FORMAT": "YYYY-MM-DD HH24:MI:SS.FF3",
    "TIMESTAMP_LTZ_OUTPUT_FORMAT": "",
    "TIMESTAMP_TZ_OUTPUT_FORMAT": "",
    "DATE_OUTPUT_FORMAT": "YYYY-MM-DD",
    "TIME_OUTPUT_FORMAT": "HH24:MI:SS",
    "BINARY_OUTPUT_FORMAT": "HEX",
    "TIMESTAMP_TYPE_MAPPING": "TIMESTAMP_NTZ",
}


def login_parameters(session: Mapping[str, str]) -> list[dict[str, object]]:
    """Every parameter that a client is told at login; `session` has what was set."""
    return _listed(_FIXED | _DEFAULTS | _known(session) | _told(session))


def query_parameters(session: Mapping[str, str]) -> list[dict[str, object]]:
    """The parameters that come with each result, so that an ALTER SESSION reaches the client: its conversion, and
    what it was told at login and has been set since.
    """
    return _listed(_DEFAULTS | _known(session) | _told(session))


def _known(session: Mapping[str, str]) -> dict[str, object]:
    return {name: session[name] for name in _DEFAULTS if name in session}


def _told(session: Mapping[str, str]) -> dict[str, object]:
    """What the session set of what has a value of ours, as a value of that kind; what is none stays ours."""
    told: dict[str, object] = {}
    for name in _SETTABLE & session.keys():
        kind, text = type(_FIXED[name]), session[name]
        if kind is bool and text.lower() in {"true", "false"}:
            told[name] = text.lower() == "true"
        elif kind is int and text.isascii() and text.isdigit() and len(text) < 10:
            told[name] = int(text)
        elif name == "PYTHON_CONNECTOR_QUERY_RESULT_FORMAT" and text.upper() in VALUES:
            told[name] = text.lower()
    return told


def _listed(values: Mapping[str, object]) -> list[dict[str, object]]:
    return [{"name": name, "value": value} for name, value in values.items()]

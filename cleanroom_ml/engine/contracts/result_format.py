"""In which of the protocol's two forms a SELECT's rows are sent: Arrow, or JSON texts.

Clients ask for it by a session parameter, or by one of the request alone (connector: `cursor._execute_helper`, which
asks for JSON where it has no reader of Arrow). Each driver has a name of its own for it, which goes before the one that
holds for all of them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, Literal

ResultFormat = Literal["ARROW", "JSON"]

GENERAL: Final = "QUERY_RESULT_FORMAT"
PARAMETERS: Final = (
    "PYTHON_CONNECTOR_QUERY_RESULT_FORMAT",
    "JDBC_QUERY_RESULT_FORMAT",
    "ODBC_QUERY_RESULT_FORMAT",
    "GO_QUERY_RESULT_FORMAT",
    GENERAL,
)
VALUES: Final[Mapping[str, ResultFormat]] = {"ARROW": "ARROW", "ARROW_FORCE": "ARROW", "JSON": "JSON"}
"""ARROW_FORCE is ARROW also where Snowflake would send a small result as JSON: here none is."""


def asked_format(*parameters: Mapping[str, str]) -> ResultFormat:
    """The form that the first of these asks for: the request's own parameters before the session's."""
    for each in parameters:
        for name in PARAMETERS:
            found = VALUES.get(each.get(name, "").upper())
            if found is not None:
                return found
    return "ARROW"

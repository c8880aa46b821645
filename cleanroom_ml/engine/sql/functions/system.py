"""GET_DDL and the SYSTEM$ functions that clients call (sql-reference/functions-system).

What is a service's is refused by name: what its network allows, what its optimizer would save.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from sqlglot import exp

from cleanroom_ml.engine.sql.binds import Value
from cleanroom_ml.engine.sql.catalog import ContextValues
from cleanroom_ml.engine.sql.errors import SqlError
from cleanroom_ml.engine.sql.functions.entry import Function, Scalar, constant_text
from cleanroom_ml.engine.sql.tree.dialect import Node
from cleanroom_ml.engine.sql.tree.kinds import kind_of
from cleanroom_ml.engine.sql.types.kind import Kind, Number, Text

_LONGEST: Final = 1 << 24
_STORED: Final = ((2, "SB1"), (4, "SB2"), (9, "SB4"), (18, "SB8"), (38, "SB16"))
"""Digits of a NUMBER, and in how many bytes it is kept."""
_TYPES: Final[Mapping[str, str]] = {
    "JSON": "VARIANT[LOB]",
    "DATE": "DATE[SB4]",
    "TIMESTAMP": "TIMESTAMP_NTZ(9)[SB16]",
    "TZ": "TIMESTAMP_TZ(9)[SB16]",
    "TIME": "TIME(9)[SB8]",
    "FINE TIMESTAMP": "TIMESTAMP_NTZ(9)[SB16]",
    "FINE TZ": "TIMESTAMP_TZ(9)[SB16]",
    "FINE TIME": "TIME(9)[SB8]",
    "BINARY": "BINARY(8388608)[LOB]",
}


def _ddl(context: ContextValues, args: Sequence[Node]) -> Value:
    """GET_DDL('kind', 'name' [, fully qualified])."""
    if context.ddl is None:
        raise SqlError.unsupported("GET_DDL in a clean room")
    full = len(args) > 2 and isinstance(args[2], exp.Boolean) and bool(args[2].this)
    return context.ddl(constant_text(args[0], "GET_DDL"), constant_text(args[1], "GET_DDL"), full)


def _type(context: ContextValues, args: Sequence[Node]) -> Value:
    """SYSTEM$TYPEOF: the type of an expression, and how it would be kept."""
    kind = kind_of(args[0])
    known = _named(kind, args[0])
    if known is None:
        raise SqlError.unsupported("SYSTEM$TYPEOF of an expression whose type is not known before it runs")
    return known


def _named(kind: Kind | None, node: Node) -> str | None:
    if isinstance(node, exp.Boolean | exp.Predicate | exp.Connector | exp.Not):
        return "BOOLEAN[SB1]"
    if isinstance(node, exp.Null):
        return "NULL[LOB]"
    if isinstance(kind, Number):
        if kind.scale is None:
            return "FLOAT[DOUBLE]"
        stored = next(name for digits, name in _STORED if kind.precision <= digits)
        return f"NUMBER({kind.precision},{kind.scale})[{stored}]"
    if isinstance(kind, Text):
        return f"VARCHAR({kind.length})[LOB]"
    if kind == "TEXT":
        literal = isinstance(node, exp.Literal | exp.RawString)
        return f"VARCHAR({max(1, len(str(node.this)))})[LOB]" if literal else f"VARCHAR({_LONGEST})[LOB]"
    return None if kind is None else _TYPES.get(kind)


def _repository(context: ContextValues, args: Sequence[Node]) -> Value:
    """SYSTEM$GET_DEFAULT_PYTHON_ARTIFACT_REPOSITORY('3.11' [, 'schema', 'NAME']): no other can be set."""
    return "snowflake.snowpark.anaconda_shared_repository"


def _refused(name: str) -> Function:
    def refuse(context: ContextValues, args: Sequence[Node]) -> Value:
        raise SqlError.unsupported(name)

    return Scalar(name, arguments=(0, None), asked=refuse)


_OF_A_SERVICE: Final = """SYSTEM$ALLOWLIST SYSTEM$ALLOWLIST_PRIVATELINK SYSTEM$WHITELIST SYSTEM$WHITELIST_PRIVATELINK
    SYSTEM$ESTIMATE_QUERY_ACCELERATION SYSTEM$ESTIMATE_SEARCH_OPTIMIZATION_COSTS SYSTEM$CLUSTERING_INFORMATION
    SYSTEM$CLUSTERING_DEPTH SYSTEM$GET_PREDECESSOR_RETURN_VALUE SYSTEM$SET_RETURN_VALUE SYSTEM$STREAM_HAS_DATA
    SYSTEM$PIPE_STATUS SYSTEM$TASK_DEPENDENTS_ENABLE SYSTEM$GET_TAG SYSTEM$BEHAVIOR_CHANGE_BUNDLE_STATUS
    SYSTEM$EXPLAIN_PLAN_JSON SYSTEM$EXPLAIN_JSON_TO_TEXT SYSTEM$LAST_CHANGE_COMMIT_TIME
    SYSTEM$GET_SERVICE_STATUS SYSTEM$GET_SERVICE_LOGS SYSTEM$SHOW_ACTIVE_BEHAVIOR_CHANGE_BUNDLES"""

FUNCTIONS: Final[tuple[Function, ...]] = (
    Scalar("GET_DDL", arguments=(2, 3), asked=_ddl),
    Scalar("SYSTEM$TYPEOF", asked=_type),
    # What Snowpark asks before it makes a function: where its packages come from, and whether that was agreed to. Here
    # they are those of the runtime (a package that is not there is then named as that); `session.py` of the client.
    Scalar("SYSTEM$GET_DEFAULT_PYTHON_ARTIFACT_REPOSITORY", arguments=(1, 3), asked=_repository),
    Scalar("SYSTEM$ARE_ANACONDA_TERMS_ACKNOWLEDGED", arguments=0, session=lambda _: True),
    Scalar("CURRENT_TRANSACTION", arguments=0, session=lambda context: context.transaction),
    *(_refused(name) for name in _OF_A_SERVICE.split()),
)

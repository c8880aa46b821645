"""SNOWFLAKE.ACCOUNT_USAGE.QUERY_HISTORY, and the rows of the table functions INFORMATION_SCHEMA.QUERY_HISTORY….

Columns and who sees which rows: sql-reference/account-usage/query_history, -/functions/query_history. What the engine
keeps no record of is NULL: the texts of statements, sizes, queues, credits.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from functools import cache
from typing import Final

from cleanroom_ml.engine.contracts import table
from cleanroom_ml.engine.sql.binds import Value
from cleanroom_ml.engine.sql.catalog import RowsSource
from cleanroom_ml.engine.sql.errors import SqlError
from cleanroom_ml.engine.sql.functions.history import FUNCTION
from cleanroom_ml.engine.statements.information_schema_rows import Seen
from cleanroom_ml.engine.storage.grants import Thing
from cleanroom_ml.engine.storage.query_history import Recorded

VIEW: Final = ("SNOWFLAKE", "ACCOUNT_USAGE", "QUERY_HISTORY")
_BOTH: Final = """bytes_scanned:N rows_produced:N compilation_time:N execution_time:N queued_provisioning_time:N
    queued_repair_time:N queued_overload_time:N transaction_blocked_time:N outbound_data_transfer_cloud
    outbound_data_transfer_region outbound_data_transfer_bytes:N inbound_data_transfer_cloud
    inbound_data_transfer_region inbound_data_transfer_bytes:N"""
_EXTERNAL: Final = """external_function_total_invocations:N external_function_total_sent_rows:N
    external_function_total_received_rows:N external_function_total_sent_bytes:N
    external_function_total_received_bytes:N"""
_HASHES: Final = "query_hash query_hash_version:N query_parameterized_hash query_parameterized_hash_version:N"
_OF_VIEW: Final = f"""query_id query_text database_id:N database_name schema_id:N schema_name query_type session_id:N
    authn_event_id:N user_name role_name warehouse_id:N warehouse_name warehouse_size warehouse_type cluster_number:N
    query_tag execution_status error_code:N error_message start_time:T end_time:T total_elapsed_time:N bytes_scanned:N
    percentage_scanned_from_cache:F bytes_written:N bytes_written_to_result:N bytes_read_from_result:N rows_produced:N
    rows_inserted:N rows_updated:N rows_deleted:N rows_unloaded:N bytes_deleted:N partitions_scanned:N
    partitions_total:N bytes_spilled_to_local_storage:N bytes_spilled_to_remote_storage:N
    bytes_sent_over_the_network:N {_BOTH.partition("rows_produced:N")[2]} list_external_files_time:N
    credits_used_cloud_services:N release_version {_EXTERNAL} query_load_percent:N is_client_generated_statement:B
    query_acceleration_bytes_scanned:N query_acceleration_partitions_scanned:N
    query_acceleration_upper_limit_scale_factor:N transaction_id:N child_queries_wait_time:N role_type {_HASHES}
    secondary_role_stats rows_written_to_result:N query_retry_time:N query_retry_cause fault_handling_time:N user_type
    user_database_name user_database_id user_schema_name user_schema_id bind_values:A agent_type"""
_OF_FUNCTION: Final = f"""query_id query_text database_name schema_name query_type session_id:N authn_event_id:N
    user_name user_type user_database_name user_schema_name role_name warehouse_name warehouse_size warehouse_type
    cluster_number:N query_tag execution_status error_code:N error_message start_time:T end_time:T
    total_elapsed_time:N {_BOTH} list_external_file_time:N credits_used_cloud_services:N release_version {_EXTERNAL}
    is_client_generated_statement:B {_HASHES} transaction_id:N query_acceleration_bytes_scanned:N
    query_acceleration_partitions_scanned:N query_acceleration_upper_limit_scale_factor:N bytes_written_to_result:N
    rows_written_to_result:N rows_inserted:N query_retry_time:N query_retry_cause fault_handling_time:N bind_values:A
    agent_type"""
_TYPES: Final = {"": "VARCHAR", "N": "NUMBER(38,0)", "T": "TIMESTAMP_LTZ", "F": "FLOAT", "B": "BOOLEAN", "A": "ARRAY"}
_KINDS: Final[Mapping[int, str]] = {
    table.SELECT: "SELECT", table.INSERT: "INSERT", table.UPDATE: "UPDATE", table.DELETE: "DELETE",
    table.MERGE: "MERGE", table.COPY: "COPY", table.SESSION: "SET", table.ALTER_SESSION: "ALTER_SESSION",
    table.USE: "USE", table.SHOW: "SHOW", table.DESCRIBE: "DESCRIBE", table.LIST: "LIST_FILES",
    table.GET: "GET_FILES", table.PUT: "PUT_FILES", table.REMOVE: "REMOVE_FILES", table.CALL: "CALL",
}  # fmt: skip
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_NEVER: Final = datetime.max.replace(tzinfo=UTC)


def relation(seen: Seen, parts: tuple[str, ...]) -> RowsSource | None:
    """The view, whose rows are all of the account's, for ACCOUNTADMIN (sql-reference/account-usage, "Enabling other
    roles": it is granted to no other role from the start); the rows that the functions choose from. None: another name,
    or not for these roles.

    Raises:
        SqlError: a text that somebody else wrote asks what whoever runs it has sent.
    """
    if parts == VIEW and seen.rights.everything:
        ended = (each for each in _all(seen) if each.ended_on is not None)
        return _source(_OF_VIEW, ended, {"SUCCESS": "success"}, "fail")
    if parts[-1] == FUNCTION:
        if seen.of_a_text:
            raise SqlError.unsupported(
                "INFORMATION_SCHEMA.QUERY_HISTORY in a view, a function or a procedure with its owner's rights"
            )
        since = cache(lambda warehouse: _monitored_since(seen, warehouse))
        shown = (each for each in _all(seen) if each.user == seen.user or each.started_on >= since(each.warehouse))
        states = {"SUCCESS": "success", "QUEUED": "queued", "RUNNING": "running"}
        return _source(_OF_FUNCTION, shown, states, "failed_with_error")
    return None


def _all(seen: Seen) -> Iterable[Recorded]:
    return seen.storage.query_history.list(seen.account)


def _monitored_since(seen: Seen, warehouse: str | None) -> datetime:
    """From when on they may see what ran in a warehouse: in the one that is there, not in one of its name before it."""
    if warehouse is None:
        return _NEVER
    thing = Thing("WAREHOUSE", name=warehouse)
    if not (seen.rights.has("MONITOR", thing) or seen.rights.has("OPERATE", thing)):
        return _NEVER
    if seen.rights.everything:
        return _EPOCH
    there = seen.storage.warehouses.get(seen.account, warehouse)
    return _NEVER if there is None else there.created_on


def _source(listed: str, found: Iterable[Recorded], states: Mapping[str, str], failed: str) -> RowsSource:
    columns = [(name.upper(), _TYPES[kind]) for name, _, kind in (each.partition(":") for each in listed.split())]
    rows = (_row(each, states.get(each.state, failed)) for each in found)
    return RowsSource.of(columns, [tuple(row.get(name) for name, _ in columns) for row in rows])


def _row(each: Recorded, status: str) -> Mapping[str, Value]:
    ended = _EPOCH if each.ended_on is None else each.ended_on
    elapsed = None if each.ended_on is None else int((each.ended_on - each.started_on).total_seconds() * 1000)
    return {
        "QUERY_ID": each.query_id, "DATABASE_NAME": each.database, "SCHEMA_NAME": each.schema,
        "QUERY_TYPE": "UNKNOWN" if each.state != "SUCCESS" else _KINDS.get(each.statement_type or 0),
        "SESSION_ID": int(each.session_id) if each.session_id.isdecimal() else None, "USER_NAME": each.user,
        "ROLE_NAME": each.role, "WAREHOUSE_NAME": each.warehouse, "QUERY_TAG": each.tag or "",
        "EXECUTION_STATUS": status, "ERROR_CODE": each.code, "ERROR_MESSAGE": each.message,
        "START_TIME": each.started_on, "END_TIME": ended, "TOTAL_ELAPSED_TIME": elapsed, "ROWS_PRODUCED": each.rows,
        "ROLE_TYPE": "ROLE",
    }  # fmt: skip

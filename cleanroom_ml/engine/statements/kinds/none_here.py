"""What clients ask for with SHOW, and this engine has none of: the columns of its reference page, and no rows.

Source: sql-reference/sql/show-tasks, show-streams and so on of Snowflake's documentation.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from cleanroom_ml.engine.statements.listing import Listing

_PROCEDURES: Final = """created_on name schema_name is_builtin is_aggregate is_ansi min_num_arguments max_num_arguments
    arguments description catalog_name is_table_function valid_for_clustering is_secure secrets
    external_access_integrations is_external_function language is_memoizable is_data_metric"""
_COLUMNS: Final[Mapping[str, str]] = {
    "EXTERNAL FUNCTIONS": _PROCEDURES,
    "TRANSACTIONS": "id user session name started_on state scope",
    "LOCKS": "resource type transaction transaction_started_on status acquired_on query_id session",
    "TASKS": """created_on name id database_name schema_name owner comment warehouse schedule predecessors state
        definition condition allow_overlapping_execution error_integration last_committed_on last_suspended_on
        owner_role_type config budget task_relations last_suspended_reason""",
    "STREAMS": """created_on name database_name schema_name owner comment table_name source_type base_tables type stale
        mode stale_after invalid_reason owner_role_type""",
    "PIPES": """created_on name database_name schema_name definition owner notification_channel comment integration
        pattern error_integration owner_role_type invalid_reason kind""",
    "SHARES": """created_on kind owner_account name database_name to owner comment listing_global_name
        secure_objects_only""",
    "DYNAMIC TABLES": """created_on name database_name schema_name cluster_by rows bytes owner target_lag refresh_mode
        refresh_mode_reason warehouse comment text automatic_clustering scheduling_state last_suspended_on is_clone
        is_replica is_iceberg data_timestamp owner_role_type""",
    "EXTERNAL TABLES": """created_on name database_name schema_name invalid invalid_reason owner comment stage location
        file_format_name file_format_type cloud region notification_channel last_refreshed_on table_format
        last_refresh_details owner_role_type""",
    "EVENT TABLES": "created_on name database_name schema_name owner comment owner_role_type",
    "MATERIALIZED VIEWS": """created_on name reserved database_name schema_name cluster_by rows bytes
        source_database_name source_schema_name source_table_name refreshed_on compacted_on owner invalid
        invalid_reason behind_by comment text is_secure automatic_clustering owner_role_type budget""",
    "IMAGE REPOSITORIES": "created_on name database_name schema_name repository_url owner owner_role_type comment",
    "SERVICES": """name status database_name schema_name owner compute_pool dns_name current_instances
        target_instances min_ready_instances min_instances max_instances auto_resume external_access_integrations
        created_on updated_on resumed_on suspended_on auto_suspend_secs comment owner_role_type query_warehouse
        is_job is_async_job spec_digest is_upgrading managing_object_domain managing_object_name""",
    "TAGS": "created_on name database_name schema_name owner comment allowed_values owner_role_type propagate",
    "PACKAGES POLICIES": "created_on name database_name schema_name kind owner comment owner_role_type options",
    "LISTINGS": """global_name name title subtitle profile created_on updated_on published_on state review_state
        comment owner owner_role_type regions target_accounts is_monetized is_application is_targeted""",
    "ALERTS": """created_on name database_name schema_name owner comment warehouse schedule state condition action
        owner_role_type""",
    "SECRETS": "created_on name schema_name database_name owner comment secret_type oauth_scopes owner_role_type",
    "INTEGRATIONS": "name type category enabled comment created_on",
    "NETWORK RULES": """created_on name database_name schema_name owner comment type mode entries_in_valuelist
        owner_role_type""",
    "NETWORK POLICIES": """created_on name comment entries_in_allowed_ip_list entries_in_blocked_ip_list
        entries_in_allowed_network_rules entries_in_blocked_network_rules""",
    "STREAMLITS": """created_on name database_name schema_name title comment owner query_warehouse url_id
        owner_role_type""",
    "DATABASE ROLES": """created_on name is_default is_current is_inherited granted_to_roles granted_to_database_roles
        granted_database_roles owner comment owner_role_type""",
}
_NUMBERS: Final = frozenset(
    {"min_num_arguments", "max_num_arguments", "rows", "bytes", "current_instances", "target_instances"}
    | {"min_instances", "max_instances", "min_ready_instances", "auto_suspend_secs", "transaction"}
)
_TIMES: Final = frozenset(
    {"created_on", "updated_on", "resumed_on", "suspended_on", "started_on", "acquired_on", "transaction_started_on"}
    | {"last_committed_on", "last_suspended_on", "stale_after", "refreshed_on", "compacted_on", "last_refreshed_on"}
    | {"published_on", "data_timestamp"}
)
LISTINGS: Final = tuple(
    Listing(
        name,
        tuple(columns.split()),
        times=_TIMES & set(columns.split()),
        numbers=_NUMBERS & set(columns.split()),
    )
    for name, columns in _COLUMNS.items()
)

"""The rules of docs/api-digest.md §2 for what one runs, as spec_rules.py has them."""

from __future__ import annotations

from typing import Any

from spec_texts import CONFIGURATION, configuration

RUN: list[tuple[str, dict[str, Any], dict[str, Any], str]] = [
    ("analysis", {"name": "n", "version": "1"}, {"template": "t"}, "template"),
    (
        "analysis",
        configuration(view_mappings={"source_tables": ["p.o_v1.d"]}),
        configuration(view_mappings={"source_tables": ["o_v1.d"]}),
        f"{CONFIGURATION}.view_mappings.source_tables[0]",
    ),
    (
        "analysis",
        configuration(view_mappings={"extra": "p.o_v1.d"}),
        configuration(view_mappings={"extra": "d"}),
        f"{CONFIGURATION}.view_mappings.extra",
    ),
    (
        "analysis",
        configuration(view_mappings={"arguments": "p.o_v1.d"}),
        configuration(view_mappings={"arguments": {"x": "p.o_v1.d"}}),
        f"{CONFIGURATION}.view_mappings.arguments",
    ),
    (
        "analysis",
        configuration(local_view_mappings={"my_tables": ["p.o_v1.d"]}),
        configuration(local_view_mappings={"my_tables": "p.o_v1.d"}),
        f"{CONFIGURATION}.local_view_mappings.my_tables",
    ),
    (
        "analysis",
        configuration(arguments={"a": {"b": [1, None]}}),
        configuration(arguments={"preset_tables": {}}),
        f"{CONFIGURATION}.arguments.preset_tables",
    ),
    (
        "analysis",
        configuration(arguments={}),
        configuration(arguments={"PRESET_TABLES": {}}),
        f"{CONFIGURATION}.arguments.PRESET_TABLES",
    ),
    (
        "analysis",
        configuration(arguments={}),
        configuration(arguments={"source_table": ["x"]}),
        f"{CONFIGURATION}.arguments.source_table",
    ),
    ("analysis", configuration(arguments={"a" * 255: 1}), configuration(arguments={"a" * 256: 1}), ""),
    (
        "analysis",
        configuration(activation={"snowflake_collaborator": "a" * 25, "segment_name": "s" * 255}),
        configuration(activation={"snowflake_collaborator": "a", "segment_name": "s" * 256}),
        f"{CONFIGURATION}.activation.segment_name",
    ),
    (
        "analysis",
        configuration(),
        configuration(activation={"segment_name": "s"}),
        f"{CONFIGURATION}.activation.snowflake_collaborator",
    ),
    ("ml_job_action", {"action": "GET_LOGS"}, {"action": "get_secret"}, "action"),
    ("ml_job_action", {"action": "Get_Result"}, {"action": True}, "action"),
    ("ml_job_action", {"job_id": "DB.S.MLJOB_1"}, {"job_id": "x'; drop"}, "job_id"),
    ("ml_job_action", {"action": "get_logs"}, {"action": "get_logs", "offset": 5}, "offset"),
    ("ml_job_action", {"action": "get_status"}, {"action": "cancel"}, "action"),
]

"""The analysis spec that RUN is given (docs/api-digest.md §2)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from cleanroom_ml.specs import Analysis, dump_spec


def analysis_spec(
    template_id: str,
    *,
    tables: tuple[str, ...] = (),
    my_tables: tuple[str, ...] = (),
    arguments: Mapping[str, Any] | None = None,
    activation: Mapping[str, str] | None = None,
) -> str:
    """The YAML text of one run of a template.

    Raises:
        pydantic.ValidationError: a table, an argument or the segment's name breaks a rule.
    """
    configuration: dict[str, Any] = {"arguments": dict(arguments or {})}
    if tables:
        configuration["view_mappings"] = {"source_tables": list(tables)}
    if my_tables:
        configuration["local_view_mappings"] = {"my_tables": list(my_tables)}
    if activation is not None:
        configuration["activation"] = dict(activation)
    model = Analysis.model_validate(
        {
            "api_version": "2.0.0",
            "spec_type": "analysis",
            "template": template_id,
            "template_configuration": configuration,
        }
    )
    return dump_spec(model)

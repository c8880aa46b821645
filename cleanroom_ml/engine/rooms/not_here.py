"""What specs ask for and this engine does not do: refused by name when it is registered, never taken and left out."""

from __future__ import annotations

from cleanroom_ml.engine.sql.errors import room_error
from cleanroom_ml.error_names import ErrorName
from cleanroom_ml.specs.code_spec import CodeSpec
from cleanroom_ml.specs.data_offering import Dataset


def refuse_code(spec: CodeSpec) -> None:
    """Raises SqlError SpecValidationError that names each procedure of a code spec."""
    named = [f"procedure '{each.name}'" for each in spec.procedures]
    if named:
        raise room_error(
            ErrorName.SpecValidationError,
            f"the embedded engine runs the ml_jobs and the functions of a code spec, and not its procedures: "
            f"{', '.join(named)}. Write an ML job in its stead: its script has a session too.",
        )


def refuse_dataset(dataset: Dataset) -> None:
    """Raises SqlError SpecValidationError that names the policies of free-form SQL which nobody would enforce."""
    policies = dataset.freeform_sql_policies
    named = sorted(policies.model_dump(exclude_none=True, exclude_defaults=True)) if policies is not None else []
    if named or dataset.require_freeform_sql_policy:
        what = ", ".join(named) or "require_freeform_sql_policy"
        raise room_error(
            ErrorName.SpecValidationError,
            f"the embedded engine has no free-form SQL, and does not take its policies: dataset '{dataset.alias}' has "
            f"{what}. Templates keep to schema_and_template_policies.",
        )

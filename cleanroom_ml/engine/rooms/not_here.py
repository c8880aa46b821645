"""What specs ask for and this engine does not do: refused by name when it is registered, never taken and left out."""

from __future__ import annotations

from cleanroom_ml.engine.sql.errors import room_error
from cleanroom_ml.error_names import ErrorName
from cleanroom_ml.specs.code_spec import CodeSpec


def refuse_code(spec: CodeSpec) -> None:
    """Raises SqlError SpecValidationError that names each procedure of a code spec."""
    named = [f"procedure '{each.name}'" for each in spec.procedures]
    if named:
        raise room_error(
            ErrorName.SpecValidationError,
            f"the embedded engine runs the ml_jobs and the functions of a code spec, and not its procedures: "
            f"{', '.join(named)}. Write an ML job in its stead: its script has a session too.",
        )

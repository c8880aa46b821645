"""Why a run was refused, by what the run itself was given: which key of the project file to correct, and what there is.

The target says whose data a name is, and not what the runner could have meant by it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Final

from cleanroom_ml.connection import Connection
from cleanroom_ml.error_names import ErrorName
from cleanroom_ml.errors import CommunicationError, ServerError
from cleanroom_ml.services.named import not_there
from cleanroom_ml.services.offerings import is_local, list_offerings
from cleanroom_ml.specs.project import PROJECT_FILE

_NO_TABLE: Final = (
    ErrorName.CollaboratorAliasNotFoundInCollaboration,
    ErrorName.DataProviderWithoutDataOffering,
    ErrorName.DatasetNotFoundInDataOfferingException,
)


@contextmanager
def explained(
    connection: Connection, collaboration: str, key: str, tables: Mapping[str, tuple[str, ...]]
) -> Iterator[None]:
    """A refusal of RUN that is about what it was given names the key to correct.

    Args:
        key: where the project file has the run (`runs.train`, `activate`); empty: it is not from there.
        tables: the names that it was given, by their key (`tables`, `my_tables`).
    """
    try:
        yield
    except CommunicationError:
        raise
    except ServerError as error:
        if error.what.startswith(f"{ErrorName.SpecValidationError}: ") and "--arg" in (error.fix or "") and key:
            error.fix = f"correct --arg, or {key}.args in {PROJECT_FILE}"
        elif error.what.startswith(_NO_TABLE):
            _of_a_table(connection, collaboration, key, tables, error)
        raise


def _of_a_table(
    connection: Connection, collaboration: str, key: str, tables: Mapping[str, tuple[str, ...]], error: ServerError
) -> None:
    found = next(((of, name) for of, names in tables.items() for name in names if f"'{name}'" in error.what), None)
    if found is None:
        return
    of, name = found
    try:
        rows = list_offerings(connection, collaboration)
    except ServerError:  # not this role's to see: what the target said of the name is all that is known
        return
    shown = [str(row["template_view_name"]) for row in rows if of == "tables" or is_local(row)]
    if name.upper() in map(str.upper, shown):
        return
    option = "--table, or " if of == "tables" else ""
    where = f"{key}.{of}" if key else of
    error.why = not_there("table", name, shown, fix="").why
    error.fix = f"correct {option}{where} in {PROJECT_FILE}: cleanroom-ml offering list"

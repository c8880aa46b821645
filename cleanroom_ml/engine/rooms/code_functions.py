"""Functions of code specs: what REGISTER_CODE_SPEC takes of them, what is pinned, and what templates call.

Source: user-guide/cleanrooms/spec-code-spec and -/resources-code-specs. A template calls
`cleanroom.<code spec>$<name>`; nothing else in a room has functions that a party wrote.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from cleanroom_ml.engine.rooms.access import INTERNAL_SCHEMA
from cleanroom_ml.engine.rooms.registries import read_spec
from cleanroom_ml.engine.sql.catalog import Catalog
from cleanroom_ml.engine.sql.errors import SqlError, room_error
from cleanroom_ml.engine.sql.read.routine import returned, type_named
from cleanroom_ml.engine.sql.routines import Imported, Parameter, Routine, UserFunction
from cleanroom_ml.error_names import ErrorName
from cleanroom_ml.json_values import Document
from cleanroom_ml.naming import fold
from cleanroom_ml.specs.code_spec import CodeSpec, Function

Functions = Mapping[str, Routine]
"""Functions by what a template calls them, `SPEC$NAME`, folded."""


def routine_of(function: Function, artifacts: Sequence[Document] = ()) -> Routine:
    """A function of a code spec, with what it imports as it was pinned.

    Raises:
        SqlError: SpecValidationError: it has a type that this engine has not.
    """
    try:
        parameters = tuple(Parameter(fold(each.name), type_named(each.type)) for each in function.arguments)
        value, columns = returned(function.returns)
    except SqlError as error:
        raise room_error(ErrorName.SpecValidationError, f"function '{function.name}': {error.message}") from None
    wanted = {fold(alias) for alias in function.imports}
    files = tuple(
        Imported(str(each["stage_path"]).rpartition("/")[2], str(each["stage_path"]), str(each["sha256"]))
        for each in artifacts
        if fold(str(each["alias"])) in wanted
    )
    return Routine(
        fold(function.name),
        parameters,
        value,
        columns,
        "PYTHON",
        function.code_body or "",
        handler=function.handler,
        runtime=function.runtime_version,
        packages=function.packages,
        imports=files,
    )


def functions_of(code_specs: Sequence[Document]) -> Functions:
    """The functions of approved code specs, as a request keeps them."""
    found: dict[str, Routine] = {}
    for code in code_specs:
        spec = read_spec(CodeSpec, code["spec"])
        for function in spec.functions:
            name = f"{fold(spec.name)}${fold(function.name)}".upper()
            found[name] = routine_of(function, code.get("artifacts") or ())
    return found


def called(functions: Functions, parts: tuple[str, ...], owner: str, catalog: Catalog) -> Sequence[UserFunction]:
    """The function that a template means by a name; none, where it is no function of its code specs."""
    if len(parts) != 2 or parts[0] != INTERNAL_SCHEMA:
        return ()
    routine = functions.get(parts[1].upper())
    return () if routine is None else (UserFunction(routine, catalog, owner, silent=True),)

"""Functions and procedures of code specs: what is taken of them, what is pinned, and what templates call.

Source: user-guide/cleanrooms/spec-code-spec and -/resources-code-specs. A template calls
`cleanroom.<code spec>$<name>`; nothing else in a room has functions that a party wrote.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from cleanroom_ml.engine.rooms.access import INTERNAL_SCHEMA
from cleanroom_ml.engine.rooms.registries import read_spec
from cleanroom_ml.engine.sql.catalog import Catalog
from cleanroom_ml.engine.sql.errors import SqlError, room_error
from cleanroom_ml.engine.sql.read.routine import returned, type_named
from cleanroom_ml.engine.sql.routines import Imported, Parameter, Routine, UserFunction
from cleanroom_ml.error_names import ErrorName
from cleanroom_ml.json_values import Document
from cleanroom_ml.naming import fold
from cleanroom_ml.specs.code_spec import CodeSpec, Function, Procedure

Functions = Mapping[str, Routine]
"""Functions by what a template calls them, `SPEC$NAME`, folded."""


def routine_of(function: Function | Procedure, artifacts: Sequence[Document] = ()) -> Routine:
    """A function or a procedure of a code spec, with what it imports as it was pinned.

    Raises:
        SqlError: SpecValidationError: it has a type that this engine has not.
    """
    what = "function" if isinstance(function, Function) else "procedure"
    if function.returns is None:
        raise room_error(
            ErrorName.SpecValidationError,
            f"{what} '{function.name}' has no `returns`: say what it returns, such as returns: STRING.",
        )
    try:
        parameters = tuple(Parameter(fold(each.name), type_named(each.type)) for each in function.arguments)
        value, columns = returned(function.returns)
    except SqlError as error:
        raise room_error(ErrorName.SpecValidationError, f"{what} '{function.name}': {error.message}") from None
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
    return _named(code_specs, lambda spec: spec.functions)


def procedures_of(code_specs: Sequence[Document]) -> Functions:
    """The procedures of approved code specs, likewise."""
    return _named(code_specs, lambda spec: spec.procedures)


def _named(
    code_specs: Sequence[Document], routines: Callable[[CodeSpec], Sequence[Function | Procedure]]
) -> dict[str, Routine]:
    found: dict[str, Routine] = {}
    for code in code_specs:
        spec = read_spec(CodeSpec, code["spec"])
        for each in routines(spec):
            name = f"{fold(spec.name)}${fold(each.name)}".upper()
            found[name] = routine_of(each, code.get("artifacts") or ())
    return found


def procedure_called(procedures: Functions, parts: tuple[str, ...]) -> Routine | None:
    """The procedure that a template means by a name; None: it is none of its code specs."""
    return procedures.get(parts[1].upper()) if len(parts) == 2 and parts[0] == INTERNAL_SCHEMA else None


def called(functions: Functions, parts: tuple[str, ...], owner: str, catalog: Catalog) -> Sequence[UserFunction]:
    """The function that a template means by a name; none, where it is no function of its code specs."""
    if len(parts) != 2 or parts[0] != INTERNAL_SCHEMA:
        return ()
    routine = functions.get(parts[1].upper())
    return () if routine is None else (UserFunction(routine, catalog, owner, silent=True),)

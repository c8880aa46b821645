"""Register templates and offerings; what is registered is never overwritten (docs/api-digest.md §1)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from cleanroom_ml.connection import Connection
from cleanroom_ml.connection.session import Row
from cleanroom_ml.error_names import ErrorName
from cleanroom_ml.errors import ConflictError, ServerError, UsageError
from cleanroom_ml.naming import split_name
from cleanroom_ml.services.answers import spec_text
from cleanroom_ml.services.projects import check
from cleanroom_ml.services.tolerant_specs import read_shown
from cleanroom_ml.specs.code_spec import CodeSpec
from cleanroom_ml.specs.data_offering import DataOffering
from cleanroom_ml.specs.load import load_spec, read_text
from cleanroom_ml.specs.parse import Spec
from cleanroom_ml.specs.problems import SpecProblems
from cleanroom_ml.specs.template import Template

Registrable = Template | DataOffering
_DOES_NOT_EXIST = 2003
_MISSING = re.compile(r"'(?P<name>[^'\n]{1,770})' does not exist")
_POLICY = re.compile(
    r"(?P<kind>Aggregation|Join|Projection|Masking|Row access) policy '(?P<name>[^'\n;]{1,770})' does not exist", re.I
)


@dataclass(frozen=True, slots=True)
class Procedures:
    """The registry's procedures for one kind of spec, and the columns of its view."""

    noun: str
    register: str
    view: str
    unregister: str | None
    id_column: str
    spec_column: str


TEMPLATES = Procedures(
    "template",
    "REGISTRY.REGISTER_TEMPLATE",
    "REGISTRY.VIEW_REGISTERED_TEMPLATES",
    "REGISTRY.UNREGISTER_TEMPLATE",
    "template_id",
    "template_spec",
)
OFFERINGS = Procedures(
    "data offering",
    "REGISTRY.REGISTER_DATA_OFFERING",
    "REGISTRY.VIEW_REGISTERED_DATA_OFFERINGS",
    "REGISTRY.UNREGISTER_DATA_OFFERING",
    "data_offering_id",
    "data_offering_spec",
)
CODE_SPECS = Procedures(
    "code spec",
    "REGISTRY.REGISTER_CODE_SPEC",
    "REGISTRY.VIEW_REGISTERED_CODE_SPECS",
    None,
    "code_spec_id",
    "code_spec",
)


@dataclass(frozen=True, slots=True)
class Registered:
    """What a registration did. `unchanged`: the same content was registered before."""

    kind: str
    id: str
    outcome: Literal["registered", "unchanged"]


def procedures_for(spec: Registrable) -> Procedures:
    return TEMPLATES if isinstance(spec, Template) else OFFERINGS


def registered_spec(connection: Connection, procedures: Procedures, spec_id: str) -> str | None:
    """The text under which this account registered an id; None if it did not."""
    for row in connection.call(procedures.view):
        if str(row[procedures.id_column]).upper() == spec_id.upper():
            return spec_text(row[procedures.spec_column])
    return None


def register_file(connection: Connection, path: Path) -> Registered:
    """Register the template or data offering of a file.

    Raises:
        SpecProblems: the file breaks a rule.
        ConflictError: that id is registered with other content.
        ServerError: the target refused it; of an offering whose table is missing it says how to load one.
    """
    spec = load_spec(path)
    if isinstance(spec, CodeSpec) or not isinstance(spec, Registrable):
        raise UsageError(f"{path} is a {spec.spec_type}", why="a template or a data offering is expected here")
    problems = check(path).problems
    if problems:
        raise SpecProblems(problems)
    procedures = procedures_for(spec)
    before = registered_spec(connection, procedures, spec.id)
    if before is None:
        try:
            connection.call(procedures.register, read_text(path))
        except ServerError as error:
            if error.what.startswith(f"{ErrorName.SpecValidationError}: "):
                error.fix = error.fix or f"correct {path.name}, then the same command again"
            elif error.code == _DOES_NOT_EXIST and isinstance(spec, DataOffering):
                _of_an_offering(error, spec, path)
            raise
        return Registered(procedures.noun, spec.id, "registered")
    differing = differing_fields(read_shown(type(spec), before, spec.id)[0], spec)
    if differing:
        raise ConflictError(
            f"the {procedures.noun} {spec.id} is registered with other content",
            differences=differing,
            why=f"what is registered is never overwritten; it differs in: {', '.join(differing)}",
            fix=f"raise `version` in {path.name} and register again",
        )
    return Registered(procedures.noun, spec.id, "unchanged")


def _of_an_offering(error: ServerError, spec: DataOffering, path: Path) -> None:
    """Something that an offering names does not exist: a table, or a policy of the provider's own."""
    if missing := _POLICY.search(error.what):
        kind = missing["kind"].upper()
        what = f"CREATE {kind} POLICY {missing['name']} AS …"
        error.fix = error.fix or f"{what}, or another name in freeform_sql_policies of {path.name}"
        return
    tables = list(dict.fromkeys(dataset.data_object_fqn for dataset in spec.datasets))
    error.why = error.why or f"{path.name} offers {', '.join(tables)}"
    missing = _MISSING.search(error.what)
    if table := next((table for table in tables if missing and _same_name(table, missing["name"])), None):
        error.fix = error.fix or f"cleanroom-ml load FILE --as {table}, or another name in data_object_fqn"


def _same_name(table: str, said: str) -> bool:
    """Whether an error is about a table, or the database or schema that it is to be in."""
    try:
        parts = split_name(said)
        return split_name(table)[: len(parts)] == parts
    except ValueError:
        return False


def list_registered(connection: Connection, procedures: Procedures) -> list[Row]:
    """What this account registered."""
    return connection.call(procedures.view)


def unregister(connection: Connection, procedures: Procedures, spec_id: str) -> None:
    """Take a template or an offering out of the registry.

    Raises:
        ServerError: it is linked to a collaboration (the message lists them), or there is none.
        UsageError: code specs cannot be unregistered.
    """
    if procedures.unregister is None:
        raise UsageError(f"a {procedures.noun} cannot be unregistered", why="its versions stay as evidence")
    connection.call(procedures.unregister, spec_id)


def differing_fields(before: Spec, after: Spec) -> tuple[str, ...]:
    """The top-level fields in which two specs of the same id differ."""
    if type(before) is not type(after):
        return ("spec_type",)
    old, new = before.model_dump(), after.model_dump()
    return tuple(field for field in new if old[field] != new[field])

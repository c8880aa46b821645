"""The template: a JinjaSQL body that an analysis runner may run (docs/api-digest.md §2 and §5)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Annotated, Final, Literal

from pydantic import BeforeValidator, Field, model_validator

from cleanroom_ml.naming import fold
from cleanroom_ml.specs.base import (
    ApiVersion,
    Bool,
    Description,
    Finding,
    Json,
    ShortDescription,
    SpecModel,
    as_text,
    one_of,
    repeated,
    report,
    violation,
)
from cleanroom_ml.specs.identifiers import CodeSpecId, LongName, Name, Version, ViewName, duplicates, spec_id
from cleanroom_ml.specs.problems import displayed
from cleanroom_ml.specs.template_text import (
    CodeCall,
    SqlsafeExpression,
    code_calls,
    sqlsafe_expressions,
    variable_names,
)

TEMPLATE_TYPES = ("sql_analysis", "sql_activation")
PARAMETER_TYPES = ("string", "integer", "number", "boolean", "array", "object")

RESERVED_ALIAS: Final = re.compile(r"[pc][0-9]*\Z", re.IGNORECASE)


def _body(value: object) -> str:
    text = as_text(value)
    if not text.strip():
        raise violation("is empty", "a JinjaSQL statement")
    return text


def _is_of_type(value: object, name: str) -> bool:
    if name in ("integer", "number"):
        return not isinstance(value, bool) and isinstance(value, int if name == "integer" else int | float)
    kinds: dict[str, type] = {"string": str, "boolean": bool, "array": list, "object": dict}
    return isinstance(value, kinds[name])


class Parameter(SpecModel):
    """An argument that the runner passes."""

    name: LongName = Field(description="Name of the variable in the body.")
    description: ShortDescription | None = Field(default=None, description="What it is for; runners see it.")
    required: Bool = Field(default=False, description="Whether a run must pass it.")
    default: Json = Field(
        default=None,
        description="What the runner is told holds where nothing is passed; the body says so itself, with | "
        "default(…).",
    )
    type: (
        Annotated[
            Literal["string", "integer", "number", "boolean", "array", "object"],
            BeforeValidator(one_of(PARAMETER_TYPES, fold=True)),
        ]
        | None
    ) = Field(default=None, description="Type of the value: string, integer, number, boolean, array or object.")

    @model_validator(mode="after")
    def _default_is_of_its_type(self) -> Parameter:
        if self.type is not None and self.default is not None and not _is_of_type(self.default, self.type):
            report(
                [
                    Finding(
                        ("default",),
                        f"{displayed(self.default)} is not of type {self.type}",
                        f"a value of type {self.type}",
                    )
                ]
            )
        return self


class PresetTable(SpecModel):
    """A dataset that the template's author fixed; a runner cannot replace it."""

    alias: LongName = Field(description="Name of the variable in the body.")
    template_view_name: ViewName = Field(
        description="The dataset that it always is: <alias>.<data offering id>.<dataset alias>."
    )

    @model_validator(mode="after")
    def _alias_is_free(self) -> PresetTable:
        if RESERVED_ALIAS.match(self.alias):
            what = f"{displayed(self.alias)} is reserved for source_table (p, p1, …) and my_table (c, c1, …)"
            report([Finding(("alias",), what, "another name")])
        return self


class Template(SpecModel):
    """One registered, immutable template."""

    api_version: ApiVersion = Field(description="Version of the spec format; always 2.0.0.")
    spec_type: Literal["template"] = Field(description="Kind of spec; always template.")
    name: Name = Field(description="Name of the template; its id is <name>_<version>.")
    version: Version = Field(
        description="Version: letters, digits and _, at most 20. What is registered never changes: other content "
        "needs another version.",
    )
    type: Annotated[Literal["sql_analysis", "sql_activation"], BeforeValidator(one_of(TEMPLATE_TYPES))] = Field(
        description="sql_analysis returns rows or starts a job; sql_activation writes cleanroom.activation_data_…"
        " and sends it.",
    )
    description: Description | None = Field(default=None, description="What it does, for those who approve and run it.")
    methodology: Description | None = Field(default=None, description="How it does it, at more length.")
    parameters: tuple[Parameter, ...] = Field(default=(), description="The values that a run may pass.")
    code_specs: tuple[CodeSpecId, ...] = Field(
        default=(), description="Ids of the code specs whose jobs, functions and procedures the body calls."
    )
    preset_tables: tuple[PresetTable, ...] = Field(
        default=(), description="Datasets that the template fixes, so that no run can replace them."
    )
    template: Annotated[str, BeforeValidator(_body)] = Field(
        description="The body, in JinjaSQL: source_table[n] and my_table[n] are the run's tables, {{ name }} is a"
        " bound value, cleanroom.<code spec>$<name>(…) calls code.",
    )

    @property
    def id(self) -> str:
        return spec_id(self.name, self.version)

    def code_calls(self) -> list[CodeCall]:
        """Every `cleanroom.<code_spec_name>$<callable>` of the body, with its line."""
        return code_calls(self.template)

    def sqlsafe_expressions(self) -> list[SqlsafeExpression]:
        """Where a value enters the SQL unbound."""
        return sqlsafe_expressions(self.template)

    def argument_names(self) -> frozenset[str]:
        """What a runner may pass: the parameters, and the variables of the body, which may be more than that."""
        parameters = {parameter.name for parameter in self.parameters}
        return frozenset((*parameters, *variable_names(self.template)))

    @model_validator(mode="after")
    def _names_and_calls(self) -> Template:
        report(self._findings())
        return self

    def _findings(self) -> Iterator[Finding]:
        yield from duplicates((parameter.name for parameter in self.parameters), "parameters", "name")
        yield from duplicates((table.alias for table in self.preset_tables), "preset_tables", "alias")
        for index in repeated(fold(listed) for listed in self.code_specs):
            yield Finding(("code_specs", index), f"{displayed(self.code_specs[index])} is listed twice", "each id once")
        ids = {fold(listed) for listed in self.code_specs}
        for call in self.code_calls():
            name = call.code_spec_name
            unknown = f"Template references unknown code spec callables: '{name}${call.callable_name}'."
            if name.upper() in ids:
                hint = (
                    f" '{name}' looks like a code spec ID. Use the code spec name (without the version suffix) instead."
                )
                yield Finding(("template",), unknown + hint, "", line=call.line, needle=call.text)
            elif not any(listed.startswith(name.upper() + "_") for listed in ids):
                allowed = "code specs whose id is listed in code_specs"
                yield Finding(("template",), unknown, allowed, line=call.line, needle=call.text)

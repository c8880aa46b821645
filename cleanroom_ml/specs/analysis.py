"""The analysis: one run of a template, with its tables, arguments and destination (docs/api-digest.md §2)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import ClassVar, Literal

from pydantic import Field, model_validator

from cleanroom_ml.naming import fold
from cleanroom_ml.specs.base import API_VERSION, GATHERED, ApiVersion, Description, Finding, Json, SpecModel, report
from cleanroom_ml.specs.identifiers import Alias, LongName, Name, SpecId, Version, ViewName
from cleanroom_ml.specs.problems import displayed

RESERVED_ARGUMENTS = ("preset_tables", "source_table", "my_table")
"""`preset_tables` is documented as reserved; the mappings fill the other two, so no argument may shadow them."""


class _Mappings(SpecModel):
    """A list under its own key, and any other key naming one view: `arguments`. Both are given flat, as in the YAML."""

    listed: ClassVar[str]
    arguments: Mapping[LongName, ViewName] = Field(default_factory=dict, validation_alias=GATHERED)

    @model_validator(mode="before")
    @classmethod
    def _gather_arguments(cls, value: object) -> object:
        if not isinstance(value, Mapping):
            return value
        gathered: dict[str, object] = {GATHERED: {key: item for key, item in value.items() if key != cls.listed}}
        if cls.listed in value:
            gathered[cls.listed] = value[cls.listed]
        return gathered

    @model_validator(mode="after")
    def _names_are_free(self) -> _Mappings:
        report(_reserved(self.arguments, ()))
        return self


class ViewMappings(_Mappings):
    """Shared data: `source_tables` fills the variable source_table."""

    listed: ClassVar[str] = "source_tables"
    source_tables: tuple[ViewName, ...] = Field(
        default=(), description="The shared tables of the run, in the order of the template's source_table."
    )


class LocalViewMappings(_Mappings):
    """The runner's own linked data: `my_tables` fills the variable my_table."""

    listed: ClassVar[str] = "my_tables"
    my_tables: tuple[ViewName, ...] = Field(
        default=(), description="The runner's own tables, in the order of the template's my_table."
    )


class Activation(SpecModel):
    """Where the result of an activation template goes."""

    snowflake_collaborator: Alias = Field(description="Alias of the party that receives the result.")
    segment_name: LongName = Field(description="Name under which the receiver finds the result.")


class TemplateConfiguration(SpecModel):
    view_mappings: ViewMappings = Field(
        default_factory=ViewMappings,
        description="Shared tables; any other key here names one view for a variable of that name.",
    )
    local_view_mappings: LocalViewMappings = Field(
        default_factory=LocalViewMappings,
        description="The runner's own tables; any other key here names one view for a variable of that name.",
    )
    arguments: Mapping[LongName, Json] = Field(
        default_factory=dict, description="Values for the template's parameters."
    )
    activation: Activation | None = Field(default=None, description="Where the result goes; for activation templates.")

    @property
    def mapped(self) -> tuple[tuple[str, str, bool], ...]:
        """The views that stand for a variable of their own: (variable, view, whether it is the runner's own)."""
        shared = ((name, view, False) for name, view in self.view_mappings.arguments.items())
        return (*shared, *((name, view, True) for name, view in self.local_view_mappings.arguments.items()))

    @property
    def destination(self) -> str | None:
        """Who receives the result; None: it stays."""
        return self.activation.snowflake_collaborator if self.activation else None

    @property
    def segment_name(self) -> str | None:
        """Under which name the receiver finds it."""
        return self.activation.segment_name if self.activation else None

    @model_validator(mode="after")
    def _names_are_free(self) -> TemplateConfiguration:
        report(_reserved(self.arguments, ("arguments",)))
        return self


class Analysis(SpecModel):
    """What RUN is given, as whoever runs a template builds it and as the room reads it.

    An activation template needs `template_configuration.activation`; only its owner can tell.
    """

    api_version: ApiVersion = Field(description="Version of the spec format; always 2.0.0.")
    spec_type: Literal["analysis"] = Field(description="Kind of spec; always analysis.")
    template: SpecId = Field(description="Id of the template to run: <name>_<version>.")
    name: Name | None = Field(default=None, description="Name of the analysis.")
    version: Version | None = Field(default=None, description="Version of the analysis.")
    description: Description | None = Field(default=None, description="What the run is for.")
    template_configuration: TemplateConfiguration = Field(
        default_factory=TemplateConfiguration, description="Tables, arguments and destination of the run."
    )

    @classmethod
    def of(
        cls,
        template_id: str,
        *,
        tables: tuple[str, ...] = (),
        my_tables: tuple[str, ...] = (),
        arguments: Mapping[str, object] | None = None,
        activation: Mapping[str, str] | None = None,
    ) -> Analysis:
        """One run of a template.

        Raises:
            pydantic.ValidationError: a table, an argument or the segment's name breaks a rule.
        """
        configuration: dict[str, object] = {"arguments": dict(arguments or {})}
        if tables:
            configuration["view_mappings"] = {"source_tables": list(tables)}
        if my_tables:
            configuration["local_view_mappings"] = {"my_tables": list(my_tables)}
        if activation is not None:
            configuration["activation"] = dict(activation)
        return cls.model_validate(
            {
                "api_version": API_VERSION,
                "spec_type": "analysis",
                "template": template_id,
                "template_configuration": configuration,
            }
        )


def _reserved(names: Mapping[str, object], at: tuple[str, ...]) -> Iterator[Finding]:
    for name in names:
        if fold(name).lower() in RESERVED_ARGUMENTS:
            what = f"{displayed(name)} is a reserved argument name"
            yield Finding((*at, name), what, "another name; tables go into source_tables or my_tables", at_key=True)

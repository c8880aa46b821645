"""The data_offering: tables and columns that a party shares, and what may be done with each column.

Source: docs/api-digest.md §2.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field, model_validator

from cleanroom_ml.naming import fold
from cleanroom_ml.specs.base import ApiVersion, Bool, Description, Finding, SpecModel, one_of, report
from cleanroom_ml.specs.column_types import JOIN_CATEGORIES, Category, ColumnType
from cleanroom_ml.specs.identifiers import LongName, Name, PolicyName, TableName, Version, duplicates, same, spec_id
from cleanroom_ml.specs.problems import displayed

ALLOWED_ANALYSES = ("template_only", "template_and_freeform_sql")
OBJECT_CLASSES = ("ads_log", "custom")


class ColumnPolicy(SpecModel):
    """What a column is, which decides its name in the room and the policy it belongs to."""

    category: Category = Field(
        description="What templates may do with the column: join_standard or join_custom (join on it), timestamp,"
        " passthrough (read it), event_type.",
    )
    column_type: ColumnType | None = Field(
        default=None,
        description="For join_standard: what the values are, such as hashed_email_sha256; runners see the column "
        "under this name, and registering checks the values.",
    )
    activation_allowed: Bool = Field(
        default=False, description="Whether an activation may send the column out of the room."
    )

    @model_validator(mode="after")
    def _standard_joins_have_a_type(self) -> ColumnPolicy:
        if self.category == "join_standard" and self.column_type is None:
            report([Finding((), "column_type is missing: the category is join_standard", "column_type: email, …")])
        return self

    @property
    def joinable(self) -> bool:
        """Whether it belongs to the join policy; the others belong to the column policy."""
        return self.category in JOIN_CATEGORIES

    def exposed_name(self, column: str) -> str:
        """The name under which runners see the column `column`; column_type counts for join_standard only."""
        if self.category == "join_standard" and self.column_type is not None:
            return self.column_type
        return "timestamp" if self.category == "timestamp" else column


class AggregationPolicy(SpecModel):
    name: PolicyName = Field(description="The policy: DATABASE.SCHEMA.POLICY.")
    entity_keys: tuple[LongName, ...] = Field(default=(), description="The columns that identify an entity.")


class ColumnsPolicy(SpecModel):
    """A policy of Snowflake's own, bound to columns by the names they have in the room."""

    name: PolicyName = Field(description="The policy: DATABASE.SCHEMA.POLICY.")
    columns: tuple[LongName, ...] = Field(
        default=(), description="The columns that it is bound to, by the names they have in the room."
    )


class FreeformSqlPolicies(SpecModel):
    """Policies of Snowflake's own, applied to free-form queries only."""

    aggregation_policy: AggregationPolicy | None = Field(default=None, description="An aggregation policy.")
    join_policy: ColumnsPolicy | None = Field(default=None, description="A join policy.")
    masking_policies: tuple[ColumnsPolicy, ...] = Field(default=(), description="Masking policies.")
    projection_policies: tuple[ColumnsPolicy, ...] = Field(default=(), description="Projection policies.")
    row_access_policy: ColumnsPolicy | None = Field(default=None, description="A row access policy.")

    def bound(self) -> Iterator[tuple[tuple[str | int, ...], str]]:
        """The columns that are bound to a policy, each with the place of its name."""
        if self.aggregation_policy is not None:
            for at, column in enumerate(self.aggregation_policy.entity_keys):
                yield ("aggregation_policy", "entity_keys", at), column
        several = {"masking_policies": self.masking_policies, "projection_policies": self.projection_policies}
        policies: list[tuple[tuple[str | int, ...], ColumnsPolicy | None]] = [
            (("join_policy",), self.join_policy),
            (("row_access_policy",), self.row_access_policy),
            *(((key, index), policy) for key, listed in several.items() for index, policy in enumerate(listed)),
        ]
        for where, policy in policies:
            for at, column in enumerate(policy.columns if policy is not None else ()):
                yield (*where, "columns", at), column

    def any(self) -> bool:
        return self != FreeformSqlPolicies()


class Dataset(SpecModel):
    """One table, of which runners see the listed columns only."""

    alias: Name = Field(description="Name of the dataset in the room: <party's alias>.<data offering id>.<this alias>.")
    data_object_fqn: TableName = Field(
        description="The table or view it is made of: DATABASE.SCHEMA.TABLE in this party's account."
    )
    allowed_analyses: Annotated[
        Literal["template_only", "template_and_freeform_sql"], BeforeValidator(one_of(ALLOWED_ANALYSES))
    ] = Field(description="template_only, or template_and_freeform_sql.")
    object_class: Annotated[Literal["ads_log", "custom"], BeforeValidator(one_of(OBJECT_CLASSES))] | None = Field(
        default=None, description="ads_log for a log of advertising events, custom for anything else."
    )
    schema_and_template_policies: Mapping[LongName, ColumnPolicy] = Field(
        description="The columns that are shared, each with its policy. A column that is not listed is not shared."
    )
    freeform_sql_policies: FreeformSqlPolicies | None = Field(
        default=None, description="Snowflake policies for free-form queries."
    )
    require_freeform_sql_policy: Bool = Field(
        default=False, description="Whether free-form queries need a policy to be named above."
    )

    @model_validator(mode="after")
    def _columns_are_told_apart(self) -> Dataset:
        report(self._findings())
        return self

    @property
    def free_form(self) -> bool:
        """Whether runners may read it by SQL of their own, and not by approved templates alone."""
        return self.allowed_analyses == "template_and_freeform_sql"

    @property
    def unprotected(self) -> bool:
        """Whether that SQL may read every row of it, since no policy is bound to it."""
        return self.free_form and (self.freeform_sql_policies is None or not self.freeform_sql_policies.any())

    def _findings(self) -> Iterator[Finding]:
        columns = self.schema_and_template_policies
        where = "schema_and_template_policies"
        if not columns:
            yield Finding((where,), "lists no columns", "at least one column: only listed columns are shared")
        sources: set[str] = set()
        exposed: dict[str, str] = {}
        for column, policy in columns.items():
            if fold(column) in sources:
                yield Finding(
                    (where, column), f"the column {displayed(column)} is listed twice", "each column once", at_key=True
                )
            sources.add(fold(column))
            name = policy.exposed_name(column)
            first = exposed.setdefault(fold(name), column)
            if first != column and fold(first) != fold(column):
                what = f"runners would see {displayed(first)} and {displayed(column)} both as {displayed(name)}"
                allowed = "one column for each column_type, one timestamp, no other column of that name"
                yield Finding((where, column), what, allowed, at_key=True)
        seen = ", ".join(map(displayed, list(exposed)[:20]))
        for place, bound in self.freeform_sql_policies.bound() if self.freeform_sql_policies is not None else ():
            if fold(bound) not in exposed:
                what = f"there is no column {displayed(fold(bound))}; runners see {seen}"
                yield Finding(("freeform_sql_policies", *place), what, "policies go by the names that runners see")
        if self.require_freeform_sql_policy and self.unprotected:
            what = "require_freeform_sql_policy is true, but there is no policy"
            yield Finding(("require_freeform_sql_policy",), what, "a policy in freeform_sql_policies")


class DataOffering(SpecModel):
    """One registered, immutable offering."""

    api_version: ApiVersion = Field(description="Version of the spec format; always 2.0.0.")
    spec_type: Literal["data_offering"] = Field(description="Kind of spec; always data_offering.")
    name: Name = Field(description="Name of the offering; its id is <name>_<version>.")
    version: Version = Field(
        description="Version: letters, digits and _, at most 20. What is registered never changes: other content "
        "needs another version.",
    )
    description: Description | None = Field(default=None, description="What the data is, in a sentence.")
    datasets: tuple[Dataset, ...] = Field(description="The tables that are offered.")

    @property
    def id(self) -> str:
        return spec_id(self.name, self.version)

    def dataset(self, alias: str) -> Dataset | None:
        """The dataset of that alias, or None."""
        return next((dataset for dataset in self.datasets if same(dataset.alias, alias)), None)

    @model_validator(mode="after")
    def _datasets(self) -> DataOffering:
        findings = duplicates((dataset.alias for dataset in self.datasets), "datasets", "alias")
        if not self.datasets:
            findings.append(Finding(("datasets",), "is empty", "at least one dataset"))
        report(findings)
        return self

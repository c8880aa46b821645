"""The collaboration: who takes part, who may run what on whose data, and where results may go.

Source: docs/api-digest.md §1 and §2.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from difflib import get_close_matches
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field, model_validator

from cleanroom_ml.naming import fold
from cleanroom_ml.specs.base import ApiVersion, Description, Finding, SpecModel, one_of, repeated, report
from cleanroom_ml.specs.identifiers import Account, Alias, Name, SpecId, same
from cleanroom_ml.specs.problems import displayed


class Reference(SpecModel):
    """A registered template or data offering, by its id."""

    id: SpecId = Field(description="Id of what is registered: <name>_<version>.")


class DataProvider(SpecModel):
    data_offerings: tuple[Reference, ...] = Field(
        description="Offerings of this provider that the runner may use from the start; others are linked later, "
        "by `offering link`.",
    )


class ActivationDestinations(SpecModel):
    snowflake_collaborators: tuple[Alias, ...] = Field(
        default=(), description="Aliases of the parties that the runner may send results to."
    )


class AnalysisRunner(SpecModel):
    """One party that may run analyses: on whose data, with which templates, and to whom it may activate."""

    data_providers: Mapping[Alias, DataProvider] = Field(
        description="By alias: on whose data the runner may run analyses (its own too)."
    )
    templates: tuple[Reference, ...] = Field(
        default=(),
        description="Templates that the runner may run from the start; others are added by `template submit`.",
    )
    activation_destinations: ActivationDestinations | None = Field(
        default=None, description="Where the runner may send results."
    )

    @property
    def destinations(self) -> tuple[str, ...]:
        """The aliases that results may be activated to."""
        return self.activation_destinations.snowflake_collaborators if self.activation_destinations else ()


class Collaboration(SpecModel):
    """A collaboration as its owner initialises it."""

    api_version: ApiVersion = Field(description="Version of the spec format; always 2.0.0.")
    spec_type: Literal["collaboration"] = Field(description="Kind of spec; always collaboration.")
    name: Name = Field(description="Name of the collaboration.")
    description: Description | None = Field(
        default=None, description="What it is for; every party sees it before it joins."
    )
    owner: Alias = Field(description="Alias of the party that creates it.")
    distribution: Annotated[Literal["external"], BeforeValidator(one_of(["external"], fold=True))] | None = Field(
        default=None, description="Kind of distribution; always external."
    )
    collaborator_identifier_aliases: Mapping[Alias, Account] = Field(
        description="Every party: its alias, and its account as ORGANIZATION.ACCOUNT (LOCAL.<NAME> on the "
        "embedded engine).",
    )
    analysis_runners: Mapping[Alias, AnalysisRunner] = Field(
        description="By alias: who may run analyses, on whose data, with which templates, and to whom results may go."
    )

    @model_validator(mode="after")
    def _everyone_is_known(self) -> Collaboration:
        report(self._findings())
        return self

    def account_of(self, alias: str) -> str | None:
        """The `ORG.ACCOUNT` of an alias, or None."""
        for known, account in self.collaborator_identifier_aliases.items():
            if same(known, alias):
                return account
        return None

    def runner(self, alias: str) -> AnalysisRunner | None:
        """The analysis runner of an alias, or None."""
        return next((runner for name, runner in self.analysis_runners.items() if same(name, alias)), None)

    def _findings(self) -> Iterator[Finding]:
        aliases = self.collaborator_identifier_aliases
        where = "collaborator_identifier_aliases"
        yield from _repeated_keys((), where, aliases)
        accounts = list(aliases.items())
        for index in repeated(account.upper() for _, account in accounts):
            alias, account = accounts[index]
            yield Finding((where, alias), f"{displayed(account)} has an alias already", "one alias for each account")
        yield from self._unknown(("owner",), self.owner)
        yield from _repeated_keys((), "analysis_runners", self.analysis_runners)
        if not self.analysis_runners:
            yield Finding(("analysis_runners",), "is empty", "at least one analysis runner")
        for alias, runner in self.analysis_runners.items():
            at = ("analysis_runners", alias)
            yield from self._unknown(at, alias, at_key=True)
            yield from self._runner(at, runner)

    def _runner(self, at: tuple[str, ...], runner: AnalysisRunner) -> Iterator[Finding]:
        if not runner.data_providers:
            yield Finding((*at, "data_providers"), "is empty", "at least one data provider")
        yield from _repeated_keys(at, "data_providers", runner.data_providers)
        for alias, provider in runner.data_providers.items():
            place = (*at, "data_providers", alias)
            yield from self._unknown(place, alias, at_key=True)
            yield from _repeated_ids((*place, "data_offerings"), provider.data_offerings)
        yield from _repeated_ids((*at, "templates"), runner.templates)
        for index, alias in enumerate(runner.destinations):
            yield from self._unknown((*at, "activation_destinations", "snowflake_collaborators", index), alias)

    def _unknown(self, at: tuple[str | int, ...], alias: str, *, at_key: bool = False) -> Iterator[Finding]:
        if self.account_of(alias) is None:
            known = list(self.collaborator_identifier_aliases)
            near = get_close_matches(alias, known, n=1, cutoff=0.6)
            hint = f"; did you mean {near[0]!r}?" if near else ""
            what = f"the alias {displayed(alias)} is not in collaborator_identifier_aliases{hint}"
            yield Finding(at, what, ", ".join(known), at_key=at_key)


def _repeated_keys(at: tuple[str, ...], where: str, names: Iterable[str]) -> Iterator[Finding]:
    listed = list(names)
    for index in repeated(fold(name) for name in listed):
        what = f"{displayed(listed[index])} is used twice (aliases are case-insensitive)"
        yield Finding((*at, where, listed[index]), what, "each alias once", at_key=True)


def _repeated_ids(at: tuple[str, ...], references: tuple[Reference, ...]) -> Iterator[Finding]:
    for index in repeated(fold(reference.id) for reference in references):
        yield Finding((*at, index, "id"), f"{displayed(references[index].id)} is listed twice", "each id once")

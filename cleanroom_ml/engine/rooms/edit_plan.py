"""What an edit of a collaboration changes: from its spec now to the one that is wanted, as single operations.

Source: user-guide/cleanrooms/collaboration-api-reference, EDIT ("Supported changes"). What it does not list is refused.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

from cleanroom_ml.engine.sql.errors import SqlError, room_error
from cleanroom_ml.error_names import ErrorName
from cleanroom_ml.naming import fold
from cleanroom_ml.specs.collaboration import AnalysisRunner, Collaboration

ADD_COLLABORATOR = "ADD_COLLABORATOR"
REMOVE_COLLABORATOR = "REMOVE_COLLABORATOR"
ADD_DATA_PROVIDER = "ADD_DATA_PROVIDER"
REMOVE_DATA_PROVIDER = "REMOVE_DATA_PROVIDER"
ADD_ANALYSIS_RUNNER = "ADD_ANALYSIS_RUNNER"
REMOVE_ANALYSIS_RUNNER = "REMOVE_ANALYSIS_RUNNER"
LINK_DATA_OFFERING = "LINK_DATA_OFFERING"
UNLINK_DATA_OFFERING = "UNLINK_DATA_OFFERING"
ADD_TEMPLATE = "ADD_TEMPLATE"
REMOVE_TEMPLATE = "REMOVE_TEMPLATE"
SET_DISTRIBUTION = "SET_DISTRIBUTION"


@dataclass(frozen=True, slots=True)
class Operation:
    """One change. `fields` is what DETAILS tells of it, with aliases and ids as the spec writes them.

    `affects`: the folded aliases of those who must approve it, as far as they take part already.
    """

    type: str
    fields: Mapping[str, str]
    affects: frozenset[str] = field(default=frozenset())

    def to_json(self) -> dict[str, object]:
        """As the request keeps it."""
        return {"operation_type": self.type, **self.fields}


def operations(now: Collaboration, wanted: Collaboration) -> list[Operation]:
    """The changes, in the order in which they can be made: who is new first, who goes last.

    Raises:
        SqlError: SpecValidationError, naming what cannot be changed; or nothing is changed.
    """
    before, after = _Spec(now), _Spec(wanted)
    _check_unchangeable(before, after)
    found = [*_additions(before, after), *_removals(before, after)]
    if now.distribution != wanted.distribution:
        everybody = frozenset(before.aliases)
        found.append(Operation(SET_DISTRIBUTION, {"distribution": str(wanted.distribution)}, everybody))
    if not found:
        raise _invalid("the submitted specification is identical to the current one")
    return found


class _Spec:
    """A collaboration's spec by folded aliases and ids."""

    def __init__(self, spec: Collaboration) -> None:
        self.spec = spec
        self.aliases = {fold(alias): alias for alias in spec.collaborator_identifier_aliases}
        self.accounts = {fold(alias): text.upper() for alias, text in spec.collaborator_identifier_aliases.items()}
        self.runners = {fold(alias): runner for alias, runner in spec.analysis_runners.items()}
        self.pairs = {(key, provider) for key in self.runners for provider in self.providers(key)}
        self.links = {
            (key, fold(alias), fold(reference.id)): reference.id
            for key, runner in self.runners.items()
            for alias, provider in runner.data_providers.items()
            for reference in provider.data_offerings
        }
        self.templates = {
            (key, fold(reference.id)): reference.id
            for key, runner in self.runners.items()
            for reference in runner.templates
        }

    def providers(self, runner_key: str) -> set[str]:
        """The folded aliases of a runner's providers."""
        runner = self.runners.get(runner_key)
        return set() if runner is None else {fold(alias) for alias in runner.data_providers}

    def roles(self) -> set[str]:
        """Everybody who is something in it: who owns, runs, provides, or may receive results."""
        receivers = (alias for runner in self.runners.values() for alias in _destinations(runner))
        return {fold(self.spec.owner), *self.runners, *(provider for _, provider in self.pairs), *receivers}


def _additions(before: _Spec, after: _Spec) -> Iterator[Operation]:
    affected = _affected(before, after)
    named = after.aliases
    for key in sorted(after.aliases.keys() - before.aliases.keys()):
        yield Operation(ADD_COLLABORATOR, {"collaborator": named[key], "account": after.accounts[key]})
    for key in sorted(after.runners.keys() - before.runners.keys()):
        yield Operation(ADD_ANALYSIS_RUNNER, {"analysis_runner": named[key]}, affected(key))
    for runner, provider in sorted(after.pairs - before.pairs):
        fields = {"analysis_runner": named[runner], "data_provider": named[provider]}
        yield Operation(ADD_DATA_PROVIDER, fields, affected(runner))
    for runner, provider, offering in sorted(after.links.keys() - before.links.keys()):
        fields = {
            "data_offering_id": after.links[runner, provider, offering],
            "data_provider": named[provider],
            "share_with": named[runner],
        }
        yield Operation(LINK_DATA_OFFERING, fields, frozenset({runner, provider}))
    for runner, template in sorted(after.templates.keys() - before.templates.keys()):
        fields = {"template_id": after.templates[runner, template], "share_with": named[runner]}
        yield Operation(ADD_TEMPLATE, fields, affected(runner))


def _removals(before: _Spec, after: _Spec) -> Iterator[Operation]:
    affected = _affected(before, after)
    named = before.aliases
    gone = before.aliases.keys() - after.aliases.keys()
    stopped = before.runners.keys() - after.runners.keys()
    for runner, template in sorted(before.templates.keys() - after.templates.keys()):
        if runner not in stopped:
            fields = {"template_id": before.templates[runner, template], "remove_for": named[runner]}
            yield Operation(REMOVE_TEMPLATE, fields, frozenset({runner}))
    for runner, provider, offering in sorted(before.links.keys() - after.links.keys()):
        if (runner, provider) in after.pairs:
            fields = {
                "data_offering_id": before.links[runner, provider, offering],
                "data_provider": named[provider],
                "remove_for": named[runner],
            }
            yield Operation(UNLINK_DATA_OFFERING, fields, frozenset({runner, provider}))
    for runner, provider in sorted(before.pairs - after.pairs):
        if runner not in stopped and provider not in gone:
            fields = {"analysis_runner": named[runner], "data_provider": named[provider]}
            yield Operation(REMOVE_DATA_PROVIDER, fields, affected(runner) | {provider})
    for key in sorted(stopped - gone):
        yield Operation(REMOVE_ANALYSIS_RUNNER, {"analysis_runner": named[key]}, affected(key))
    for key in sorted(gone):
        served = {runner for runner, provider in before.pairs if provider == key}
        yield Operation(REMOVE_COLLABORATOR, {"collaborator": named[key]}, frozenset({key, *served}))


def _affected(before: _Spec, after: _Spec) -> Callable[[str], frozenset[str]]:
    """Who is affected by a change for a runner: it, and every provider whose data it has or gets."""
    return lambda runner: frozenset({runner, *before.providers(runner), *after.providers(runner)})


def _check_unchangeable(before: _Spec, after: _Spec) -> None:
    now, wanted = before.spec, after.spec
    for name, same in (
        ("name", fold(now.name) == fold(wanted.name)),
        ("description", (now.description or None) == (wanted.description or None)),
        ("owner", fold(now.owner) == fold(wanted.owner)),
    ):
        if not same:
            raise _unchangeable(name)
    if now.distribution is not None and wanted.distribution is None:
        raise _invalid("distribution cannot be removed or changed once it is set")
    _check_aliases(before, after)
    for key, runner in after.runners.items():
        kept = {alias for alias in _destinations(before.runners.get(key)) if alias in after.aliases}
        if _destinations(runner) != kept:
            raise _unchangeable("activation_destinations")


def _check_aliases(before: _Spec, after: _Spec) -> None:
    accounts = {account: key for key, account in before.accounts.items()}
    for key, account in after.accounts.items():
        if before.accounts.get(key, account) != account or accounts.get(account, key) != key:
            raise _invalid(
                f"collaborator_identifier_aliases: the alias {after.aliases[key]} can neither be renamed "
                "nor mapped to another account"
            )
    check_roles(after.spec)


def check_roles(spec: Collaboration) -> None:
    """Everybody who is declared is something in the collaboration. Raises SqlError SpecValidationError.

    Source: docs/api-digest.md §9, the service's words.
    """
    parts = _Spec(spec)
    idle = parts.aliases.keys() - parts.roles()
    if idle:
        names = ", ".join(sorted(parts.aliases[key] for key in idle))
        raise _invalid(
            "The following collaborators are declared in collaborator_identifier_aliases but have no role: " + names
        )


def _destinations(runner: AnalysisRunner | None) -> set[str]:
    return set() if runner is None else {fold(alias) for alias in runner.destinations}


def _unchangeable(name: str) -> SqlError:
    return _invalid(f"{name} cannot be changed for an existing collaboration")


def _invalid(message: str) -> SqlError:
    return room_error(ErrorName.SpecValidationError, message)

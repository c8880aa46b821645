"""What differs between a collaboration's spec file and the collaboration as it is."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from cleanroom_ml.errors import ConflictError, ServerError
from cleanroom_ml.naming import fold
from cleanroom_ml.services.tolerant_specs import collaboration_of
from cleanroom_ml.specs.collaboration import Collaboration
from cleanroom_ml.specs.problems import SpecProblems

_FILE, _THERE = "is in the file only", "is in the collaboration only"


def check_created_from(spec: Collaboration, shown: str, *, path: Path | None = None) -> None:
    """Compare a spec with the collaboration of its name, as the target shows it: what an INITIALIZE with it would have
    made. Data offerings and templates are left out: they are linked, approved and taken away afterwards.

    Args:
        shown: the collaboration's spec; empty where the target does not tell it yet, and nothing is compared.
        path: the spec's file, for the command that helps.

    Raises:
        ConflictError: they differ; it names in what.
        ServerError: the collaboration's spec cannot be read.
    """
    if not shown:
        return
    try:
        now = collaboration_of(shown, spec.name)
    except SpecProblems as problems:
        raise ServerError(
            f"it cannot be told whether {spec.name} is what the file says",
            why=f"the collaboration's spec cannot be read: {problems}",
            fix="cleanroom-ml collaboration show",
        ) from problems
    found = tuple(_differing(spec, now))
    if not found:
        return
    edit = "cleanroom-ml collaboration edit" + (f" {path}" if path else "")
    gone = removed(now, spec)
    keep = "; an edit takes out what the file does not list: to keep it, add it to the file, as "
    raise ConflictError(
        f"the collaboration {spec.name} is there already, and is not what the file says",
        differences=found,
        why="; ".join(found),
        fix=edit + (f"{keep}`cleanroom-ml collaboration show` prints it ({', '.join(gone)})" if gone else ""),
    )


def removed(now: Collaboration, spec: Collaboration) -> tuple[str, ...]:
    """What a collaboration has now and a spec has not, as words: an edit to the spec takes it out."""
    kept = {fold(alias) for alias in spec.collaborator_identifier_aliases}
    gone = [alias for alias in now.collaborator_identifier_aliases if fold(alias) not in kept]
    wanted = _parts(spec)
    return (
        *(f"the collaborator {alias}, for good" for alias in gone),
        *(words for key, words in _parts(now).items() if key not in wanted),
    )


def _parts(spec: Collaboration) -> dict[tuple[str, ...], str]:
    """Everything that the runners of a spec have, by folded names, as words."""
    found: dict[tuple[str, ...], str] = {}
    for alias, runner in spec.analysis_runners.items():
        for template in runner.templates:
            found["template", fold(alias), fold(template.id)] = f"the template {template.id} of {alias}"
        for other, provider in runner.data_providers.items():
            found["provider", fold(alias), fold(other)] = f"{other} as a data provider of {alias}"
            for offering in provider.data_offerings:
                words = f"the data offering {offering.id} of {other} for {alias}"
                found["offering", fold(alias), fold(other), fold(offering.id)] = words
    return found


def _differing(spec: Collaboration, now: Collaboration) -> Iterator[str]:
    if fold(spec.owner) != fold(now.owner):
        yield f"the owner is {spec.owner} in the file, {now.owner} in the collaboration"
    if (spec.description or "").strip() != (now.description or "").strip():
        yield "the description"
    wanted, there = _by_key(spec.collaborator_identifier_aliases), _by_key(now.collaborator_identifier_aliases)
    yield from _one_sided("the collaborator {}", wanted, there)
    for key in wanted.keys() & there.keys():
        mine, theirs = (
            side.collaborator_identifier_aliases[name] for side, name in ((spec, wanted[key]), (now, there[key]))
        )
        if mine.upper() != theirs.upper():
            yield f"the account of {wanted[key]} is {mine} in the file, {theirs} in the collaboration"
    wanted, there = _by_key(spec.analysis_runners), _by_key(now.analysis_runners)
    yield from _one_sided("{} as an analysis runner", wanted, there)
    for key in (each for each in wanted if each in there):
        alias = wanted[key]
        mine_of, theirs_of = spec.analysis_runners[alias], now.analysis_runners[there[key]]
        yield from _one_sided(
            f"{{}} as a data provider of {alias}", _by_key(mine_of.data_providers), _by_key(theirs_of.data_providers)
        )
        yield from _one_sided(
            f"{{}} as a destination of {alias}", _by_key(mine_of.destinations), _by_key(theirs_of.destinations)
        )


def _by_key(names: Iterable[str]) -> Mapping[str, str]:
    return {fold(name): name for name in names}


def _one_sided(words: str, wanted: Mapping[str, str], there: Mapping[str, str]) -> Iterator[str]:
    yield from (f"{words.format(name)} {_FILE}" for key, name in wanted.items() if key not in there)
    yield from (f"{words.format(name)} {_THERE}" for key, name in there.items() if key not in wanted)

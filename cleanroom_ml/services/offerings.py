"""Offer tables to a collaboration: register, link, unlink (docs/api-digest.md §2 and §3)."""

from __future__ import annotations

from collections.abc import Collection
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

from cleanroom_ml.connection import Connection
from cleanroom_ml.connection.session import Row
from cleanroom_ml.errors import CleanroomError, ServerError, UsageError
from cleanroom_ml.services.answers import spec_text, texts_of, told_aliases
from cleanroom_ml.services.applied import Change, apply
from cleanroom_ml.services.memberships import me
from cleanroom_ml.services.named import not_there
from cleanroom_ml.services.passing_on import to_link
from cleanroom_ml.services.registration import OFFERINGS, Registered, list_registered, register_file, registered_spec
from cleanroom_ml.services.registration import unregister as take_out
from cleanroom_ml.services.tolerant_specs import read_shown
from cleanroom_ml.specs.data_offering import DataOffering
from cleanroom_ml.specs.identifiers import same
from cleanroom_ml.specs.load import load_spec

LOCAL = "LOCAL"
"""Whom a dataset is shared with that is linked for its own party's runs only."""


@dataclass(frozen=True, slots=True)
class Linked:
    """`new` is False where the offering had been linked for all of them before.

    `still_linked`: other versions of it that some of them can still read; `free_form`: the datasets that they may read
    by SQL of their own, `unprotected` those of them for which no policy says which rows.
    """

    offering_id: str
    collaboration: str
    shared_with: tuple[str, ...]
    new: bool
    still_linked: tuple[str, ...] = ()
    free_form: tuple[str, ...] = ()
    unprotected: tuple[str, ...] = ()


def register_offering(connection: Connection, path: Path) -> Registered:
    """Register the data offering of a file; repeating is safe."""
    return register_file(connection, path)


def offering_id(path: Path) -> str:
    """The id of the data offering of a file. Raises SpecProblems where the file breaks a rule."""
    return offering_of(path).id


def offering_of(path: Path) -> DataOffering:
    """The data offering of a file. Raises SpecProblems where the file breaks a rule."""
    spec = load_spec(path)
    if not isinstance(spec, DataOffering):
        raise UsageError(f"{path} is a {spec.spec_type}", why="a data offering is expected here")
    return spec


def link_spec(connection: Connection, collaboration: str, spec: DataOffering, runners: tuple[str, ...]) -> Linked:
    """`link` of this party's own offering, and what its runners can read by it, or by an older version of it."""
    listed = list_offerings(connection, collaboration)
    return replace(
        _link(connection, collaboration, spec.id, runners, listed),
        still_linked=_other_versions(connection, listed, spec, {alias.upper() for alias in runners}),
        free_form=tuple(each.alias for each in spec.datasets if each.free_form),
        unprotected=tuple(each.alias for each in spec.datasets if each.unprotected),
    )


def _other_versions(
    connection: Connection, listed: list[Row], spec: DataOffering, runners: set[str]
) -> tuple[str, ...]:
    """The ids of other versions of an offering of this account's that are linked for one of the runners."""
    linked = {
        str(row["data_offering_id"]).upper() for row in listed if runners & {alias.upper() for alias in _aliases(row)}
    } - {spec.id.upper()}
    if not any(each.startswith(f"{spec.name}_".upper()) for each in linked):
        return ()
    found = []
    for row in list_registered(connection, OFFERINGS):
        own = str(row[OFFERINGS.id_column])
        if own.upper() in linked and own.upper().startswith(f"{spec.name}_".upper()):
            with suppress(CleanroomError):  # one that cannot be read is of no name that is known
                read = read_shown(DataOffering, spec_text(row[OFFERINGS.spec_column]), own)[0]
                found += [own] if same(read.name, spec.name) else []
    return tuple(found)


def link(connection: Connection, collaboration: str, offering: str, runners: tuple[str, ...]) -> Linked:
    """Let the runners' templates read the offering; repeating is safe.

    Raises:
        ServerError: not registered, not joined, or this party is no data provider of such a runner; or it failed later.
        WaitTimeoutError: it was sent, and the view does not show it yet.
    """
    return _link(connection, collaboration, offering, runners, list_offerings(connection, collaboration))


def _link(
    connection: Connection, collaboration: str, offering: str, runners: tuple[str, ...], listed: list[Row]
) -> Linked:
    linked = {alias.upper() for alias in _shared_with(listed, offering)}
    missing = [alias for alias in runners if alias.upper() not in linked]
    if missing:
        _apply(connection, collaboration, "LINK_DATA_OFFERING", offering, missing, (missing,))
    return Linked(offering, collaboration, runners, bool(missing))


def link_local(connection: Connection, collaboration: str, offering: str) -> Linked:
    """Let this party's own runs read the offering, and nobody else's; repeating is safe.

    Raises:
        ServerError: not registered, not joined, or this party runs no analyses there.
        WaitTimeoutError: as `link`.
    """
    linked = LOCAL in _readers(connection, collaboration, offering)
    if not linked:
        _apply(connection, collaboration, "LINK_LOCAL_DATA_OFFERING", offering, [LOCAL], ())
    return Linked(offering, collaboration, (LOCAL,), not linked)


def views_of(connection: Connection, collaboration: str, offerings: Collection[str]) -> tuple[str, ...]:
    """The names that runs use for the datasets of offerings that are linked for this party alone, as the view tells
    them: what a name begins with differs from target to target.
    """
    wanted = {each.upper() for each in offerings}
    rows = list_offerings(connection, collaboration)
    return tuple(
        str(row["template_view_name"])
        for row in rows
        if is_local(row) and str(row["data_offering_id"]).upper() in wanted
    )


def unlink(connection: Connection, collaboration: str, offering: str) -> tuple[str, ...]:
    """Take the offering away from everybody it is shared with, and tell who that was (nobody: it was not linked).

    Raises:
        UsageError: there is no such offering, in the collaboration or among those that this account registered.
        ServerError: the target refused it, or it failed later.
        WaitTimeoutError: it was sent, and the view shows the offering still.
    """
    listed = list_offerings(connection, collaboration)
    runners = sorted(told_aliases(sorted(_shared_with(listed, offering)), offering))
    if not runners and registered_spec(connection, OFFERINGS, offering) is None:
        own = {str(row[OFFERINGS.id_column]) for row in list_registered(connection, OFFERINGS)}
        raise not_there("data offering", offering, own, fix="cleanroom-ml offering list")
    others = [alias for alias in runners if alias.upper() != LOCAL]
    if others:
        _apply(connection, collaboration, "UNLINK_DATA_OFFERING", offering, others, (others,))
    if len(others) < len(runners):
        _apply(connection, collaboration, "UNLINK_LOCAL_DATA_OFFERING", offering, [LOCAL], ())
    return tuple(runners)


def unregister(connection: Connection, offering: str) -> None:
    """Take an offering out of this account's registry.

    Raises:
        ServerError: a collaboration uses it (the message lists them), or there is none.
    """
    take_out(connection, OFFERINGS, offering)


def is_local(row: Row) -> bool:
    """Whether a dataset is linked for this party's own runs only, and seen by nobody else."""
    return {alias.upper() for alias in _aliases(row)} == {LOCAL}


def list_offerings(connection: Connection, collaboration: str) -> list[Row]:
    """The datasets that this party can see in the collaboration, by their names for templates."""
    return connection.call("COLLABORATION.VIEW_DATA_OFFERINGS", collaboration)


def _apply(
    connection: Connection,
    collaboration: str,
    procedure: str,
    offering: str,
    runners: Collection[str],
    rest: tuple[object, ...],
) -> None:
    """Link or unlink, and wait until the view shows it."""
    linking, wanted = procedure.startswith("LINK"), {alias.upper() for alias in runners}
    kind = procedure.replace("_LOCAL", "")
    what = f"{'linking' if linking else 'unlinking'} {offering}"
    change = Change(what, kind, offering, tuple(runners), "cleanroom-ml offering list; cleanroom-ml requests --all")

    def seen() -> bool:
        readers = _readers(connection, collaboration, offering)
        return wanted <= readers if linking else wanted.isdisjoint(readers)

    try:
        apply(
            connection,
            collaboration,
            change,
            lambda: connection.call(f"COLLABORATION.{procedure}", collaboration, offering, *rest),
            seen,
        )
    except ServerError as refused:
        _with_its_tables(connection, offering, refused)
        raise


def _with_its_tables(connection: Connection, offering: str, refused: ServerError) -> None:
    """Where the role may not pass on what it may read, the message has no names: they are those of the offering."""
    if "<database>" not in (refused.fix or ""):
        return
    with suppress(CleanroomError):  # an offering that is not shown, or in no form that can be read, has no names either
        text = registered_spec(connection, OFFERINGS, offering)
        if text is not None:
            refused.fix = f"{to_link(read_shown(DataOffering, text, offering)[0])}; as who owns them, then once more"


def _readers(connection: Connection, collaboration: str, offering: str) -> frozenset[str]:
    """Whom an offering is linked for, as the view tells, in upper case."""
    return frozenset(alias.upper() for alias in _shared_with(list_offerings(connection, collaboration), offering))


def _shared_with(rows: list[Row], offering: str) -> set[str]:
    found: set[str] = set()
    for row in rows:
        if str(row["data_offering_id"]).upper() == offering.upper():
            found |= _aliases(row)
    return found


def _aliases(row: Row) -> set[str]:
    return set(texts_of(row.get("shared_with")))


def own_runners(connection: Connection, collaboration: str) -> tuple[str, ...]:
    """The alias under which this account runs analyses itself, if it does: whom its own data are for by default.

    Raises:
        UsageError: this account is no analysis runner, so that whom to share with has to be said.
    """
    mine = me(connection, collaboration)
    if mine is None or "analysis_runner" not in mine.roles:
        raise UsageError("nobody to share the offering with", fix="share_with: [ALIAS] in cleanroom.yaml, or --with")
    return told_aliases([mine.collaborator], "this account's data")

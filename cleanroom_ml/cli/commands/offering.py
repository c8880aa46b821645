"""`cleanroom-ml offering`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cleanroom_ml.cli.cells import cell
from cleanroom_ml.cli.command import command, group
from cleanroom_ml.cli.context import collaboration, files_or, open_connection, project
from cleanroom_ml.cli.options import Collaboration, optional_argument, optional_option
from cleanroom_ml.cli.output import Output

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cleanroom_ml.services.connections import Connection
    from cleanroom_ml.services.offerings import Linked

app = group("Data offerings: which columns of which tables templates may read.")

_COLUMN_LISTS = ("template_join_columns", "analysis_allowed_columns", "activation_allowed_columns")

Files = Annotated[list[Path] | None, optional_argument(help="Default: the project's.")]
Runners = Annotated[
    list[str] | None,
    optional_option("--with", metavar="ALIAS", help="The runners; default: `share_with`, or yourself."),
]


@command(app, "register", example="cleanroom-ml offering register")
def register(files: Files = None) -> Output:
    """Register data offerings; join columns are checked against the data."""
    from cleanroom_ml.services.offerings import register_offering

    paths = files_or(files, project().offering_paths, "offerings")
    with open_connection() as connection:
        done = [register_offering(connection, path) for path in paths]
    return Output(done, hints=("cleanroom-ml offering link",))


@command(app, "link", example="cleanroom-ml offering link --with advertiser")
def link(
    files: Files = None,
    runners: Runners = None,
    local: Annotated[bool, typer.Option("--local", help="For your own runs only; nobody else is shown it.")] = False,
    collaboration_: Collaboration = None,
) -> Output:
    """Register the offerings if need be, and let the runners' templates read them."""
    from cleanroom_ml.errors import UsageError
    from cleanroom_ml.services import offerings

    if local and runners:
        raise UsageError("--local and --with exclude each other", why="--local is for your own runs", fix="drop one")
    mine = project()
    name = collaboration(collaboration_)
    paths = files_or(files, mine.offering_paths, "offerings")
    with open_connection() as connection:
        for path in paths:
            offerings.register_offering(connection, path)
        if local:
            return _linked_locally(connection, name, tuple(map(offerings.offering_id, paths)))
        to = tuple(runners or mine.share_with) or offerings.own_runners(connection, name)
        done = [offerings.link_spec(connection, name, offerings.offering_of(path), to) for path in paths]
    return Output(done, "\n".join(line for each in done for line in linked_lines(each)))


def linked_lines(linked: Linked) -> Iterator[str]:
    """What an offering's link lets whom read, older versions of it that are linked still among it."""
    whom = ", ".join(linked.shared_with)
    sql = f", and {', '.join(linked.free_form)} by any SQL of theirs" if linked.free_form else ""
    begin = f"{linked.offering_id}: {'linked' if linked.new else 'linked before'}"
    yield f"{begin}, readable by the templates of {whom}{sql}"
    for dataset in linked.unprotected:
        yield f"  warning: {dataset} has no freeform_sql_policies: every row of it is readable"
    for other in linked.still_linked:
        yield f"  {other} is still linked: cleanroom-ml offering unlink {other}"


def _linked_locally(connection: Connection, name: str, ids: tuple[str, ...]) -> Output:
    from cleanroom_ml.services import offerings

    done = [offerings.link_local(connection, name, each) for each in ids]
    lines = [
        f"{each.offering_id}: {'linked' if each.new else 'linked before'}, for your own runs only" for each in done
    ]
    views = offerings.views_of(connection, name, ids)
    lines += [f"  my_tables: {view}" for view in views]
    return Output(done, "\n".join(lines), hints=() if views else ("cleanroom-ml offering list",))


@command(app, "unlink", example="cleanroom-ml offering unlink features_v1")
def unlink(offering_id: Annotated[str, typer.Argument(metavar="ID")], collaboration_: Collaboration = None) -> Output:
    """Take an offering out of the collaboration."""
    from cleanroom_ml.services import offerings

    name = collaboration(collaboration_)
    with open_connection() as connection:
        taken_from = offerings.unlink(connection, name, offering_id)
    said = f"unlinked, no longer readable by the templates of {', '.join(taken_from)}" if taken_from else "not linked"
    return Output({"offering_id": offering_id, "linked": False, "taken_from": taken_from}, f"{offering_id}: {said}")


@command(app, "unregister", example="cleanroom-ml offering unregister features_v1")
def unregister(offering_id: Annotated[str, typer.Argument(metavar="ID")]) -> Output:
    """Take an offering out of this account's registry; refused while a collaboration uses it."""
    from cleanroom_ml.services import offerings

    with open_connection() as connection:
        offerings.unregister(connection, offering_id)
    return Output({"offering_id": offering_id, "removed": True}, f"{offering_id}: removed from the registry")


@command(app, "list", example="cleanroom-ml offering list")
def list_(collaboration_: Collaboration = None) -> Output:
    """The datasets in the collaboration, by the names that templates use."""
    from cleanroom_ml.services.offerings import list_offerings

    with open_connection() as connection:
        rows = list_offerings(connection, collaboration(collaboration_))
    lines = [line for row in rows for line in dataset_lines(row)]
    return Output(rows, "\n".join(lines) or "nothing is offered to you yet")


def dataset_lines(row: dict[str, object]) -> Iterator[str]:
    """A dataset for people: its names, and what may be done with its columns."""
    from cleanroom_ml.services.offerings import is_local

    whose = "your own runs only" if is_local(row) else f"from {row['shared_by']}"
    yield f"{row['template_view_name']}  ({whose})"
    if view := row.get("freeform_sql_view_name"):
        yield f"  free-form SQL: {view}"
    for key in _COLUMN_LISTS:
        if row.get(key):
            yield f"  {key.removesuffix('_columns')}: {cell(row[key]) or 'none'}"

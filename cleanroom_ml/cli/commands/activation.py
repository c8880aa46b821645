"""`cleanroom-ml activation`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from cleanroom_ml.cli.command import command, group
from cleanroom_ml.cli.context import collaboration, open_connection
from cleanroom_ml.cli.interrupts import resumed
from cleanroom_ml.cli.options import Collaboration, optional_option
from cleanroom_ml.cli.output import Output

app = group("Activations: what was sent out of the room, and what arrived.")


@command(app, "list", example="cleanroom-ml activation list")
def list_(collaboration_: Collaboration = None) -> Output:
    """What this party sent or was sent."""
    from cleanroom_ml.services.activation import list_activations

    with open_connection() as connection:
        return Output(list_activations(connection, collaboration(collaboration_)))


@command(app, "process", example="cleanroom-ml activation process --segment lookalike_q3")
def process(
    segment: Annotated[str | None, optional_option("--segment", help="Default: all that arrived.")] = None,
    batches: Annotated[
        list[str] | None, optional_option("--batch", metavar="ID", help="One batch of it; repeatable.")
    ] = None,
    collaboration_: Collaboration = None,
) -> Output:
    """Take what partners sent into this account."""
    from cleanroom_ml.services.activation import process as take

    with open_connection() as connection, resumed():
        done = take(connection, collaboration(collaboration_), segment, tuple(batches or ()))
    lines = [
        f"{each.segment_name} from {each.shared_by}: {'received' if each.new else 'received before'}, "
        f"batch {each.batch_id}" + (f", in {each.table}" if each.table else "")
        for each in done
    ]
    hints = tuple(
        f"cleanroom-ml activation export --segment {each.segment_name} --output {each.segment_name}.csv"
        for each in done[-1:]
    )
    return Output(done, "\n".join(lines) or "nothing has arrived", hints=hints)


@command(app, "export", example="cleanroom-ml activation export --segment lookalike_q3 --output audience.csv")
def export(
    segment: Annotated[str, typer.Option("--segment", help="The segment's name.")],
    output: Annotated[Path, typer.Option("--output", "-o", help="A .csv or .parquet file.")],
    collaboration_: Collaboration = None,
) -> Output:
    """Write a received segment to CSV or Parquet."""
    from cleanroom_ml.cli.render import warn_of_formulas
    from cleanroom_ml.services.activation_export import export as write

    with open_connection() as connection:
        done = write(connection, collaboration(collaboration_), segment, output)
    warn_of_formulas(done.formulas)
    rows = "1 row" if done.rows == 1 else f"{done.rows:,} rows"
    replaced = ", in the place of a file that was there" if done.replaced else ""
    return Output(done, f"{done.path}: {rows} ({', '.join(done.columns)}){replaced}")

"""`cleanroom-ml load`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from cleanroom_ml.cli.command import command, single
from cleanroom_ml.cli.context import open_connection
from cleanroom_ml.cli.options import optional_option
from cleanroom_ml.cli.output import Output

app = single()


@command(app, example="cleanroom-ml load data/customers.csv --as ML_DB.PUBLIC.CUSTOMERS")
def load(
    files: Annotated[list[Path], typer.Argument(metavar="FILE...", help="Parquet, CSV or JSON, all of one kind.")],
    table: Annotated[str, typer.Option("--as", metavar="DB.SCHEMA.TABLE", help="The table that they become.")],
    columns: Annotated[
        list[str] | None,
        optional_option("--column", metavar="NAME=TYPE", help="A column's type, where the guess is not wanted."),
    ] = None,
    delimiter: Annotated[
        str | None,
        optional_option("--delimiter", metavar="CHARACTER", help="What separates a CSV file's fields, if not a comma."),
    ] = None,
    replace: Annotated[bool, typer.Option("--replace", help="Replace the table if it is there.")] = False,
    append: Annotated[bool, typer.Option("--append", help="Add the rows if it is there.")] = False,
) -> Output:
    """Load files into a table, making it (on the engine its database and schema too) if need be."""
    from cleanroom_ml.errors import UsageError
    from cleanroom_ml.services.loading import load as load_files

    if replace and append:
        raise UsageError("--replace and --append exclude each other", fix="drop one")
    types: dict[str, str] = {}
    for pair in columns or ():
        name, equals, type_ = pair.partition("=")
        if not (name and equals and type_):
            raise UsageError(f"not NAME=TYPE: {pair!r}", fix="--column ZIP=VARCHAR")
        types[name] = type_
    with open_connection() as connection:
        done = load_files(
            connection,
            files,
            table,
            types=types,
            if_there="replace" if replace else "append" if append else "refuse",
            delimiter="\t" if delimiter == "\\t" else delimiter,
        )
    lines = [f"{done.table}: {done.rows:,} rows" + ("" if done.fresh else " (the same files were loaded before)")]
    lines += [f"  created {each}" for each in done.created]
    lines += [f"  {name}  {type_}" for name, type_ in done.columns]
    return Output(done, "\n".join(lines), hints=(f'cleanroom-ml sql "SELECT * FROM {done.table} LIMIT 5"',))

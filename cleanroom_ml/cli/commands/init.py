"""`cleanroom-ml init`."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cleanroom_ml.cli.command import command, single
from cleanroom_ml.cli.options import optional_argument, optional_option
from cleanroom_ml.cli.output import Output

if TYPE_CHECKING:
    from cleanroom_ml.services.projects import Party

app = single()

LOCAL_ORGANIZATION = "LOCAL"


class Role(StrEnum):
    provider = "provider"
    runner = "runner"


@command(app, example="cleanroom-ml init my-project --from lookalike")
def init(
    directory: Annotated[Path | None, optional_argument(help="Default: the current one.")] = None,
    sample: Annotated[
        str | None, optional_option("--from", metavar="SAMPLE", help="Copy a sample project; --list names them.")
    ] = None,
    role: Annotated[Role, typer.Option("--role", help="Whose directory it is.")] = Role.provider,
    name: Annotated[
        str, typer.Option("--name", help="The collaboration's name; what it has begins with it.")
    ] = "my_collaboration",
    provider: Annotated[
        str | None, optional_option("--provider", metavar="ACCOUNT", help="The template provider's account.")
    ] = None,
    runner: Annotated[
        str | None, optional_option("--runner", metavar="ACCOUNT", help="The analysis runner's account.")
    ] = None,
    list_: Annotated[bool, typer.Option("--list", help="Show the sample projects, and start nothing.")] = False,
) -> Output:
    """Start a project directory: one party's, with every spec commented key by key, or a whole sample."""
    from cleanroom_ml.services.projects import copy_sample, described_samples, parties, start

    if list_:
        return Output(described_samples(), hints=("cleanroom-ml init --from NAME",))
    where = directory or (Path(sample) if sample else Path.cwd())
    if sample:
        copied = copy_sample(sample, where)
        return Output(
            {"directory": copied, "sample": sample}, f"{sample} → {copied}", hints=(f"cat {copied}/README.md",)
        )
    both = parties(where, role.value, provider=provider, runner=runner)
    files = start(where, role.value, name, provider=both[0].account, runner=both[1].account)
    lines = [
        *(str(directory / file) if directory else file for file in files),
        f"provider: {both[0].alias} (account {both[0].account})",
        f"runner: {both[1].alias} (account {both[1].account})",
    ]
    data = {"directory": where, "files": files, "provider": both[0], "runner": both[1]}
    return Output(data, "\n".join(lines), hints=_next(where, role, name, both))


def _next(where: Path, role: Role, name: str, both: tuple[Party, Party]) -> tuple[str, ...]:
    """What to type, up to the point where the other party has to do something."""
    from cleanroom_ml.services.connections import known
    from cleanroom_ml.services.projects import table

    own = both[0] if role is Role.provider else both[1]
    file = "customers" if role is Role.provider else "buyers"
    enter = () if where.resolve() == Path.cwd() else (f"cd {where}",)
    there = {each.account.upper() for each in known(where) if each.kind == "engine"}
    local = [party for party in both if party.account.startswith(f"{LOCAL_ORGANIZATION}.")]
    missing = [party.alias for party in local if party.account.partition(".")[2].upper() not in there]
    joining = (
        ("collaboration create", "offering link", "stage", "spec register", "template submit")
        if role is Role.provider
        else (
            "collaboration join",
            "offering link",
            f"approve {name}_train",
            f"approve {name}_activate",
            "pool create",
            "run --wait",
        )
    )
    return (
        *enter,
        *(f"cleanroom-ml account create {alias}" for alias in missing),
        f"cleanroom-ml connection use {own.alias if own in local else 'NAME'}",
        "cleanroom-ml validate",
        f"cleanroom-ml load data/{file}.csv --as {table(role.value, name)}",
        ", ".join(f"cleanroom-ml {each}" for each in joining),
    )

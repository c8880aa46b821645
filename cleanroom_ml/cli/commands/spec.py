"""`cleanroom-ml spec`: code specs."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from cleanroom_ml.cli.command import command, group
from cleanroom_ml.cli.context import files_or, open_connection, project
from cleanroom_ml.cli.options import AllowSecrets, inside, optional_argument
from cleanroom_ml.cli.output import Output

app = group("Code specs: which staged files are the jobs, frozen by their hashes.")


@command(app, "register", example="cleanroom-ml spec register")
def register(
    files: Annotated[list[Path] | None, optional_argument(help="Default: the project's.")] = None,
    bump: Annotated[
        bool, typer.Option("--bump", help="Changed content, or another image: register it as the next version.")
    ] = False,
    allow_secrets: AllowSecrets = None,
) -> Output:
    """Register the code specs with the content that is staged; the same content again changes nothing."""
    from cleanroom_ml.cli.render import note
    from cleanroom_ml.services.code_specs import register_code_spec

    mine = project()
    paths = files_or(files, mine.code_spec_paths, "code_specs")
    with open_connection() as connection:
        done = [
            register_code_spec(
                connection, mine, path, bump=bump, allow_secrets=inside(mine.code_directory, allow_secrets)
            )
            for path in paths
        ]
    lines = []
    for warning in (line for each in done for line in each.warnings()):
        note(f"warning: {warning}")
    for each in done:
        lines.append(f"{each.id}: {each.outcome}")
        for job, digest in each.content_digests.items():
            lines.append(f"  {job}: {digest}")
            lines += [f"    package {package}" for package in each.packages.get(job, ())]
        lines += [f"  {job}: image {image}" for job, image in each.images.items()]
        lines += [f"  edited {name}" for name in each.edited]
    return Output(done, "\n".join(lines), hints=("cleanroom-ml template submit",))


@command(app, "list", example="cleanroom-ml spec list")
def list_() -> Output:
    """The code specs that this account registered."""
    from cleanroom_ml.services.registration import CODE_SPECS, list_registered

    with open_connection() as connection:
        rows = list_registered(connection, CODE_SPECS)
    displayed = ("code_spec_id", "registry", "created_on")
    return Output([{key: row[key] for key in displayed if key in row} for row in rows])


@command(app, "show", example="cleanroom-ml spec show lookalike_code_V1")
def show(spec_id: Annotated[str, typer.Argument(metavar="ID")]) -> Output:
    """A registered code spec, with the hash of every file."""
    import yaml

    from cleanroom_ml.services.code_specs import dependency_locks, registered_text

    with open_connection() as connection:
        text = registered_text(connection, spec_id)
        locks = dependency_locks(connection, spec_id)
    told = f"\n# packages and image\n{yaml.safe_dump(locks, sort_keys=False, allow_unicode=True)}" if locks else ""
    return Output({"code_spec_id": spec_id, "code_spec": text, "dependency_locks": locks}, text + told)


@command(app, "diff", example="cleanroom-ml spec diff")
def diff(
    files: Annotated[list[Path] | None, optional_argument(help="Default: the project's.")] = None,
) -> Output:
    """How code specs, the code directory and the images differ from what is registered."""
    from cleanroom_ml.services.code_specs import difference

    mine = project()
    paths = files_or(files, mine.code_spec_paths, "code_specs")
    with open_connection() as connection:
        lines = [line for path in paths for line in difference(connection, mine, path)]
    return Output({"differences": lines}, "\n".join(lines) or "no differences")

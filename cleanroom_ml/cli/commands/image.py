"""`cleanroom-ml image`."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from cleanroom_ml.cli.command import command, group
from cleanroom_ml.cli.options import optional_argument, optional_option
from cleanroom_ml.cli.output import Output

app = group("Images: the Python environments that jobs of this engine run in.")


@command(app, "list", example="cleanroom-ml image list")
def list_() -> Output:
    """This installation, what `local` was before, the images built here, and those that can be built."""
    from cleanroom_ml.cli.render import note
    from cleanroom_ml.local import images

    rows = images.list_images()
    for row in rows:
        if row.differences and row.needed:
            differing = images.named(row.differences)
            note(f"{row.tag} {str(row.digest)[:19]}… is not what {row.tag} is now: {differing}")
        for stated in row.notes:
            note(f"{row.tag} {str(row.digest)[:19]}…: {stated}")
    return Output([{**asdict(row), "differences": len(row.differences), "notes": len(row.notes)} for row in rows])


@command(app, "build", example="cleanroom-ml image build 2.10")
def build(
    tag: Annotated[str | None, optional_argument(metavar="TAG", help="A tag that `image list` shows.")] = None,
    manifest: Annotated[
        Path | None,
        optional_option("--manifest", metavar="FILE", help="A manifest of your own: tag, python, packages, versions."),
    ] = None,
) -> Output:
    """Build an image with pip, from binary packages only; building it again changes nothing."""
    from cleanroom_ml.cli.render import note
    from cleanroom_ml.local import images

    def starting(named: str) -> None:
        note(f"building image {named}: this fetches packages from your index, and may take many minutes")

    done = images.build(tag, manifest=manifest, on_start=starting)
    said = "built" if done.built else "there already"
    size = f"{done.packages} packages, {done.size_bytes / (1 << 30):.2f} GiB"
    text = f"{done.tag}: {said}; Python {done.python}, {size}\n{done.digest}"
    return Output(done, text, hints=(f"image_tag: {done.tag!r} in a code spec",))


@command(app, "remove", example="cleanroom-ml image remove sha256:0f3a…")
def remove(
    image: Annotated[str, typer.Argument(metavar="IMAGE", help="Its digest, or the beginning of it, or its tag.")],
    force: Annotated[
        bool, typer.Option("--force", help="Though approvals or jobs need it: they will be refused.")
    ] = False,
) -> Output:
    """Remove an image, unless something that was approved needs it."""
    from cleanroom_ml.local import images

    done = images.remove(image, force=force)
    lines = [f"{done.tag} {done.digest}: removed, {done.freed_bytes / (1 << 20):,.0f} MiB given back"]
    lines += [f"  refused from now on: {each}" for each in done.needed_by]
    return Output(done, "\n".join(lines))


@command(app, "repair", example="cleanroom-ml image repair sha256:0f3a…")
def repair(
    image: Annotated[str, typer.Argument(metavar="IMAGE", help="Its digest, or the beginning of it, or its tag.")],
) -> Output:
    """Make an image anew whose files were changed on this machine: the same image, by its digest."""
    from cleanroom_ml.local import images

    done = images.repair(image)
    return Output(done, f"{done.tag}: made anew, {done.packages} packages\n{done.digest}")

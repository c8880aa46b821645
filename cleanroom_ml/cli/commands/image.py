"""`cleanroom-ml image`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from cleanroom_ml.cli.command import command, group
from cleanroom_ml.cli.options import optional_argument, optional_option
from cleanroom_ml.cli.output import Output

app = group("Images: the Python environments that jobs of this engine run in.")


@command(app, "list", example="cleanroom-ml image list")
def list_() -> Output:
    """This installation, the images built here, and those that can be built."""
    from cleanroom_ml.local import images

    return Output(images.list_images())


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

    note(f"building image {tag or manifest}: this fetches packages from your index, and may take many minutes")
    done = images.build(tag, manifest=manifest)
    said = "built" if done.built else "there already"
    size = f"{done.packages} packages, {done.size_bytes / (1 << 30):.2f} GiB"
    text = f"{done.tag}: {said}; Python {done.python}, {size}\n{done.digest}"
    return Output(done, text, hints=(f"image_tag: {done.tag!r} in a code spec",))

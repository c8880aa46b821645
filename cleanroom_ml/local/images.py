"""The images of this machine's engine, for its operator: which there are, and building one."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from cleanroom_ml.engine.home import Home
from cleanroom_ml.local.home import ensure_home


@dataclass(frozen=True, slots=True)
class ImageRow:
    """`status`: `this installation`, `built`, or `not built` for a manifest that came with the package.

    `newest`: what an ML job without `image_tag` gets. `size_bytes` is 0 for what was not built here.
    """

    tag: str
    status: str
    newest: bool
    digest: str | None
    python: str
    packages: int
    size_bytes: int
    built_on: str | None


@dataclass(frozen=True, slots=True)
class BuiltImage:
    """`built` is False where the same image was there already."""

    tag: str
    digest: str
    python: str
    packages: int
    size_bytes: int
    built: bool


def list_images(home: Home | None = None) -> list[ImageRow]:
    """This installation, what was built, and what can be built."""
    from cleanroom_ml.engine.jobs.images.catalog import Images
    from cleanroom_ml.engine.jobs.images.manifest import published, published_tags

    images = Images((home or ensure_home()).path / "images")
    newest = images.resolve(None)
    built = images.built()
    rows = [
        ImageRow(
            image.tag,
            "this installation" if image.root is None else "built",
            image.digest == newest.digest,
            image.digest,
            image.python,
            len(image.packages),
            image.size_bytes,
            image.built_on or None,
        )
        for image in (images.local, *built)
    ]
    for tag in published_tags():
        if tag not in {image.tag for image in built}:
            manifest = published(tag)
            rows.append(ImageRow(tag, "not built", False, None, manifest.python, len(manifest.packages), 0, None))
    return rows


def build(tag: str | None, *, manifest: Path | None = None, home: Home | None = None) -> BuiltImage:
    """Build the image of a published tag, or of a manifest of one's own; the same again changes nothing.

    Raises:
        UsageError: no such tag, not a manifest, or its Python is missing.
        CleanroomError: a package of it cannot be had.
    """
    from cleanroom_ml.engine.jobs.images.build import build_image
    from cleanroom_ml.engine.jobs.images.manifest import published, read_manifest
    from cleanroom_ml.errors import UsageError

    if (tag is None) == (manifest is None):
        raise UsageError("name one image to build", fix="cleanroom-ml image build 2.10, or --manifest FILE")
    wanted = read_manifest(manifest) if manifest is not None else published(str(tag))
    image, built = build_image((home or ensure_home()).path, wanted)
    return BuiltImage(image.tag, image.digest, image.python, len(image.packages), image.size_bytes, built)

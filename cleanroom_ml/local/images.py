"""The images of this machine's engine, for its operator: which there are, building, removing and repairing one."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from cleanroom_ml.engine.home.paths import Home
from cleanroom_ml.errors import ConflictError, UsageError
from cleanroom_ml.local.home import ensure_home

if TYPE_CHECKING:
    from cleanroom_ml.engine.jobs.images.catalog import Images
    from cleanroom_ml.engine.jobs.images.image import Image

_NAMED = 5


@dataclass(frozen=True, slots=True)
class ImageRow:
    """`status`: `this installation`, `frozen` (what `local` was once), `built`, `gone` for what was frozen and is not
    there any more, or `not built` for a manifest that came with the package.

    `newest`: what an ML job without `image_tag` gets. `needed`: how many approvals, requests and jobs pin it.
    `differences`: the packages in which it differs from what its tag means now. `notes`: what its record states of it,
    such as data files that are not what was installed. `size_bytes` is 0 for what is not here.
    """

    tag: str
    status: str
    newest: bool
    digest: str | None
    python: str
    packages: int
    size_bytes: int
    built_on: str | None
    needed: int = 0
    differences: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class BuiltImage:
    """`built` is False where the same image was there already."""

    tag: str
    digest: str
    python: str
    packages: int
    size_bytes: int
    built: bool


@dataclass(frozen=True, slots=True)
class RemovedImage:
    """`freed_bytes`: what that gave back, which is nothing of what another home or environment has too."""

    tag: str
    digest: str
    freed_bytes: int
    needed_by: tuple[str, ...]


def list_images(home: Home | None = None) -> list[ImageRow]:
    """This installation, what it was before, what was built, and what can be built."""
    from cleanroom_ml.engine.jobs.images.image import Image
    from cleanroom_ml.engine.jobs.images.manifest import published, published_tags

    home = home or ensure_home()
    images, needs = _images(home), _needs(home)
    newest, frozen, built = images.now(None), images.frozen(), images.built()
    here = next((image for image in frozen if image.digest == images.local.digest), images.local)
    there = [here, *(image for image in frozen if image.digest != here.digest), *built]
    forgotten = [need for need in needs if not any(need[1] in (image.digest, image.digest_before) for image in there)]
    lost = [images.known(digest) or Image(tag, digest, "", {}, Path()) for tag, digest in forgotten]
    rows = [
        ImageRow(
            image.tag,
            _status(image, here),
            image.digest == newest.digest,
            image.digest,
            image.python,
            len(image.packages),
            image.size_bytes if image.root is not None else 0,
            (image.built_on or None) if image.root is not None else None,
            len(_needed(needs, image)),
            _differences(images, image),
            tuple(image.notes()),
        )
        for image in (*there, *lost)
    ]
    for tag in published_tags():
        if tag not in {image.tag for image in built}:
            manifest = published(tag)
            rows.append(ImageRow(tag, "not built", False, None, manifest.python, len(manifest.packages), 0, None))
    return rows


def named(what: Sequence[str]) -> str:
    """The first few of these, and how many more there are."""
    more = f" and {len(what) - _NAMED} more" if len(what) > _NAMED else ""
    return f"{', '.join(what[:_NAMED])}{more}"


def build(
    tag: str | None,
    *,
    manifest: Path | None = None,
    home: Home | None = None,
    on_start: Callable[[str], None] | None = None,
) -> BuiltImage:
    """Build the image of a published tag, or of a manifest of one's own; the same again changes nothing.

    `on_start` is told the image's tag once it is certain what to build.

    Raises:
        UsageError: no such tag, not a manifest, or its Python is missing.
        CleanroomError: a package of it cannot be had.
    """
    from cleanroom_ml.engine.jobs.images.build import build_image
    from cleanroom_ml.engine.jobs.images.manifest import published, read_manifest

    if (tag is None) == (manifest is None):
        what = "both a tag and a manifest are named" if tag else "no image is named"
        raise UsageError(what, why="one of them is built", fix="cleanroom-ml image build 2.10, or --manifest FILE")
    wanted = read_manifest(manifest) if manifest is not None else published(str(tag))
    if on_start is not None:
        on_start(wanted.tag)
    image, built = build_image((home or ensure_home()).path, wanted)
    return BuiltImage(image.tag, image.digest, image.python, len(image.packages), image.size_bytes, built)


def remove(name: str, *, force: bool = False, home: Home | None = None) -> RemovedImage:
    """Remove one image, named by its digest or the beginning of that, or by a tag that one image has.

    Raises:
        UsageError: there is none of that name, or several.
        ConflictError: approvals, requests or jobs need it, and it is not forced. `differences` names them.
    """
    home = home or ensure_home()
    images = _images(home)
    image = _find(images, name)
    needed = _needed(_needs(home), image)
    if needed and not force:
        raise ConflictError(
            f"image {image.tag} {image.digest[:19]}… is needed by {named(needed)}",
            differences=needed,
            why="what was approved runs in that very image, and would be refused without it",
            fix=f"cleanroom-ml image remove {image.digest[:19]} --force",
        )
    return RemovedImage(image.tag, image.digest, images.remove(image), needed)


def repair(name: str, *, home: Home | None = None) -> BuiltImage:
    """Make an image anew whose files were changed: from this installation, or from its manifest.

    Raises:
        UsageError: there is none of that name, or it cannot be made again as it was: says what differs.
        CleanroomError: a package of it cannot be had, or is not as it was published.
    """
    from cleanroom_ml.engine.jobs.images.build import rebuild_image
    from cleanroom_ml.engine.jobs.images.image import LOCAL

    home = home or ensure_home()
    images = _images(home)
    image = _find(images, name)
    if image.tag != LOCAL:
        made = rebuild_image(home.path, image)
    elif image.digest != images.local.digest:
        differences = images.differences(image.digest, images.local)
        raise UsageError(
            f"image {image.tag} {image.digest[:19]}… cannot be made from this installation",
            why=f"it differs: {named(differences)}",
            fix="install those versions, then repair; or the provider runs: cleanroom-ml spec register --bump",
        )
    else:
        made = images.freeze(again=True)
    return BuiltImage(made.tag, made.digest, made.python, len(made.packages), made.size_bytes, True)


def _images(home: Home) -> Images:
    from cleanroom_ml.engine.jobs.images.catalog import Images

    return Images(home.path / "images")


def _status(image: Image, here: Image) -> str:
    from cleanroom_ml.engine.jobs.images.image import LOCAL

    if image.digest == here.digest:
        return "this installation"
    if image.root is None:
        return "gone"
    return "frozen" if image.tag == LOCAL else "built"


def _differences(images: Images, image: Image) -> tuple[str, ...]:
    """From what its tag means now; empty where that is nothing, or where nothing is known of the image."""
    from cleanroom_ml.engine.jobs.layers.errors import ImageNotBuiltError

    try:
        return tuple(images.differences(image.digest, images.now(image.tag)))
    except ImageNotBuiltError:
        return ()


def _find(images: Images, name: str) -> Image:
    wanted = name.removesuffix("…")
    found = [
        image
        for image in (*images.frozen(), *images.built())
        if image.tag == wanted or (len(wanted) > len("sha256:") and image.digest.startswith(wanted))
    ]
    if len(found) == 1:
        return found[0]
    reported = ", ".join(f"{image.tag} {image.digest[:19]}" for image in found or (*images.frozen(), *images.built()))
    raise UsageError(
        f"{'several images are' if found else 'no image here is'} {name!r}",
        why=f"there are: {reported}" if reported else "there are none",
        fix="cleanroom-ml image list",
    )


def _needed(needs: Mapping[tuple[str, str], list[str]], image: Image) -> tuple[str, ...]:
    """Who needs this image."""
    pins = [(image.tag, image.digest), (image.tag, image.digest_before)]
    return tuple(dict.fromkeys(who for pin in pins for who in needs.get(pin, ())))


def _needs(home: Home) -> dict[tuple[str, str], list[str]]:
    """What needs an image, by its tag and digest."""
    from cleanroom_ml.engine.jobs import store
    from cleanroom_ml.engine.rooms import schema
    from cleanroom_ml.engine.storage.database import Database

    found: dict[tuple[str, str], list[str]] = {}
    if not home.catalog.exists():
        return found
    database = Database(home.catalog)
    try:
        with database.read() as connection:
            for who, tag, digest in (*schema.images(connection), *store.images(connection)):
                found.setdefault((tag, digest), []).append(who)
    finally:
        database.close()
    return found

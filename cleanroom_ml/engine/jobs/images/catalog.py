"""Which images there are on this machine, and which of them a tag means."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path

from cleanroom_ml.engine.jobs import files
from cleanroom_ml.engine.jobs.images.frozen import FrozenImages, frozen_root
from cleanroom_ml.engine.jobs.images.image import DESCRIPTION, LOCAL, Image
from cleanroom_ml.engine.jobs.images.installation import NOT_COUNTED_BEFORE, this_installation
from cleanroom_ml.engine.jobs.images.manifest import published_tags
from cleanroom_ml.engine.jobs.layers.errors import ImageChangedError, ImageNotBuiltError
from cleanroom_ml.engine.jobs.layers.pip import tree_bytes
from cleanroom_ml.engine.jobs.layers.work import remove_whole
from cleanroom_ml.json_values import Document

_NUMBERED = re.compile(r"\d+(\.\d+)*\Z")
_SHOWN_DIFFERENCES = 5
NEW_VERSION = "cleanroom-ml spec register --bump && cleanroom-ml template submit"
"""Registers the code spec for the image that its tag means now, and asks for the approval of that."""


class Images:
    """The directory HOME/images: one subdirectory an image, named by its tag and digest.

    A built image lies in it; a frozen installation lies in `frozen`, which this home's directory names by its digest.
    """

    def __init__(self, root: Path, *, environ: Mapping[str, str] | None = None) -> None:
        self._root = root
        self._frozen = FrozenImages(frozen_root(os.environ if environ is None else environ))

    @cached_property
    def local(self) -> Image:
        """This installation as it is now, not frozen."""
        return this_installation().image

    def built(self) -> list[Image]:
        """What was built here, oldest tag first; a directory without a description is not an image (yet)."""
        found = [Image.from_json(value, directory) for directory, value in self._described() if value["tag"] != LOCAL]
        return sorted(found, key=_age)

    def frozen(self) -> list[Image]:
        """What `local` meant in this home so far, oldest first; without a `root` what is not there any more."""
        found = []
        for _, value in self._described():
            if value["tag"] == LOCAL:
                try:
                    found.append(self._frozen.get(value["digest"]))
                except FileNotFoundError:
                    found.append(Image.from_json(value, None))
        return sorted(found, key=lambda image: (image.built_on, image.digest))

    def resolve(self, tag: str | None) -> Image:
        """The image that a tag means now; without one the newest: the highest built release, else `local`.

        Raises:
            ImageNotBuiltError: none of that tag is built; says how to build it, or which there are.
            ImageChangedError: this installation is not what its packages say, so that it cannot be frozen.
        """
        image = self.now(tag)
        return self.freeze() if image.tag == LOCAL else image

    def now(self, tag: str | None) -> Image:
        """What `resolve` would give; `local` is not frozen for it. Raises ImageNotBuiltError."""
        tag = tag if tag is None else _release(tag)
        built = self.built()
        if tag == LOCAL or (tag is None and not built):
            return self.local
        fitting = [image for image in built if tag in (None, image.tag)]
        if not fitting:
            raise self._not_built(str(tag))
        return fitting[-1]

    def freeze(self, *, again: bool = False) -> Image:
        """`local`: this installation, frozen; made at most once, unless it is to be made `again`.

        Raises:
            ImageNotBuiltError, ImageChangedError: see FrozenImages.freeze.
        """
        image = self._frozen.freeze(self._root.parent, again=again)
        directory = self._root / directory_name(image)
        if not (directory / DESCRIPTION).is_file():
            directory.mkdir(mode=0o700, parents=True, exist_ok=True)
            files.write_atomically(directory / DESCRIPTION, json.dumps(image.to_json()).encode())
        return image

    def pinned(self, tag: str, digest: str) -> Image:
        """Exactly the image that was pinned. Whether it is still what was laid out is for seal.check to say.

        Raises:
            ImageNotBuiltError: it is not built here.
            ImageChangedError: of that tag there are only others.
        """
        candidates = self.frozen() if tag == LOCAL else [image for image in self.built() if image.tag == tag]
        for image in candidates:
            if image.root is not None and digest in (image.digest, image.digest_before):
                return image
        if tag == LOCAL and digest in (self.local.digest, self.local.digest_before):
            return self.freeze()
        if not candidates and tag != LOCAL:
            raise self._not_built(tag)
        now = self.local if tag == LOCAL else candidates[-1]
        changed = self.differences(digest, now)
        reported = f": {', '.join(changed[:_SHOWN_DIFFERENCES])}" if changed else ""
        more = f" and {len(changed) - _SHOWN_DIFFERENCES} more" if len(changed) > _SHOWN_DIFFERENCES else ""
        raise ImageChangedError(
            f"image '{tag}' as it was approved ({digest[:19]}…) is not on this machine any more; now it is "
            f"{now.digest[:19]}…{reported}{more}",
            why="it was removed" + (", or pinned by a version that kept no image of `local`" if tag == LOCAL else ""),
            fix=f"the provider runs: {NEW_VERSION}",
        )

    def known(self, digest: str) -> Image | None:
        """What is known of an image that was pinned once, whether it is there still or not."""
        for image in (*self.frozen(), *self.built()):
            if digest in (image.digest, image.digest_before):
                return image
        noted = self._root / ".known" / f"{digest.removeprefix('sha256:')}.json"  # by versions of before
        return Image.from_json(json.loads(noted.read_bytes()), None) if noted.is_file() else None

    def differences(self, digest: str, now: Image) -> list[str]:
        """The packages in which an image that was pinned differs from another, by name; empty where it is forgotten."""
        then = self.known(digest)
        return [] if then is None else differing_packages(then, now)

    def remove(self, image: Image) -> int:
        """Remove an image of this home; how many bytes that gives back."""
        directory = self._root / directory_name(image)
        freed = self._frozen.remove(image.digest, self._root.parent) if image.tag == LOCAL else tree_bytes(directory)
        remove_whole(directory)
        return freed

    def _described(self) -> list[tuple[Path, Document]]:
        if not self._root.is_dir():
            return []
        return [
            (directory, json.loads((directory / DESCRIPTION).read_bytes()))
            for directory in sorted(self._root.iterdir())
            if not directory.name.startswith(".") and (directory / DESCRIPTION).is_file()
        ]

    def _not_built(self, tag: str) -> ImageNotBuiltError:
        if tag in published_tags():
            return ImageNotBuiltError(
                f"image '{tag}' is not built on this machine", fix=f"the operator runs: cleanroom-ml image build {tag}"
            )
        there = sorted({LOCAL, *published_tags(), *(image.tag for image in self.built())})
        return ImageNotBuiltError(f"there is no image '{tag}'", fix=f"one of: {', '.join(there)}")


def directory_name(image: Image) -> str:
    """The name of an image's directory in a home."""
    return f"{image.tag}-{image.digest.removeprefix('sha256:')[:12]}"


def differing_packages(then: Image, now: Image) -> list[str]:
    """Which packages differ between two images, a text each; Python is one of them."""
    before, after = {**then.packages, "python": then.python}, {**now.packages, "python": now.python}
    changed = []
    for name in sorted(before.keys() | after.keys()):
        if not then.hashes and name in NOT_COUNTED_BEFORE:
            continue
        was, is_now = before.get(name, "absent"), after.get(name, "absent")
        if was != is_now:
            changed.append(f"{name} {was} → {is_now}")
        elif then.hashes.get(name, now.hashes.get(name)) != now.hashes.get(name):
            changed.append(f"{name} {was}: {_why_other(then.altered.get(name, {}), now.altered.get(name, {}))}")
    return changed


def _why_other(then: Mapping[str, str], now: Mapping[str, str]) -> str:
    """What made other files of the same version: data that was written to since, or another package altogether."""
    paths = sorted(path for path in {**then, **now} if then.get(path) != now.get(path))
    if not paths:
        return "other files under the same version"
    names = ", ".join(path.rpartition("/")[2] for path in paths[:_SHOWN_DIFFERENCES])
    if not now:
        return f"{names} as it was installed again"
    return f"{names} differs from what was installed" + (", in another way than before" if then else "")


def _release(tag: str) -> str:
    """Snowflake's pages call the same release `2.9` and, as an image_tag, `2.9.0`."""
    return tag.removesuffix(".0") if _NUMBERED.match(tag) and tag.count(".") == 2 else tag


def _age(image: Image) -> tuple[tuple[int, ...], str]:
    numbered = tuple(map(int, image.tag.split("."))) if _NUMBERED.match(image.tag) else (0,)
    return numbered, image.built_on

"""Which images there are on this machine, and which of them a tag means."""

from __future__ import annotations

import json
import re
from functools import cached_property
from pathlib import Path

from cleanroom_ml.engine.jobs import files
from cleanroom_ml.engine.jobs.images.image import DESCRIPTION, LOCAL, Image, local_image
from cleanroom_ml.engine.jobs.images.manifest import published_tags
from cleanroom_ml.engine.jobs.layers.errors import ImageChangedError, ImageNotBuiltError

_NUMBERED = re.compile(r"\d+(\.\d+)*\Z")
_SHOWN_DIFFERENCES = 5


class Images:
    """The directory HOME/images: one subdirectory a built image, named by its tag and digest.

    A built image is read once and never changes; what `local` means is looked at anew in every object.
    """

    def __init__(self, root: Path) -> None:
        self._root = root

    @cached_property
    def local(self) -> Image:
        """This installation."""
        return local_image()

    def built(self) -> list[Image]:
        """What was built here, oldest tag first; a directory without a description is not an image (yet)."""
        if not self._root.is_dir():
            return []
        found = []
        for directory in self._root.iterdir():
            if not directory.name.startswith(".") and (directory / DESCRIPTION).is_file():
                found.append(Image.from_json(json.loads((directory / DESCRIPTION).read_bytes()), directory))
        return sorted(found, key=_age)

    def resolve(self, tag: str | None) -> Image:
        """The image that a tag means now; without one the newest: the highest built release, else `local`.

        Raises:
            ImageNotBuiltError: none of that tag is built; says how to build it, or which there are.
        """
        tag = tag if tag is None else _release(tag)
        built = self.built()
        if tag == LOCAL or (tag is None and not built):
            self._remember(self.local)
            return self.local
        fitting = [image for image in built if tag in (None, image.tag)]
        if not fitting:
            raise self._not_built(str(tag))
        return fitting[-1]

    def pinned(self, tag: str, digest: str) -> Image:
        """Exactly the image that was pinned.

        Raises:
            ImageNotBuiltError: it is not built here.
            ImageChangedError: of that tag there is only one with other content.
        """
        candidates = [self.local] if tag == LOCAL else [image for image in self.built() if image.tag == tag]
        for image in candidates:
            if image.digest == digest:
                return image
        if not candidates:
            raise self._not_built(tag)
        raise ImageChangedError(
            f"image '{tag}' is not what was pinned: {digest[:19]}… then, {candidates[-1].digest[:19]}… now"
            + self._differences(digest, candidates[-1]),
            fix="register the code spec under a new version and have it approved, or bring the environment back",
        )

    def _not_built(self, tag: str) -> ImageNotBuiltError:
        if tag in published_tags():
            return ImageNotBuiltError(
                f"image '{tag}' is not built on this machine", fix=f"the operator runs: cleanroom-ml image build {tag}"
            )
        there = sorted({LOCAL, *published_tags(), *(image.tag for image in self.built())})
        return ImageNotBuiltError(f"there is no image '{tag}'", fix=f"one of: {', '.join(there)}")

    def _remember(self, image: Image) -> None:
        """Keep what `local` held when it was pinned, so that a later difference can be told by name."""
        path = self._known(image.digest)
        if not path.exists():
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            files.write_atomically(path, json.dumps(image.to_json()).encode())

    def _known(self, digest: str) -> Path:
        return self._root / ".known" / f"{digest.removeprefix('sha256:')}.json"

    def _differences(self, digest: str, now: Image) -> str:
        if now.tag != LOCAL or not self._known(digest).is_file():
            return ""
        then = Image.from_json(json.loads(self._known(digest).read_bytes()), None)
        before = {**then.packages, "python": then.python}
        after = {**now.packages, "python": now.python}
        changed = [
            f"{name} {before.get(name, 'absent')} → {after.get(name, 'absent')}"
            for name in sorted(before.keys() | after.keys())
            if before.get(name) != after.get(name)
        ]
        more = f" and {len(changed) - _SHOWN_DIFFERENCES} more" if len(changed) > _SHOWN_DIFFERENCES else ""
        return f" ({', '.join(changed[:_SHOWN_DIFFERENCES])}{more})"


def _release(tag: str) -> str:
    """Snowflake's pages call the same release `2.9` and, as an image_tag, `2.9.0`."""
    return tag.removesuffix(".0") if _NUMBERED.match(tag) and tag.count(".") == 2 else tag


def _age(image: Image) -> tuple[tuple[int, ...], str]:
    numbered = tuple(map(int, image.tag.split("."))) if _NUMBERED.match(image.tag) else (0,)
    return numbered, image.built_on

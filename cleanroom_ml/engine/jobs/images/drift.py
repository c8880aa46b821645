"""What has become of an image since it was pinned."""

from __future__ import annotations

from dataclasses import dataclass

from cleanroom_ml.engine.jobs.images.catalog import Images
from cleanroom_ml.engine.jobs.layers.errors import ImageNotBuiltError


@dataclass(frozen=True, slots=True)
class Drift:
    """`kept`: the image that was pinned is on this machine, and jobs run in it. `now`: what registering would pin now,
    empty for nothing. `differences`: the packages in which the two differ, as far as that is known.
    """

    kept: bool
    now_tag: str
    now: str
    differences: tuple[str, ...]


def drift(images: Images, tag: str | None, pinned: str) -> Drift:
    """Compare an image that was pinned for this tag, or for none, with what the tag means now."""
    then = images.known(pinned)
    kept = then is not None and then.root is not None
    try:
        now = images.now(tag)
    except ImageNotBuiltError:
        return Drift(kept, tag or "", "", ())
    if pinned in (now.digest, now.digest_before):
        return Drift(True, now.tag, pinned, ())
    return Drift(kept, now.tag, now.digest, tuple(images.differences(pinned, now)))

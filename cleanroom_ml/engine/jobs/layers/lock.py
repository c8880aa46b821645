"""The dependency lock: image, what the image provides, and every wheel of the layer by its SHA-256.

Its JSON form is part of what is approved (evidence/approval_digest.py): texts, whole numbers, lists and objects only.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from cleanroom_ml.evidence.approval_digest import canonical_json
from cleanroom_ml.json_values import Document

FORMAT = 1
Source = Literal["index", "code"]


@dataclass(frozen=True, slots=True)
class LockedPackage:
    """One wheel of a layer. `source`: the operator's package index, or the code directory (then `path` is in it)."""

    name: str
    version: str
    wheel: str
    sha256: str
    size: int
    source: Source
    path: str = ""

    def to_json(self) -> dict[str, object]:
        """A JSON-able form. The key `sha256` keeps the wheel from being collected as garbage."""
        return {
            "name": self.name,
            "version": self.version,
            "wheel": self.wheel,
            "sha256": self.sha256,
            "size": self.size,
            "source": self.source,
            "path": self.path,
        }


@dataclass(frozen=True, slots=True)
class DependencyLock:
    """`provided`: the installed version of each requirement that the image satisfies. `packages`: sorted by name.
    `image_notes`: what the image's own record states of it, for those who approve (Image.notes).
    """

    image_tag: str
    image_digest: str
    python: str
    provided: Mapping[str, str] = field(default_factory=dict)
    packages: tuple[LockedPackage, ...] = ()
    image_notes: tuple[str, ...] = ()

    @property
    def layer(self) -> str:
        """The name of the layer: the hash of its wheels and of the image that they were resolved for; empty for none.

        The image counts, because it decides which wheels fit and which packages are left to it.
        """
        if not self.packages:
            return ""
        held = [[each.name, each.version, each.wheel, each.sha256] for each in self.packages]
        return hashlib.sha256(canonical_json({"format": FORMAT, "image": self.image_digest, "held": held})).hexdigest()

    @property
    def digest(self) -> str:
        """`sha256:` and the hash of the whole lock."""
        return "sha256:" + hashlib.sha256(canonical_json(self.to_json())).hexdigest()

    def to_json(self) -> dict[str, object]:
        """The form that is registered, approved and handed to a job."""
        image: dict[str, object] = {"tag": self.image_tag, "digest": self.image_digest, "python": self.python}
        if self.image_notes:
            image["notes"] = list(self.image_notes)
        return {
            "format": FORMAT,
            "image": image,
            "provided": dict(sorted(self.provided.items())),
            "layer": self.layer,
            "packages": [each.to_json() for each in self.packages],
        }

    @classmethod
    def from_json(cls, value: Document) -> DependencyLock | None:
        """The inverse of `to_json`; None for a lock of before there were layers (a mapping of names to versions)."""
        if value.get("format") != FORMAT:
            return None
        image = value["image"]
        return cls(
            image["tag"],
            image["digest"],
            image["python"],
            dict(value["provided"]),
            tuple(LockedPackage(**each) for each in value["packages"]),
            tuple(image.get("notes", ())),
        )

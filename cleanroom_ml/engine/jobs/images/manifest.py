"""What an image is to hold, before it is built: a JSON file of the package, or of the operator.

    {"tag": "2.10", "python": "3.11", "packages": ["pandas", "ray[train]"], "versions": {"pandas": "2.3.3", …}}

`packages` are installed; `versions` pins them and everything that they depend on, as far as it is named there. The
hash of every wheel is recorded when the image is built.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name

from cleanroom_ml.engine.jobs.images.image import LOCAL
from cleanroom_ml.errors import UsageError
from cleanroom_ml.specs.code_spec import IMAGE_TAG

_SHIPPED: Final = Path(__file__).with_name("manifests")
_PYTHON: Final = re.compile(r"3\.\d{1,2}\Z")


@dataclass(frozen=True, slots=True)
class ImageManifest:
    """`python` is a minor version (`3.11`); each of `packages` has its version in `versions`."""

    tag: str
    python: str
    packages: tuple[str, ...]
    versions: Mapping[str, str]


def published_tags() -> list[str]:
    """The tags whose manifests came with this package, lowest release first."""
    tags = (path.name.removesuffix(".json") for path in _SHIPPED.glob("*.json"))
    return sorted(tags, key=lambda tag: tuple(map(int, tag.split("."))))


def published(tag: str) -> ImageManifest:
    """The manifest of a tag.

    Raises:
        UsageError: none came with this package.
    """
    if tag not in published_tags():
        known = ", ".join(published_tags())
        raise UsageError(f"there is no manifest for image '{tag}'", why=f"there are: {known}", fix="or --manifest FILE")
    return read_manifest(_SHIPPED / f"{tag}.json")


def read_manifest(path: Path) -> ImageManifest:
    """The manifest in a file.

    Raises:
        UsageError: it cannot be read, or is none.
    """
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
        tag, python = str(value["tag"]), str(value["python"])
        packages = tuple(map(str, value["packages"]))
        versions = {str(canonicalize_name(name)): str(version) for name, version in value["versions"].items()}
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise UsageError(
            f"{path} is not the manifest of an image", why=f"{type(error).__name__}: {error}", fix="tag, python, …"
        ) from error
    if not IMAGE_TAG.match(tag) or tag == LOCAL or not _PYTHON.match(python):
        raise UsageError(f"{path}: '{tag}' for Python '{python}' cannot be the tag of an image")
    for line in packages:
        _check(path, line, versions)
    return ImageManifest(tag, python, packages, versions)


def _check(path: Path, line: str, versions: Mapping[str, str]) -> None:
    try:
        wanted = Requirement(line)
    except InvalidRequirement as error:
        raise UsageError(f"{path}: '{line}' is not the name of a package") from error
    if wanted.url or wanted.marker or str(wanted.specifier):
        raise UsageError(f"{path}: '{line}' is more than a name with extras", fix="its version belongs into `versions`")
    if canonicalize_name(wanted.name) not in versions:
        raise UsageError(f"{path}: '{line}' has no version", fix="add it to `versions`")

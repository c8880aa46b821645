"""One entry of `pip_requirements`: a package by name, or a wheel inside the code directory. Nothing else.

An option (`--index-url`), an address, a version-control source or a path out of the directory would let a spec decide
where code comes from, behind the back of those who approve it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from pydantic import BeforeValidator
from pydantic_core import PydanticCustomError

from cleanroom_ml.specs.base import as_text, violation
from cleanroom_ml.specs.paths import relative_path
from cleanroom_ml.specs.problems import displayed

_MAX_CHARACTERS = 500
_ARCHIVES = (".whl", ".zip", ".tar", ".gz", ".tgz", ".bz2", ".tbz", ".xz", ".txz", ".lz", ".tlz", ".lzma", ".zst")
_ALLOWED = (
    "a package such as 'xgboost>=2,<4', or a wheel in the code directory such as 'wheels/mine-1.0-py3-none-any.whl'"
)


@dataclass(frozen=True, slots=True)
class Requirement:
    """A requirement that pip may be given.

    Attributes:
        name: of the package, normalised (`scikit-learn`).
        specifier: version specifier, `` for any; of a wheel `==` its version.
        marker: environment marker, `` for none.
        wheel: path of the wheel relative to the code directory; None for a package by name.
        extras: sorted.
    """

    name: str
    specifier: str = ""
    marker: str = ""
    wheel: str | None = None
    extras: tuple[str, ...] = ()


def parse_requirement(text: str) -> Requirement:
    """The requirement that a line names.

    Raises:
        ValueError: it is neither a PEP 508 name with optional extras, version and marker nor a wheel's relative path.
    """
    from packaging.requirements import InvalidRequirement
    from packaging.requirements import Requirement as Pep508
    from packaging.utils import InvalidWheelFilename, canonicalize_name, parse_wheel_filename

    if len(text) > _MAX_CHARACTERS or not text.isprintable():
        raise ValueError(f"{displayed(text)} is too long or holds characters that cannot be seen")
    if text.lstrip().startswith("-"):
        raise ValueError(f"{displayed(text)} is an option of pip")
    if "://" in text or " @ " in text or text.lower().startswith(("git+", "hg+", "svn+", "bzr+", "file:")):
        raise ValueError(f"{displayed(text)} fetches from an address")
    if text.lower().endswith(".whl"):
        try:
            path = relative_path(text)
            name, version, _, _ = parse_wheel_filename(path.rpartition("/")[2])
        except (InvalidWheelFilename, PydanticCustomError) as error:
            raise ValueError(f"{displayed(text)} is not the relative path of a wheel") from error
        return Requirement(str(name), f"=={version}", wheel=path)
    try:
        parsed = Pep508(text)
    except InvalidRequirement:
        raise ValueError(f"{displayed(text)} is not a requirement") from None
    if parsed.url is not None:
        raise ValueError(f"{displayed(text)} fetches from an address")
    # pip takes such a name for a file of its working directory where there is one.
    if parsed.name.lower().endswith(_ARCHIVES):
        raise ValueError(f"{displayed(text)} names an archive")
    return Requirement(
        canonicalize_name(parsed.name),
        str(parsed.specifier),
        str(parsed.marker) if parsed.marker else "",
        extras=tuple(sorted(parsed.extras)),
    )


def _requirement_text(value: object) -> str:
    text = as_text(value)
    try:
        parse_requirement(text)
    except ValueError as error:
        raise violation(str(error), _ALLOWED) from None
    return text


def _package_text(value: object) -> str:
    text = _requirement_text(value)
    parsed = parse_requirement(text)
    if parsed.wheel is not None or parsed.marker:
        raise violation(f"{displayed(text)} is not the name of a package", "a package such as 'numpy' or 'numpy==2.1'")
    return text


PipRequirement = Annotated[str, BeforeValidator(_requirement_text)]
Package = Annotated[str, BeforeValidator(_package_text)]

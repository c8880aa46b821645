"""An ML job as registering pins it: what a code spec says of it that reaches the job, and what was found for it.

One type from the registry to the approver's review and to the job itself. A field that is added here is approved, shown
and compared without anybody's doing; one of an ML job's spec that has the same name is taken over as it stands there.
Each has a default: what was pinned before there was the field does without.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from typing import Any, Final, TypeVar

Kind = TypeVar("Kind", bound="PinnedJob")

_READ: Final[Mapping[type, Callable[[Any], object]]] = {
    str: str,
    bool: bool,
    int: int,
    tuple: lambda value: tuple(str(each) for each in value),
}


@dataclass(frozen=True, slots=True)
class PinnedJob:
    """One ML job of a registered code spec.

    `image` is the tag of the image that was found, `content_digest` is that of the files, which go beside this.
    """

    name: str = ""
    entrypoint: str = ""
    content_digest: str = ""
    pip_requirements: tuple[str, ...] = ()
    image: str = ""
    allow_monitoring: bool = False

    @classmethod
    def names(cls) -> frozenset[str]:
        """The names of all fields."""
        return frozenset(one.name for one in fields(cls))

    def pinned(self) -> dict[str, object]:
        """The JSON form, as it is registered and approved: the fields of a `PinnedJob`, whatever else this one has."""
        values = {one.name: getattr(self, one.name) for one in fields(PinnedJob)}
        return {name: list(value) if isinstance(value, tuple) else value for name, value in values.items()}

    @classmethod
    def of(cls: type[Kind], reported: Mapping[str, object], **more: Any) -> Kind:
        """From the JSON form, or from what a request tells of a job; `more` are fields that are not in there.

        Raises:
            ValueError, TypeError: a value is none of the field's type.
            KeyError: a field of a subclass has a default of a type that nothing here reads.
        """
        # Any, as in `_READ` and `more`: fields by name, of whichever type each has.
        values: dict[str, Any] = {
            one.name: _READ[type(one.default)](reported[one.name])
            for one in fields(cls)
            if one.name not in more and reported.get(one.name) is not None
        }
        return cls(**values, **more)

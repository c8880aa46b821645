"""Something that is asked for by a name which nothing has: one form of error for all of them."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches

from cleanroom_ml.errors import UsageError

_LISTED = 12


def not_there(noun: str, name: str, known: Iterable[str], *, fix: str) -> UsageError:
    """The error for a `name` that is no `noun`; it says which there are, and what was probably meant."""
    names = sorted(set(known))
    near = get_close_matches(name, names, n=1) or [each for each in names if each.upper() == name.upper()]
    more = f" and {len(names) - _LISTED:,} more" if len(names) > _LISTED else ""
    listed = f"there are: {', '.join(names[:_LISTED])}{more}" if names else "there are none"
    return UsageError(
        f"there is no {noun} {name!r}", why=f"did you mean {near[0]!r}? {listed}" if near else listed, fix=fix
    )

"""Reading what a target answers, in whichever of its forms (docs/reference: one column comes as an object, as its JSON
text or as YAML; a list as an array, as its JSON text or as plain text; names in either case). Writing is exact.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping

from cleanroom_ml.connection.session import Row
from cleanroom_ml.errors import ServerError
from cleanroom_ml.json_values import Document
from cleanroom_ml.services.reported import UnreadableError, reported
from cleanroom_ml.specs.identifiers import is_alias
from cleanroom_ml.specs.parse import plain_mapping
from cleanroom_ml.specs.problems import SpecProblems


def mapping_of(value: object) -> Document:
    """An object, its JSON text, or YAML; keys in lower case. Empty where it is none of these."""
    loaded = json_of(value)
    if isinstance(loaded, str):
        try:
            loaded = plain_mapping(loaded, source="an answer")
        except SpecProblems:
            return {}
    return {str(key).lower(): inner for key, inner in loaded.items()} if isinstance(loaded, Mapping) else {}


def texts_of(value: object) -> tuple[str, ...]:
    """A list of names: an array, its JSON text, or names between commas, in brackets or not."""
    loaded = json_of(value)
    if isinstance(loaded, str):
        inner = loaded.strip().removeprefix("[").removesuffix("]")
        loaded = [piece.strip().strip("'\"") for piece in inner.split(",")]
    if not isinstance(loaded, list | tuple):
        return ()
    return tuple(text for each in loaded if (text := _name(each)))


def spec_text(value: object) -> str:
    """The text of a spec: as YAML or JSON it stays as it came, an object is written as JSON, which is YAML too."""
    if isinstance(value, str):
        loaded = json_of(value)
        return loaded if isinstance(loaded, str) else value
    return json.dumps(value, ensure_ascii=False, default=str) if isinstance(value, Mapping) else ""


def json_of(value: object) -> object:
    """What a JSON text stands for; any other value as it is, also a text that is none. None: nested too deep."""
    if isinstance(value, str):
        if not value.strip().startswith(("{", "[", '"')):
            return value
        try:
            return reported(value, "an answer")
        except UnreadableError as error:
            return None if "levels deep" in str(error.why) else value
    try:
        return reported(value, "an answer")
    except UnreadableError:
        return None


def named_rows(rows: Iterable[Row], column: str) -> list[Row]:
    """The rows that say what they are of, their columns in lower case; one that does not is of nothing that anybody
    could mean, and is left out.

    Raises:
        ServerError: the answer has no such column.
    """
    lower = (type(row)((name.lower(), value) for name, value in row.items()) for row in rows)
    return [row for row in lower if row[column] not in (None, "")]


def told_aliases(value: object, what: str) -> tuple[str, ...]:
    """The aliases of a list that is going to be sent back: what is none is the target's mistake, and goes nowhere.

    Raises:
        ServerError: one of them is no alias; `what` says whose they are.
    """
    names = texts_of(value)
    for name in names:
        if not is_alias(name):
            raise ServerError(
                f"the target tells no alias of who has {what}",
                why=f"what it tells is {name[:60]!r}; nothing was changed",
                fix="the same command again",
            )
    return names


def first_of(entry: Mapping[str, object], *names: str) -> object:
    """The first of these entries that is there and not empty; None: none is."""
    return next((entry[name] for name in names if entry.get(name) not in (None, "")), None)


def _name(value: object) -> str:
    """A name, or the name that an entry of a list is of: `{id: …}`, `{alias: …}`, `{name: …}`."""
    if isinstance(value, Mapping):
        return str(first_of({str(key).lower(): each for key, each in value.items()}, "id", "alias", "name") or "")
    return "" if value is None else str(value)

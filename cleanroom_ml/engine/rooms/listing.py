"""Lists of what parties have sent: specifications, of up to 16 MiB each, as many as there are."""

from __future__ import annotations

from typing import Final

from cleanroom_ml.engine.load.big_texts import BIG_TEXTS
from cleanroom_ml.engine.storage.database import Database

LARGE: Final = 1 << 20
"""Characters. A list that has more is read as a big text is: of each party one at a time."""


def weigh(database: Database, query: str, *parameters: object) -> None:
    """To be called before a list is read, outside of any transaction; `query` counts its characters.

    Such a list is in the front's memory several times before it is sent, and everybody can ask for it as often as they
    like.

    Raises:
        Exception: the reason why this thread's work was ended while it waited for its turn.
    """
    with database.read() as connection:
        (characters,) = connection.execute(query, parameters).fetchone()
    if characters is not None and characters > LARGE:
        BIG_TEXTS.weigh(characters)


def weigh_requests(database: Database, collaboration: str) -> None:
    """`weigh` of what has been asked for in a collaboration."""
    weigh(database, "SELECT sum(length(payload)) FROM room_requests WHERE collaboration = ?", collaboration)

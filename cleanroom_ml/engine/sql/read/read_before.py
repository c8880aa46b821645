"""Queries that were read before: who sends the same text again does not wait for it to be read again."""

from __future__ import annotations

import threading
from collections import OrderedDict
from typing import Final

from cleanroom_ml.engine.load.owners import Owner, owner
from cleanroom_ml.engine.sql.read.query import Query

MOST: Final = 256
LONGEST: Final = 1_000
"""Characters: a tree has about a hundred bytes for each."""


class ReadBefore:
    """The last queries of the owners whose work threads do (`load.owners`). Each sees its own alone: how long a text
    takes tells nobody that another sent it. Thread-safe.

    What is kept is read by many threads, and changed by none: whoever compiles a tree compiles a copy of it.
    """

    def __init__(self, most: int = MOST, longest: int = LONGEST) -> None:
        self._most = most
        self._longest = longest
        self._kept: OrderedDict[tuple[Owner, str], Query] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, text: str) -> Query | None:
        """What this owner's text was read as."""
        if len(text) > self._longest:
            return None
        key = owner.get(), text
        with self._lock:
            found = self._kept.get(key)
            if found is not None:
                self._kept.move_to_end(key)
        return found

    def keep(self, text: str, query: Query) -> None:
        """This owner's text is this query, whatever is bound to it."""
        if len(text) > self._longest:
            return
        with self._lock:
            self._kept[owner.get(), text] = query
            while len(self._kept) > self._most:
                self._kept.popitem(last=False)


READ: Final = ReadBefore()
"""Those of this process."""

"""Following a log of which only the newest part is told, each time whole: the place is found by what overlaps.

Source: ML jobs, "Monitor the ML Job": `get_logs` "returns only the most recent container output (up to 100 KB of log
lines by default). The beginning of a long-running job's logs may therefore be missing".
"""

from __future__ import annotations

from typing import Final

FULL_BYTES: Final = 95_000
"""A part of so many bytes may have been cut at its front: 100 KB, less a line that was left out."""
LEAST_OVERLAP: Final = 80
"""So many characters of a part that was cut must be known, or it is taken for another place of the log: a line's end
alone is found everywhere.
"""
_MOST_COMPARED: Final = 1 << 20


class LogWindow:
    """What was seen last, and what is new in what is seen next."""

    def __init__(self) -> None:
        self._seen = ""

    def fresh(self, now: str) -> tuple[str, bool]:
        """What of `now` was not there before, and whether lines before it may have been missed.

        Where a log repeats itself, a part may fit in several places: the one that repeats least is taken, so that
        nothing is shown twice. In a log that is the same line over and over, lines cannot be told apart.
        """
        if not now:
            return "", False  # a log that is not there yet, or is gone, has nothing new
        before, self._seen = self._seen, now
        if not before:
            return now, len(now.encode(errors="replace")) >= FULL_BYTES
        if now.startswith(before):
            return now[len(before) :], False
        known = _overlap(before[-_MOST_COMPARED:], now[:_MOST_COMPARED])
        return (now, True) if known < min(len(before), LEAST_OVERLAP) else (now[known:], False)


def _overlap(before: str, now: str) -> int:
    """The longest end of `before` that is a beginning of `now`; in time proportional to both (Knuth, Morris, Pratt)."""
    falls = [0] * len(now)
    length = 0
    for at in range(1, len(now)):
        while length and now[at] != now[length]:
            length = falls[length - 1]
        length += now[at] == now[length]
        falls[at] = length
    length = 0
    for character in before:
        while length and (length == len(now) or character != now[length]):
            length = falls[length - 1]
        length += character == now[length]
    return length

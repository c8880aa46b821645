"""Replaces paths of this machine in a stream of bytes, wherever its pieces begin and end."""

from __future__ import annotations

import re
from collections.abc import Mapping


class Mask:
    """`paths` says what is written in place of what. Of two that begin alike, the longer one is looked for first."""

    def __init__(self, paths: Mapping[str, str]) -> None:
        self._displayed = {
            path.encode("utf-8", "surrogateescape"): displayed.encode() for path, displayed in paths.items()
        }
        longest_first = sorted(self._displayed, key=len, reverse=True)
        self._pattern = re.compile(b"|".join(map(re.escape, longest_first))) if longest_first else None
        self._longest = max(map(len, self._displayed), default=0)
        self._rest = b""

    def feed(self, data: bytes) -> bytes:
        """What can be written of the stream by now: its end is kept back where it may be the beginning of a path."""
        if self._pattern is None:
            return data
        data = self._rest + data
        displayed, done = self._settled(data)
        self._rest = data[done:]
        return displayed

    def end(self) -> bytes:
        """The rest of the stream."""
        rest, self._rest = self._rest, b""
        return rest if self._pattern is None else self._replace(rest)

    def _replace(self, data: bytes) -> bytes:
        assert self._pattern is not None
        return self._pattern.sub(lambda match: self._displayed[match[0]], data)

    def _settled(self, data: bytes) -> tuple[bytes, int]:
        """What is shown of as much of `data` as no further byte can change, and how much that is."""
        assert self._pattern is not None
        written: list[bytes] = []
        done = 0
        for match in self._pattern.finditer(data):
            start, end = match.span()
            if end > len(data) - self._longest and (held := self._held(data, done, start + 1)) is not None:
                break
            written += (data[done:start], self._displayed[match[0]])
            done = end
        else:
            held = self._held(data, done, len(data))
        last = len(data) if held is None else held
        return b"".join((*written, data[done:last])), last

    def _held(self, data: bytes, start: int, end: int) -> int | None:
        """The first place of these where the whole rest of `data` may be the beginning of a (longer) path."""
        first = max(start, len(data) - self._longest + 1)
        rests = ((at, data[at:]) for at in range(first, end))
        paths = self._displayed
        return next((at for at, rest in rests if any(len(p) > len(rest) and p.startswith(rest) for p in paths)), None)

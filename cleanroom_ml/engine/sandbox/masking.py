"""Replaces paths of this machine in a stream of bytes, wherever its pieces begin and end."""

from __future__ import annotations

import re
from collections.abc import Mapping


class Mask:
    """`paths` says what is written in place of what. Of two that begin alike, the longer one is looked for first."""

    def __init__(self, paths: Mapping[str, str]) -> None:
        self._shown = {path.encode("utf-8", "surrogateescape"): shown.encode() for path, shown in paths.items()}
        longest_first = sorted(self._shown, key=len, reverse=True)
        self._pattern = re.compile(b"|".join(map(re.escape, longest_first))) if longest_first else None
        self._rest = b""

    def feed(self, data: bytes) -> bytes:
        """What can be written of the stream by now: its end is kept back where it may be the beginning of a path."""
        if self._pattern is None:
            return data
        data = self._rest + data
        kept = self._kept_back(data)
        self._rest = data[len(data) - kept :]
        return self._replace(data[: len(data) - kept])

    def end(self) -> bytes:
        """The rest of the stream."""
        rest, self._rest = self._rest, b""
        return rest if self._pattern is None else self._replace(rest)

    def _replace(self, data: bytes) -> bytes:
        assert self._pattern is not None
        return self._pattern.sub(lambda match: self._shown[match[0]], data)

    def _kept_back(self, data: bytes) -> int:
        most = min(len(data), max(map(len, self._shown)) - 1)
        tails = (data[len(data) - length :] for length in range(most, 0, -1))
        return next((len(tail) for tail in tails if any(path.startswith(tail) for path in self._shown)), 0)

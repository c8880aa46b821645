"""What a sandbox's program prints: copied as it comes, masked, as much of it as the limits let be kept."""

from __future__ import annotations

import contextlib
import os
import select
import time
from collections.abc import Mapping
from typing import Final

from cleanroom_ml.engine.sandbox.masking import Mask
from cleanroom_ml.engine.sandbox.policy import Limits

_DRAIN_SECONDS: Final = 1.0
_CHUNK: Final = 1 << 16
_HEAD: Final = 4096


class Log:
    """Copies from the descriptor `read` to the descriptor `sink`. One thread at a time; the descriptors are lent."""

    def __init__(self, read: int, sink: int, limits: Limits, masked: Mapping[str, str]) -> None:
        self.read = read
        self._sink = sink
        self._limits = limits
        self._mask = Mask(masked)
        self._kept = 0
        self._lost = ""
        self._head = b""
        self.total_bytes = 0

    @property
    def flooded(self) -> bool:
        """More came than a program may print at all."""
        return self.total_bytes > self._limits.log_flood_bytes

    @property
    def truncated(self) -> bool:
        """Not all of it was kept."""
        return self.total_bytes > self._limits.log_bytes or bool(self._lost)

    def pump(self) -> bool:
        """Copy what there is; False at its end."""
        try:
            data = os.read(self.read, _CHUNK)
        except BlockingIOError:
            return True
        if not data:
            self._keep(self._mask.end())
            return False
        self.total_bytes += len(data)
        self._keep(self._mask.feed(data))
        return True

    def drain(self) -> None:
        """Copy what came last. Bounded: the descriptor may have been sent to somebody who outlives the sandbox."""
        deadline = time.monotonic() + _DRAIN_SECONDS
        while (left := deadline - time.monotonic()) > 0:
            ready, _, _ = select.select([self.read], [], [], left)
            if ready and not self.pump():
                return
            if not ready:
                break
        self._keep(self._mask.end())

    def head(self) -> str:
        """How it begins: where the program was not started, why."""
        return self._head.decode(errors="replace").strip()

    def head_at_once(self) -> str:
        """The same, with what has come and was not copied yet."""
        os.set_blocking(self.read, False)
        with contextlib.suppress(BlockingIOError):
            self._head += os.read(self.read, _HEAD)
        return self.head()

    def _keep(self, data: bytes) -> None:
        """Write what of `data` still fits."""
        left = self._limits.log_bytes - self._kept
        if len(self._head) < _HEAD:
            self._head += data[:_HEAD]
        kept = data[: max(0, left)]
        self._kept += len(kept)
        try:
            while kept:
                kept = kept[os.write(self._sink, kept) :]
        except OSError as error:  # a full disk of ours: the log ends here, as one that is too long
            self._lost = error.strerror or type(error).__name__

"""What a search can end with."""

from __future__ import annotations


class TunerError(RuntimeError):
    """No trial gave a result, or none could be started; the message has the traceback of the first."""

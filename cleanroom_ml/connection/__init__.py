"""Which target, which credentials, and talking to it."""

from __future__ import annotations

from cleanroom_ml.connection.session import Connection, connect
from cleanroom_ml.connection.setting import Setting
from cleanroom_ml.connection.target import Target, resolve

__all__ = ["Connection", "Setting", "Target", "connect", "resolve"]

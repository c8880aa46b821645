"""LIKE for SHOW. What it does is beside names themselves, where every room can have it."""

from __future__ import annotations

from cleanroom_ml.naming import like

__all__ = ["like"]

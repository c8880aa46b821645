"""Is an account ready for what a project wants of it? Asked of the account before anything fails."""

from __future__ import annotations

from cleanroom_ml.services.doctor.checks import checks, not_reached
from cleanroom_ml.services.doctor.finding import Finding
from cleanroom_ml.services.doctor.preparing import PREPARATIONS

__all__ = ["PREPARATIONS", "Finding", "checks", "not_reached"]

"""Where Snowflake's reference documents the class (see cleanroom_runtime.tune.tuner)."""

from cleanroom_runtime.tune import Tuner

__all__ = ["Tuner"]

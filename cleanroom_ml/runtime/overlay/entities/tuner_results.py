"""The module of the runtime's first releases, which published scripts still name (see cleanroom_runtime.tune)."""

from cleanroom_runtime.tune import TunerResults

__all__ = ["TunerResults"]

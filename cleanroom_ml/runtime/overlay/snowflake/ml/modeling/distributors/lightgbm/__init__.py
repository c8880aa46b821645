"""`snowflake.ml.modeling.distributors.lightgbm`."""

from cleanroom_runtime.distributors.lightgbm_estimator import LightGBMEstimator
from cleanroom_runtime.distributors.scaling import LightGBMScalingConfig

__all__ = ["LightGBMEstimator", "LightGBMScalingConfig"]

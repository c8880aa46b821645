"""`snowflake.ml.modeling.distributors.lightgbm.lightgbm_estimator`."""

from cleanroom_runtime.distributors.lightgbm_estimator import LightGBMEstimator
from cleanroom_runtime.distributors.scaling import LightGBMScalingConfig

__all__ = ["LightGBMEstimator", "LightGBMScalingConfig"]

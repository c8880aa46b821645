"""`snowflake.ml.modeling.distributors.lightgbm`."""

from cleanroom_runtime.distributors.lightgbm_estimator import LightGBMEstimator, LightGBMScalingConfig

__all__ = ["LightGBMEstimator", "LightGBMScalingConfig"]

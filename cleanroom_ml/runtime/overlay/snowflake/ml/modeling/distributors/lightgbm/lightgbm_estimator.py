"""`snowflake.ml.modeling.distributors.lightgbm.lightgbm_estimator`."""

from cleanroom_runtime.distributors.lightgbm_estimator import LightGBMEstimator, LightGBMScalingConfig

__all__ = ["LightGBMEstimator", "LightGBMScalingConfig"]

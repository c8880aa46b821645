"""`snowflake.ml.modeling.distributors.xgboost.xgboost_estimator`."""

from cleanroom_runtime.distributors.scaling import XGBScalingConfig
from cleanroom_runtime.distributors.xgboost_estimator import XGBEstimator

__all__ = ["XGBEstimator", "XGBScalingConfig"]

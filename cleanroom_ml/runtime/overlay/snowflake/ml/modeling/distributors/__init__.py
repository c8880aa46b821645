"""`snowflake.ml.modeling.distributors`."""

from cleanroom_runtime.distributors.xgboost_distributor import XGBoostDistributor

__all__ = ["XGBoostDistributor"]

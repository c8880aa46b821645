"""`snowflake.ml.modeling.tune`: search for the parameters with which a training function does best.

Source of what it does: Snowflake's "Parallel Hyperparameter Optimization on Container Runtime" and its published
example. The machinery: a `Tuner` asks a `search` for parameters and a `pool` for processes; each process runs one
`trial` at a time; `progress` tells, `results` collects.
"""

from .config import TunerConfig
from .context import TunerContext, get_tuner_context
from .errors import TunerError
from .results import TunerResults
from .search import BayesOpt, GridSearch, RandomSearch, SearchAlgorithm
from .space import SamplingFunction, choice, loguniform, randint, uniform
from .tuner import Tuner

__all__ = [
    "BayesOpt",
    "GridSearch",
    "RandomSearch",
    "SamplingFunction",
    "SearchAlgorithm",
    "Tuner",
    "TunerConfig",
    "TunerContext",
    "TunerError",
    "TunerResults",
    "choice",
    "get_tuner_context",
    "loguniform",
    "randint",
    "uniform",
]

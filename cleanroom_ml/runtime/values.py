"""Types of what passes through the runtime between a script and the libraries that it uses.

Where a value is only handed on, or told apart by what it is, the runtime says `object`. `Any` is for what is below:
values of which the library or the script alone knows the type, and which one of the two computes with.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeAlias

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

Array: TypeAlias = "NDArray[np.generic]"
"""Of numbers, texts or objects, whichever its column has."""

Floats: TypeAlias = "NDArray[np.float64]"

Params: TypeAlias = Mapping[str, Any]
"""Parameters by name, as XGBoost, LightGBM, bayesian-optimization, … take them: numbers, texts, lists, functions. Only
the library knows which is which, and checks them.
"""

Values: TypeAlias = dict[str, Any]
"""What a script named and gets back, to compute with: its hyperparameters, metrics and connectors."""

Model: TypeAlias = Any
"""What the script's training gave: its own affair, whose methods it calls."""

Json: TypeAlias = "bool | int | float | str | list[Json] | dict[str, Json] | None"
"""What a JSON document holds."""

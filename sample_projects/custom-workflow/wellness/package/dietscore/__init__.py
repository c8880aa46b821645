"""How fresh is what is in a basket? The library of a company that does not give it to everybody."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterable
from pathlib import Path

__all__ = ["Scorer", "words"]
__version__ = "1.2.0"

_WORD = re.compile(r"[A-Z]{3,}")


def words(name: str) -> list[str]:
    """The words of a product's name, each once, without numbers and abbreviations of one or two letters."""
    return sorted(set(_WORD.findall(name.upper())))


class Scorer:
    """A trained model: weights of words, and a bias."""

    def __init__(self, bias: float, weights: dict[str, float]) -> None:
        self.bias = bias
        self.weights = weights

    @classmethod
    def load(cls, path: str | Path) -> Scorer:
        """A model as JSON: {"bias": …, "weights": {word: weight}}."""
        return cls(**json.loads(Path(path).read_text(encoding="utf-8")))

    def score(self, names: Iterable[str]) -> list[float]:
        """How fresh each product is, from 0 to 1; 0.5 where no word of its name is known."""
        return [self._one(words(name)) for name in names]

    def _one(self, found: list[str]) -> float:
        known = [self.weights[word] for word in found if word in self.weights]
        return 1 / (1 + math.exp(-(self.bias + sum(known)))) if known else 0.5

"""Arithmetic of random NUMBERs against Python's decimal, by the rules of sql-reference/operators-arithmetic written
down a second time here: what the engine's own code says of scale is not asked.
"""

from __future__ import annotations

import random
from decimal import ROUND_DOWN, ROUND_HALF_UP, Decimal, localcontext

import pytest
from sql_world import World

SIGNS = "+-*/%"
PAIRS = 150


def expected(sign: str, left: Decimal, right: Decimal) -> Decimal:
    """The documented result, rounded half away from zero to the documented scale."""
    one, other = (-int(value.as_tuple().exponent) for value in (left, right))
    with localcontext() as context:
        context.prec = 120
        match sign:
            case "+":
                return (left + right).quantize(Decimal(1).scaleb(-max(one, other)))
            case "-":
                return (left - right).quantize(Decimal(1).scaleb(-max(one, other)))
            case "*":
                scale = min(one + other, max(one, other, 12))
                return (left * right).quantize(Decimal(1).scaleb(-scale), ROUND_HALF_UP)
            case "/":
                scale = max(one, min(one + 6, 12))
                return (left / right).quantize(Decimal(1).scaleb(-scale), ROUND_HALF_UP)
            case _:
                whole = (left / right).to_integral_value(ROUND_DOWN)
                return (left - right * whole).quantize(Decimal(1).scaleb(-max(one, other)))


def pairs(seed: int) -> list[tuple[str, Decimal, Decimal]]:
    """Pairs whose results have at most 38 digits; many of them end in a half of their last digit."""
    generator = random.Random(seed)
    found = []
    for _ in range(PAIRS):
        left, right = (
            Decimal(generator.choice((1, -1)) * generator.randrange(1, 10 ** generator.randint(1, 13))).scaleb(
                -generator.randint(0, 9)
            )
            for _ in range(2)
        )
        if generator.random() < 0.3:
            right = Decimal(generator.choice((2, 8, 16, 32, -64, 500000)))
        found.append((generator.choice(SIGNS), left, right))
    return found


@pytest.mark.parametrize("seed", range(2))
def test_arithmetic_is_that_of_decimal(world: World, seed: int) -> None:
    cases = pairs(seed)
    written = ", ".join(f"({left:f}) {sign} ({right:f})" for sign, left, right in cases)
    rows = ", ".join(f"({left:f}, {right:f})" for _, left, right in cases)
    [constants] = world.query(f"select {written}")
    for (sign, left, right), found in zip(cases, constants, strict=True):
        assert isinstance(found, Decimal | int)
        wanted = expected(sign, left, right)
        assert format(Decimal(found), "f") == format(wanted if wanted else abs(wanted), "f"), (sign, left, right)
    # The same of a column, whose values are rounded as one type: left of scale 9, right of scale 6.
    typed = f"(select column1::number(22,9) a, column2::number(22,6) b from values {rows})"
    columns = world.query(f"select a, b, a / iff(b = 0, 1, b), a * b, a - b from {typed}")
    for a, b, quotient, product, difference in columns:
        assert isinstance(a, Decimal)
        assert isinstance(b, Decimal)
        divisor = b if b else Decimal("1.000000")
        found = [quotient, product, difference]
        assert found == [expected("/", a, divisor), expected("*", a, b), expected("-", a, b)], (a, b)

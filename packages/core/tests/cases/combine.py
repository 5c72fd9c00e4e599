"""Cases of ``lampas.ops.combine``."""

from __future__ import annotations

from case import Case, normal, within


def between(x, end, weight):
    return x + weight * (end - x)


CASES = [
    Case(
        "addcmul",
        normal((3, 4), (3, 4), (4,)),
        lambda x, a, b, value: x + value * a * b,
        {"value": 0.5},
    ),
    Case(
        "addcdiv",
        within(0.5, 2.0, (3, 4), (3, 4), (4,)),
        lambda x, a, b, value: x + value * a / b,
        {"value": 0.5},
    ),
    Case("lerp", normal((3, 4), (3, 4)), between, {"weight": 0.25}),
    Case("lerp", normal((3, 4), (4,), (2, 1, 4)), between),
]

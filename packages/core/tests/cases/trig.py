"""Cases of ``lampas.ops.trig``."""

from __future__ import annotations

import math

from case import Case, each, normal, within

X = normal((3, 4))
INSIDE = within(-0.9, 0.9, (3, 4))

CASES = [
    *(
        Case(name, X, each(getattr(math, name)), elementwise=True)
        for name in ("sin", "cos", "atan", "sinh", "cosh", "tanh", "asinh")
    ),
    *(
        Case(name, INSIDE, each(getattr(math, name)), elementwise=True)
        for name in ("tan", "asin", "acos", "atanh")
    ),
    Case("acosh", within(1.2, 3.0, (3, 4)), each(math.acosh), elementwise=True),
    Case("atan2", normal((3, 4), (4,)), each(math.atan2)),
    Case("hypot", normal((3, 4), (4,)), each(math.hypot)),
    Case("deg2rad", X, each(math.radians)),
    Case("rad2deg", X, each(math.degrees)),
]

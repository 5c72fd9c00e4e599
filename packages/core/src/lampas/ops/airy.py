"""The Airy function Ai."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from lampas.engine.infer import like_input
from lampas.engine.record import ELEMENTWISE, op
from lampas.engine.tensor import Tensor
from lampas.ops._special import by_parts, chebyshev, require_real

__all__ = ["airy_ai"]

_LOW, _HIGH = -4, 3  # between them by one series

# Ai from -4 to 3; 2 sqrt(pi) x^(1/4) exp(z) Ai(x) beyond, in 1 / z with
# z = 2/3 x^(3/2); and below, in 1 / z^2, the amplitudes P and z Q of DLMF 9.7.9.
_MIDDLE = (
    0.04263815223978171, 0.12937422206153995, -0.25663726341989257,
    5.8370472697495884e-05, 0.19454000561940996, -0.12391078992057646,
    0.0004958464863426625, 0.033609372819465785, -0.015236347367217927,
    6.918185089614781e-05, 0.002387100440071164, -0.0008645828839097886,
    1.3408061398141595e-06, 9.319619514228301e-05, -2.8324249595210523e-05,
    -6.883725231435978e-08, 2.3051982375622895e-06, -6.047850669654605e-07,
    -3.9514927971161225e-09, 3.9372271322057134e-08, -9.08763842996567e-09,
    -9.517140591763344e-11, 4.922118710370433e-10, -1.0133804786902419e-10,
    -1.4354087235492521e-12, 4.698213044042976e-12, -8.719907848649057e-13,
    -1.5348236000731322e-14, 3.5355915368679815e-14, -5.965697533513744e-15,
    -1.2409553117280003e-16, 2.1512577247991425e-16, -3.32280452235903e-17,
    -7.905468214442587e-19, 1.080107194353121e-18,
)  # fmt: skip
_RIGHT = (
    0.9909253278629121, -0.008787979198916314, 0.0002708640061605207,
    -1.46317247353397e-05, 1.0852260208359393e-06, -9.972552056312785e-08,
    1.0739090386447278e-08, -1.309259653125608e-09, 1.765607635969083e-10,
    -2.5904351203535138e-11, 4.084102938847913e-12, -6.853850259533148e-13,
    1.2151224622938065e-13, -2.2621141137901326e-14, 4.399957412572512e-15,
    -8.904529694172307e-16, 1.868404039422278e-16, -4.052458927104195e-17,
    9.06199842241024e-18, -2.084502130654815e-18,
)  # fmt: skip
_P = (
    0.9993708890742778, -0.0006216836584374116, 7.181193774368645e-06,
    -2.316269813501758e-07, 1.3216283888528755e-08, -1.0938736172758127e-09,
    1.1794620737908535e-10, -1.5518841909929856e-11, 2.386927411492466e-12,
    -4.16552889201035e-13, 8.071678110741467e-14, -1.708757321110567e-14,
    3.902945148540815e-15, -9.523976784907064e-16, 2.4632810885752603e-16,
    -6.709077463464858e-17, 1.913939683718707e-17, -5.69308436211377e-18,
    1.75895281622296e-18,
)  # fmt: skip
_Q = (
    0.06882170556308001, -0.0006089151840832694, 1.3174151014089972e-05,
    -6.014071912908298e-07, 4.327537342298499e-08, -4.247731732954726e-09,
    5.232285376834493e-10, -7.672290975115024e-11, 1.2923809452698712e-11,
    -2.43852975710829e-12, 5.059047237872084e-13, -1.1378513792256329e-13,
    2.7441377308322258e-14, -7.03448211263258e-15, 1.9032114367198917e-15,
    -5.403040541409308e-16, 1.6016711026585234e-16, -4.9375274403528065e-17,
    1.5773435797781153e-17, -5.206129581838458e-18, 1.7706787947400164e-18,
    -6.191669620783275e-19, 2.2214932182107093e-19, -8.163522026177264e-20,
)  # fmt: skip


def _phase(x: Any) -> Any:
    return x**1.5 * (2 / 3)


_LEAST, _NEAREST = 1 / _phase(_HIGH), 1 / _phase(-_LOW) ** 2


def _middle(xp: Any, x: Any) -> Any:
    return chebyshev(x, _LOW, _HIGH, _MIDDLE)


def _right(xp: Any, x: Any) -> Any:
    z = _phase(x)
    amplitude = chebyshev(1 / z, 0, _LEAST, _RIGHT)
    return amplitude * xp.exp(-z) / (2 * math.sqrt(math.pi) * x**0.25)


def _left(xp: Any, x: Any) -> Any:
    z = _phase(-x)
    inverse = (1 / z) ** 2
    p = chebyshev(inverse, 0, _NEAREST, _P)
    q = chebyshev(inverse, 0, _NEAREST, _Q) / z
    # The phase z - pi/4 taken apart.
    sin, cos = xp.sin(z), xp.cos(z)
    wave = p * (cos + sin) + q * (sin - cos)
    return wave / (math.sqrt(2 * math.pi) * (-x) ** 0.25)


_airy_ai = op("airy_ai", kind=ELEMENTWISE, promote="float", infer=like_input)


@_airy_ai.forward
def airy_ai_forward(xp: Any, x: Any) -> Any:
    wide = x.astype(np.float64)
    return by_parts(
        xp,
        [wide],
        (xp.isinf(wide), 0.0),
        (wide > _HIGH, _right),
        (wide < _LOW, _left),
        (xp.logical_not(xp.isnan(wide)), _middle),
    ).astype(x.dtype)


def airy_ai(input: Tensor) -> Tensor:
    """The Airy function Ai, the solution of ``y'' = x y`` that decays.

    Args:
        input: real, any shape; integers give the default floating dtype.

    Raises:
        RuntimeError: the input is complex.

    >>> lampas.special.airy_ai(lampas.tensor([0.0, 1.0]))
    tensor([0.3550, 0.1353])
    """
    require_real("airy_ai", input)
    return _airy_ai.call(input)

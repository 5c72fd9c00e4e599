"""Draws from the gamma and the Dirichlet distribution, with gradients.

The gradient of a draw is its slope at a fixed share of the distribution below it; see
:mod:`lampas.ops._sample_slopes`.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from lampas.backend.device import from_host, to_host
from lampas.dtypes import finfo
from lampas.engine.batching import pointwise
from lampas.engine.infer import broadcast, like_input
from lampas.engine.record import ALONG_AXIS, ELEMENTWISE, op
from lampas.engine.tensor import Tensor
from lampas.engine.tracer import by_example
from lampas.errors import DTypeError
from lampas.ops._arguments import source_of
from lampas.ops._sample_slopes import beta_logit_slope, gamma_slope
from lampas.ops._special import doubles, no_derivative
from lampas.random import Generator

__all__ = ["sample_dirichlet", "standard_gamma"]

_gamma = op("standard_gamma", kind=ELEMENTWISE, saves="x y", infer=like_input)
_gamma_slope = op("standard_gamma_slope", kind=ELEMENTWISE, infer=broadcast)
_dirichlet = op("dirichlet", kind=ALONG_AXIS, saves="x y", infer=like_input)
_dirichlet_slope = op("dirichlet_slope", kind=ALONG_AXIS, infer=like_input)


def _given(xp: Any, x: Any, drawn: Any) -> Any:
    """What was drawn, for each example of a batch."""
    return xp.broadcast_to(drawn, x.shape).astype(x.dtype)


@_gamma.forward
def standard_gamma_forward(xp: Any, x: Any, *, drawn: Any) -> Any:
    return _given(xp, x, drawn)


@_gamma.vjp
def standard_gamma_vjp(F: Any, g: Any, x: Any, y: Any, *, need: Any, drawn: Any) -> Any:
    return (g * F.standard_gamma_slope(x, y),)


@_gamma_slope.forward
def standard_gamma_slope_forward(xp: Any, x: Any, other: Any) -> Any:
    a, z, dtype = doubles(xp, x, other)
    return gamma_slope(xp, a, z).astype(dtype)


@_gamma_slope.vjp
def standard_gamma_slope_vjp(F: Any, g: Any, *, need: Any) -> Any:
    raise no_derivative("the gradient of a gamma draw", "its concentration")


@_dirichlet.forward
def dirichlet_forward(xp: Any, x: Any, *, drawn: Any) -> Any:
    return _given(xp, x, drawn)


@_dirichlet.vjp
def dirichlet_vjp(F: Any, g: Any, x: Any, y: Any, *, need: Any, drawn: Any) -> Any:
    # A larger concentration raises its own share; the others keep their proportions.
    mean = F.sum(g * y, dim=(g.ndim - 1,), keepdim=True)
    return (F.dirichlet_slope(x, y) * (g - mean),)


@_dirichlet_slope.forward
def dirichlet_slope_forward(xp: Any, x: Any, other: Any) -> Any:
    """The slope of each share by its concentration, over one less the share."""
    a, share, dtype = doubles(xp, x, other)
    rest = xp.sum(a, axis=-1, keepdims=True) - a
    # The rest of a share over a half is the sum of the others, without cancellation.
    small = xp.where(share < 0.5, share, 0)
    above = xp.where(share < 0.5, 1 - share, xp.sum(small, axis=-1, keepdims=True))
    tiny = float(np.finfo(np.float64).tiny)
    logit = xp.log(xp.maximum(share, tiny)) - xp.log(xp.maximum(above, tiny))
    alone = rest <= 0
    slope = beta_logit_slope(xp, a, xp.where(alone, 1, rest), logit)
    return xp.where(alone, 0, share * slope).astype(dtype)


@_dirichlet_slope.vjp
def dirichlet_slope_vjp(F: Any, g: Any, *, need: Any) -> Any:
    raise no_derivative("the gradient of a Dirichlet draw", "its concentration")


# All dimensions but the last are batches to a Dirichlet distribution.
pointwise(_gamma, _gamma_slope, _dirichlet, _dirichlet_slope)


def numpys(generator: Generator | None) -> np.random.Generator:
    """NumPy's generator, of a stream that the next words of ours choose."""
    words = source_of(generator).bits(2)
    return np.random.Generator(np.random.Philox(key=words))


def _floats(name: str, concentration: Tensor) -> np.ndarray:
    if not concentration.is_floating_point():
        raise DTypeError(
            f"{name}: concentration must be floating, got {concentration.dtype}"
        )
    return to_host(concentration._data).astype(np.float64)


def _log_draws(source: np.random.Generator, shape: np.ndarray) -> np.ndarray:
    """Logarithms of gamma draws; NaN where the shape is not positive.

    Small shapes are drawn one higher and scaled by ``u^(1 / shape)``, as a logarithm,
    which cannot underflow.
    """
    known = shape > 0
    small = known & (shape < 1)
    raised = np.where(small, shape + 1, np.where(known, shape, 1))
    logs = np.log(source.standard_gamma(raised))
    waits = source.standard_exponential(shape.shape)
    logs -= np.where(small, waits / np.where(small, shape, 1), 0)
    return np.where(known, logs, math.nan)


@by_example
def standard_gamma(
    concentration: Tensor, *, generator: Generator | None = None
) -> Tensor:
    """Draws from gamma distributions of rate 1, with gradients.

    Args:
        concentration: positive, floating; 0 gives 0.
        generator: where to draw; the default generator by default.

    Returns:
        One draw each, at least the smallest normal number of the dtype.

    Raises:
        RuntimeError: the concentration is not floating.

    >>> import lampas
    >>> standard_gamma(lampas.ones(3)).shape
    lampas.Size([3])
    """
    shape = _floats("standard_gamma", concentration)
    drawn = np.exp(_log_draws(numpys(generator), shape))
    drawn = np.maximum(drawn, finfo(concentration.dtype).tiny)
    drawn = np.where(shape == 0, 0, drawn)
    return _gamma.call(concentration, drawn=from_host(drawn, concentration.device))


@by_example
def sample_dirichlet(
    concentration: Tensor, *, generator: Generator | None = None
) -> Tensor:
    """Draws from Dirichlet distributions along the last dimension, with gradients.

    Args:
        concentration: (..., n), positive, floating.
        generator: where to draw; the default generator by default.

    Returns:
        Shares that sum to 1 along the last dimension.

    Raises:
        RuntimeError: the concentration is not floating.

    >>> import lampas
    >>> round(sample_dirichlet(lampas.ones(3)).sum().item(), 4)
    1.0
    """
    shape = _floats("sample_dirichlet", concentration)
    logs = _log_draws(numpys(generator), shape)
    if logs.size:
        logs -= logs.max(axis=-1, keepdims=True)
    weights = np.exp(logs)
    drawn = weights / weights.sum(axis=-1, keepdims=True)
    return _dirichlet.call(concentration, drawn=from_host(drawn, concentration.device))

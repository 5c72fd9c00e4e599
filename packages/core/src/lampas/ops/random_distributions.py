"""Fills with numbers drawn from less common distributions."""

from __future__ import annotations

import math

import numpy as np

from lampas.engine.tensor import Tensor, method
from lampas.errors import DTypeError
from lampas.ops._arguments import source_of
from lampas.ops.random import ProbabilityError
from lampas.ops.random_fill import drawing_dtype, refill
from lampas.random import Generator

__all__: list[str] = []


@method("cauchy_")
def _cauchy(
    self: Tensor,
    median: float = 0.0,
    sigma: float = 1.0,
    *,
    generator: Generator | None = None,
) -> Tensor:
    """Fill with numbers drawn from a Cauchy distribution.

    Args:
        median: the middle of the distribution.
        sigma: half of its width at half of its height, positive.
        generator: where to draw; the default generator by default.

    Raises:
        RuntimeError: ``sigma`` is not positive, or the tensor is not floating.
    """
    drawing_dtype(self, "cauchy_")
    if not sigma > 0:
        raise ProbabilityError(f"cauchy_: sigma must be positive, got {sigma}")
    source, shape = source_of(generator), self._data.shape

    def draw() -> np.ndarray:
        drawn = source.uniform(shape, np.float64)
        return median + sigma * np.tan(math.pi * (drawn - 0.5))

    # Halves may overflow.
    with np.errstate(over="ignore"):
        return refill(self, "cauchy", draw)


@method("log_normal_")
def _log_normal(
    self: Tensor,
    mean: float = 1.0,
    std: float = 2.0,
    *,
    generator: Generator | None = None,
) -> Tensor:
    """Fill with the exponentials of numbers drawn from a normal distribution.

    Args:
        mean, std: of the logarithms; ``std`` is positive.
        generator: where to draw; the default generator by default.

    Raises:
        RuntimeError: ``std`` is not positive, or the tensor is not floating.
    """
    drawing_dtype(self, "log_normal_")
    if not std > 0:
        raise ProbabilityError(f"log_normal_: std must be positive, got {std}")
    source, shape = source_of(generator), self._data.shape

    def draw() -> np.ndarray:
        return np.exp(source.normal(shape, np.float64) * std + mean)

    with np.errstate(over="ignore"):
        return refill(self, "log_normal", draw)


@method("geometric_")
def _geometric(self: Tensor, p: float, *, generator: Generator | None = None) -> Tensor:
    """Fill with how many trials it took until the first success.

    Args:
        p: the chance of success of each trial, in (0, 1).
        generator: where to draw; the default generator by default.

    Raises:
        RuntimeError: ``p`` is outside (0, 1), or the tensor is bool or complex.
    """
    if self._data.dtype.kind in "bc":
        raise DTypeError(f"geometric_ is not implemented for {self.dtype}")
    if not 0 < p < 1:
        raise ProbabilityError(f"geometric_: p must lie in (0, 1), got {p}")
    source, into = source_of(generator), self._data

    def draw() -> np.ndarray:
        waits = source.exponential(into.shape, np.float64)
        # Exponential waiting times, counted in whole trials.
        trials = np.floor(waits / -math.log1p(-p)) + 1
        if into.dtype.kind in "iu":
            trials = np.minimum(trials, np.iinfo(into.dtype).max)
        return trials

    with np.errstate(over="ignore"):
        return refill(self, "geometric", draw)

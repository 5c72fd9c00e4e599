"""Methods that fill a tensor, in place, with random numbers."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from lampas import random as _random
from lampas.backend.device import to_host
from lampas.engine.tensor import ASSIGN, Tensor, method
from lampas.errors import ArgumentTypeError, DTypeError
from lampas.ops._arguments import source_of
from lampas.ops.create import placed
from lampas.ops.random import ProbabilityError, check_probabilities, joined

__all__ = ["drawing_dtype", "refill", "scaled"]


def refill(self: Tensor, name: str, draw: Callable[[], np.ndarray]) -> Tensor:
    """Draw an array and store it, cast, in a tensor."""

    def drawn(before: Tensor) -> Tensor:
        return placed(draw().astype(before._data.dtype, copy=False), before.device)

    drawn.__name__ = name
    return ASSIGN[0](self, drawn, (), {})


def drawing_dtype(self: Tensor, name: str) -> np.dtype:
    """The dtype to draw in, which must be floating."""
    if not self.is_floating_point():
        raise DTypeError(f"{name}: the tensor must be floating, got {self.dtype}")
    return self._data.dtype


def _own_parts(self: Tensor, name: str) -> tuple[tuple[int, ...], np.dtype]:
    """Shape and dtype of the real numbers to draw: two for each complex one."""
    if self.is_complex():
        return (*self._data.shape, 2), self.dtype.to_real().numpy
    return self._data.shape, drawing_dtype(self, name)


@method("uniform_")
def _uniform(
    self: Tensor,
    from_: float = 0.0,
    to: float = 1.0,
    *,
    generator: _random.Generator | None = None,
    **bounds: float,
) -> Tensor:
    """Fill with numbers drawn evenly from [from, to), in both parts of complex ones.

    Raises:
        RuntimeError: ``from`` is greater than ``to``.
    """
    low = bounds.pop("from", from_)
    if bounds:
        raise ArgumentTypeError(f"uniform_: unknown argument {next(iter(bounds))!r}")
    if low > to:
        raise ProbabilityError(f"uniform_: from must not exceed to, got {low} and {to}")
    shape, kind = _own_parts(self, "uniform_")
    source = source_of(generator)

    def draw() -> np.ndarray:
        drawn = scaled(source.uniform(shape, kind), to - low, low)
        return joined(drawn, self.dtype)

    return refill(self, "uniform", draw)


def scaled(drawn: np.ndarray, factor: float, offset: float) -> np.ndarray:
    """``drawn * factor + offset`` in the memory of ``drawn``."""
    if factor != 1:
        drawn *= drawn.dtype.type(factor)
    if offset != 0:
        drawn += drawn.dtype.type(offset)
    return drawn


@method("normal_")
def _normal(
    self: Tensor,
    mean: float = 0.0,
    std: float = 1.0,
    *,
    generator: _random.Generator | None = None,
) -> Tensor:
    """Fill with numbers drawn from a normal distribution.

    The parts of complex numbers have half of the variance each, as :func:`randn` has.

    Raises:
        RuntimeError: ``std`` is negative.
    """
    if std < 0:
        raise ProbabilityError(f"normal_: std must not be negative, got {std}")
    shape, kind = _own_parts(self, "normal_")
    width = std * math.sqrt(0.5) if self.is_complex() else std
    source = source_of(generator)

    def draw() -> np.ndarray:
        return joined(scaled(source.normal(shape, kind), width, mean), self.dtype)

    return refill(self, "normal", draw)


@method("exponential_")
def _exponential(
    self: Tensor, lambd: float = 1.0, *, generator: _random.Generator | None = None
) -> Tensor:
    """Fill with numbers drawn from an exponential distribution of rate ``lambd``.

    Raises:
        RuntimeError: ``lambd`` is not positive.
    """
    if lambd <= 0:
        raise ProbabilityError(f"exponential_: lambd must be positive, got {lambd}")
    kind = drawing_dtype(self, "exponential_")
    source, shape = source_of(generator), self._data.shape

    def draw() -> np.ndarray:
        return scaled(source.exponential(shape, kind), 1 / lambd, 0)

    return refill(self, "exponential", draw)


@method("bernoulli_")
def _bernoulli(
    self: Tensor,
    p: Tensor | float = 0.5,
    *,
    generator: _random.Generator | None = None,
) -> Tensor:
    """Fill with ones, with probability ``p``, and zeros.

    Raises:
        RuntimeError: ``p`` is outside [0, 1].
    """
    chance = np.asarray(to_host(p._data) if isinstance(p, Tensor) else p, np.float64)
    check_probabilities("bernoulli_", chance)
    source, shape = source_of(generator), self._data.shape
    return refill(self, "bernoulli", lambda: source.bernoulli_mask(chance, shape))


@method("random_")
def _random_integers(
    self: Tensor,
    from_: int = 0,
    to: int | None = None,
    *,
    generator: _random.Generator | None = None,
    **bounds: int,
) -> Tensor:
    """Fill with integers drawn evenly from ``from`` up to, without, ``to``.

    ``random_(to)`` starts at 0; without bounds integers that the dtype holds exactly
    are drawn.

    Raises:
        RuntimeError: the range is empty.
    """
    low = bounds.pop("from", from_)
    if to is None:
        low, to = (0, low) if low else (0, _whole_limit(self._data.dtype))
    if low >= to:
        raise ProbabilityError(f"random_: from must be less than to: {low}, {to}")
    source, shape = source_of(generator), self._data.shape
    return refill(self, "random", lambda: source.integers(low, to, shape))


def _whole_limit(dtype: np.dtype) -> int:
    if dtype.kind == "b":
        return 2
    if dtype.kind in "iu":
        return int(np.iinfo(dtype).max) + (dtype.itemsize < 8)
    return {2: 2**8, 4: 2**24, 8: 2**53}[dtype.itemsize]

"""Random tensors, drawn from a :class:`lampas.Generator`."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from lampas import random as _random
from lampas.backend.device import Device, to_host
from lampas.dtypes import DType, as_dtype, get_default_dtype
from lampas.engine.creation import creates
from lampas.engine.tensor import Tensor, method, wrap
from lampas.engine.tracer import by_example
from lampas.errors import (
    ArgumentTypeError,
    DTypeError,
    LampasError,
    ShapeError,
)
from lampas.ops._arguments import sizes_of, source_of
from lampas.ops.create import placed

__all__ = [
    "bernoulli",
    "multinomial",
    "normal",
    "rand",
    "rand_like",
    "randint",
    "randint_like",
    "randn",
    "randn_like",
    "randperm",
]


class ProbabilityError(LampasError, RuntimeError):
    """Numbers that should be probabilities or spreads are not."""


def _unwrapped(state: Any) -> Any:
    return to_host(state._data) if isinstance(state, Tensor) else state


# States of generators travel as tensors of bytes, as PyTorch's do.
_random._wrap_state[0], _random._unwrap_state[0] = wrap, _unwrapped


def _float_of(name: str, dtype: DType | None) -> np.dtype:
    kind = as_dtype(get_default_dtype() if dtype is None else dtype)
    if not kind.is_floating_point:
        raise DTypeError(f"{name}: dtype must be floating, got {kind}")
    return kind.numpy


def _shape_of(size: tuple[Any, ...]) -> tuple[int, ...]:
    shape = sizes_of(size)
    for length in shape:
        if length < 0:
            raise ShapeError(f"sizes must not be negative, got {shape}")
    return shape


def _parts(
    name: str, size: tuple[Any, ...], dtype: DType | None
) -> tuple[tuple[int, ...], np.dtype]:
    """Shape and dtype of the real numbers to draw: two for each complex one."""
    shape = _shape_of(size)
    if dtype is not None and as_dtype(dtype).is_complex:
        return (*shape, 2), as_dtype(dtype).to_real().numpy
    return shape, _float_of(name, dtype)


def joined(drawn: np.ndarray, dtype: DType | None) -> np.ndarray:
    """Pairs of reals as complex numbers, if these were asked for."""
    if dtype is None or not as_dtype(dtype).is_complex:
        return drawn
    return drawn.view(as_dtype(dtype).numpy)[..., 0]


@by_example
@creates
def rand(
    *size: Any,
    generator: _random.Generator | None = None,
    dtype: DType | None = None,
    layout: Any = None,
    device: Device | str | None = None,
    requires_grad: bool = False,
    pin_memory: bool = False,
) -> Tensor:
    """Numbers drawn evenly from [0, 1).

    Args:
        size: sizes, one by one or as a tuple.
        generator: where to draw; the default generator by default.
        dtype: floating or complex; the default one by default.
        device, requires_grad: as for :func:`lampas.tensor`.
        layout, pin_memory: accepted and without effect.

    >>> lampas.rand(2, 3).shape
    lampas.Size([2, 3])
    """
    shape, parts = _parts("rand", size, dtype)
    drawn = source_of(generator).uniform(shape, parts)
    return placed(joined(drawn, dtype), device, requires_grad)


@by_example
@creates
def randn(
    *size: Any,
    generator: _random.Generator | None = None,
    dtype: DType | None = None,
    layout: Any = None,
    device: Device | str | None = None,
    requires_grad: bool = False,
    pin_memory: bool = False,
) -> Tensor:
    """Numbers drawn from the normal distribution with mean 0 and variance 1.

    Arguments as for :func:`rand`; complex numbers have half of it in each part.

    >>> lampas.randn(2, 3).shape
    lampas.Size([2, 3])
    """
    shape, parts = _parts("randn", size, dtype)
    drawn = source_of(generator).normal(shape, parts)
    if len(shape) > len(_shape_of(size)):
        drawn *= drawn.dtype.type(math.sqrt(0.5))
    return placed(joined(drawn, dtype), device, requires_grad)


@by_example
@creates
def randint(
    low: int,
    high: Any = None,
    size: Any = None,
    *,
    generator: _random.Generator | None = None,
    dtype: DType | None = None,
    layout: Any = None,
    device: Device | str | None = None,
    requires_grad: bool = False,
) -> Tensor:
    """Integers drawn evenly from ``low`` (0 if left out) up to, without, ``high``.

    Args:
        low, high: the range; ``randint(high, size)`` is the short form.
        size: the sizes, a tuple.
        generator: where to draw; the default generator by default.
        dtype: int64 by default.
        device, requires_grad: as for :func:`lampas.tensor`.
        layout: accepted and without effect.

    Raises:
        RuntimeError: the range is empty.

    >>> lampas.randint(10, (2, 3)).shape
    lampas.Size([2, 3])
    """
    if isinstance(high, (tuple, list)):
        low, high, size = 0, low, high
    elif high is None:
        low, high = 0, low
    if size is None:
        raise ArgumentTypeError("randint: size is missing")
    if not low < high:
        raise ShapeError(f"randint: low must be less than high, got {low} and {high}")
    kind = as_dtype(np.int64 if dtype is None else dtype).numpy
    drawn = source_of(generator).integers(low, high, _shape_of((tuple(size),)))
    return placed(drawn.astype(kind, copy=False), device, requires_grad)


@by_example
@creates
def randperm(
    n: int,
    *,
    generator: _random.Generator | None = None,
    dtype: DType | None = None,
    layout: Any = None,
    device: Device | str | None = None,
    requires_grad: bool = False,
    pin_memory: bool = False,
) -> Tensor:
    """The numbers 0 to ``n - 1`` in random order.

    Args:
        n: how many.
        generator: where to draw; the default generator by default.
        dtype: int64 by default.
        device, requires_grad: as for :func:`lampas.tensor`.
        layout, pin_memory: accepted and without effect.

    Raises:
        RuntimeError: ``n`` is negative.

    >>> sorted(lampas.randperm(4).tolist())
    [0, 1, 2, 3]
    """
    if n < 0:
        raise ShapeError(f"randperm: n must not be negative, got {n}")
    kind = as_dtype(np.int64 if dtype is None else dtype).numpy
    drawn = source_of(generator).permutation(n).astype(kind, copy=False)
    return placed(drawn, device, requires_grad)


@by_example
@creates
def rand_like(
    input: Tensor,
    *,
    generator: _random.Generator | None = None,
    dtype: DType | None = None,
    layout: Any = None,
    device: Device | str | None = None,
    requires_grad: bool = False,
    memory_format: Any = None,
) -> Tensor:
    """:func:`rand` with the shape, dtype and device of ``input``.

    >>> lampas.rand_like(lampas.zeros(2, 3)).shape
    lampas.Size([2, 3])
    """
    return rand(
        input._data.shape,
        generator=generator,
        dtype=input.dtype if dtype is None else dtype,
        device=input.device if device is None else device,
        requires_grad=requires_grad,
    )


@by_example
@creates
def randn_like(
    input: Tensor,
    *,
    generator: _random.Generator | None = None,
    dtype: DType | None = None,
    layout: Any = None,
    device: Device | str | None = None,
    requires_grad: bool = False,
    memory_format: Any = None,
) -> Tensor:
    """:func:`randn` with the shape, dtype and device of ``input``.

    >>> lampas.randn_like(lampas.zeros(2, 3)).shape
    lampas.Size([2, 3])
    """
    return randn(
        input._data.shape,
        generator=generator,
        dtype=input.dtype if dtype is None else dtype,
        device=input.device if device is None else device,
        requires_grad=requires_grad,
    )


@by_example
@creates
def randint_like(
    input: Tensor,
    low: int,
    high: int | None = None,
    *,
    generator: _random.Generator | None = None,
    dtype: DType | None = None,
    layout: Any = None,
    device: Device | str | None = None,
    requires_grad: bool = False,
    memory_format: Any = None,
) -> Tensor:
    """:func:`randint` with the shape, dtype and device of ``input``.

    >>> lampas.randint_like(lampas.zeros(2, 3), 10).shape
    lampas.Size([2, 3])
    """
    if high is None:
        low, high = 0, low
    return randint(
        low,
        high,
        tuple(input._data.shape),
        generator=generator,
        dtype=input.dtype if dtype is None else dtype,
        device=input.device if device is None else device,
        requires_grad=requires_grad,
    )


@by_example
@creates
def normal(
    mean: Tensor | float,
    std: Tensor | float = 1.0,
    size: Any = None,
    *,
    generator: _random.Generator | None = None,
    dtype: DType | None = None,
    layout: Any = None,
    device: Device | str | None = None,
    requires_grad: bool = False,
    pin_memory: bool = False,
) -> Tensor:
    """Numbers drawn from normal distributions.

    Args:
        mean, std: numbers, or tensors that broadcast against each other.
        size: the sizes, if both are numbers.
        generator: where to draw; the default generator by default.
        dtype, device, requires_grad: as for :func:`lampas.tensor`.
        layout, pin_memory: accepted and without effect.

    Raises:
        RuntimeError: ``std`` is negative.

    >>> lampas.normal(0.0, 1.0, (2,)).shape
    lampas.Size([2])
    """
    parts = [to_host(v._data) if isinstance(v, Tensor) else v for v in (mean, std)]
    if np.any(np.asarray(parts[1]) < 0):
        raise ProbabilityError(f"normal: std must not be negative, got {std}")
    tensors = [v for v in (mean, std) if isinstance(v, Tensor)]
    if not tensors and size is None:
        raise ArgumentTypeError("normal: size is missing: mean and std are numbers")
    if tensors:
        dtype, device = tensors[0].dtype, tensors[0].device
        shape = np.broadcast_shapes(*(np.shape(p) for p in parts))
    else:
        shape = _shape_of((tuple(size),))
    kind = _float_of("normal", dtype)
    drawn = source_of(generator).normal(shape, kind)
    result = (drawn * parts[1] + parts[0]).astype(kind)
    return placed(np.asarray(result), device, requires_grad)


@method()
@by_example
@creates
def bernoulli(input: Tensor, *, generator: _random.Generator | None = None) -> Tensor:
    """Draw ones with the given probabilities, else zeros.

    Args:
        input: probabilities in [0, 1], floating.
        generator: where to draw; the default generator by default.

    Raises:
        RuntimeError: an element is outside [0, 1] or the dtype is not floating.

    >>> lampas.bernoulli(lampas.tensor([0.0, 1.0]))
    tensor([0., 1.])
    """
    if not input.is_floating_point():
        raise DTypeError(f"bernoulli: input must be floating, got {input.dtype}")
    chance = to_host(input._data).astype(np.float64)
    check_probabilities("bernoulli", chance)
    drawn = source_of(generator).bernoulli_mask(chance, chance.shape)
    return placed(drawn.astype(input._data.dtype), input.device)


def check_probabilities(name: str, chance: np.ndarray) -> None:
    """Refuse numbers outside [0, 1]."""
    if not ((chance >= 0) & (chance <= 1)).all():
        raise ProbabilityError(f"{name}: probabilities must lie in [0, 1]")


@method()
@by_example
@creates
def multinomial(
    input: Tensor,
    num_samples: int,
    replacement: bool = False,
    *,
    generator: _random.Generator | None = None,
) -> Tensor:
    """Draw positions with probabilities in proportion to weights.

    Args:
        input: weights, 1-d or rows of a matrix; not negative, each row with a
            positive sum.
        num_samples: how many positions from each row.
        replacement: whether a position may be drawn again.
        generator: where to draw; the default generator by default.

    Returns:
        Positions (int64), ``num_samples`` from each row.

    Raises:
        RuntimeError: weights are negative or infinite, sum to zero, or there are
            fewer positive ones than samples without replacement.

    >>> lampas.multinomial(lampas.tensor([0.0, 1.0]), 3, replacement=True)
    tensor([1, 1, 1])
    """
    weights = to_host(input._data)
    if weights.ndim not in (1, 2) or not input.is_floating_point():
        raise ProbabilityError(
            "multinomial: input must be floating with 1 or 2 dimensions, got "
            f"{input.dtype} of shape {tuple(input.shape)}"
        )
    weights = np.atleast_2d(weights).astype(np.float64)
    if num_samples <= 0:
        raise ProbabilityError(
            f"multinomial: num_samples must be positive, got {num_samples}"
        )
    if not (np.isfinite(weights) & (weights >= 0)).all():
        raise ProbabilityError("multinomial: weights must be finite, not negative")
    if (weights.sum(axis=1) <= 0).any():
        raise ProbabilityError("multinomial: weights of a row must not sum to zero")
    if not replacement and ((weights > 0).sum(axis=1) < num_samples).any():
        raise ProbabilityError(
            f"multinomial: can't draw {num_samples} samples without replacement from "
            "fewer positive weights"
        )
    draw = _with_replacement if replacement else _without_replacement
    found = draw(weights, num_samples, source_of(generator))
    return placed(found[0] if input._data.ndim == 1 else found, input.device)


def _with_replacement(
    weights: np.ndarray, count: int, source: _random.Generator
) -> np.ndarray:
    """Where uniform numbers fall among the running sums of the weights."""
    sums = weights.cumsum(axis=1)
    drawn = source.uniform((len(weights), count), np.float64) * sums[:, -1:]
    # The last position with weight bounds what rounding may add.
    last = weights.shape[1] - 1 - np.argmax(weights[:, ::-1] > 0, axis=1)
    rows = [np.searchsorted(s, u, side="right") for s, u in zip(sums, drawn)]
    return np.minimum(np.stack(rows), last[:, None]).astype(np.int64)


def _without_replacement(
    weights: np.ndarray, count: int, source: _random.Generator
) -> np.ndarray:
    """The first arrivals of exponential clocks whose rates are the weights."""
    clocks = source.exponential(weights.shape, np.float64)
    with np.errstate(divide="ignore"):
        arrivals = np.where(weights > 0, clocks / weights, math.inf)
    return np.argsort(arrivals, axis=1, kind="stable")[:, :count].astype(np.int64)

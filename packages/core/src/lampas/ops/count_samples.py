"""Random counts: Poisson and binomial."""

from __future__ import annotations

import numpy as np

from lampas.backend.device import to_host
from lampas.engine.creation import creates
from lampas.engine.tensor import Tensor
from lampas.engine.tracer import by_example
from lampas.errors import DTypeError
from lampas.ops.create import placed
from lampas.ops.gamma_samples import numpys
from lampas.ops.random import ProbabilityError
from lampas.random import Generator

__all__ = ["binomial", "poisson"]

_MANY = 1e15  # from here on a float64 no longer tells a count from a normal draw


def _floats(name: str, argument: str, value: Tensor) -> np.ndarray:
    if not value.is_floating_point():
        raise DTypeError(f"{name}: {argument} must be floating, got {value.dtype}")
    return to_host(value._data).astype(np.float64)


@by_example
@creates
def poisson(input: Tensor, generator: Generator | None = None) -> Tensor:
    """Draw counts from Poisson distributions.

    Args:
        input: the rates, floating, not negative.
        generator: where to draw; the default generator by default.

    Returns:
        Counts, with the shape and dtype of ``input``.

    Raises:
        RuntimeError: a rate is negative or NaN, or the dtype is not floating.

    >>> lampas.poisson(lampas.zeros(2))
    tensor([0., 0.])
    """
    rate = _floats("poisson", "input", input)
    if not (rate >= 0).all():
        raise ProbabilityError("poisson: rates must not be negative or NaN")
    source, many = numpys(generator), rate > _MANY
    drawn = np.asarray(source.poisson(np.where(many, 0, rate)), np.float64)
    if many.any():
        high = rate[many]
        noise = source.standard_normal(high.shape)
        # An infinite rate stays infinite.
        width = np.sqrt(np.where(np.isinf(high), 0, high))
        drawn[many] = high + width * noise
    with np.errstate(over="ignore"):
        return placed(np.asarray(drawn.astype(input._data.dtype)), input.device)


@by_example
@creates
def binomial(count: Tensor, prob: Tensor, generator: Generator | None = None) -> Tensor:
    """Draw how many of ``count`` trials succeed with the chance ``prob`` each.

    Args:
        count: numbers of trials, floating; at most 2**53.
        prob: chances, floating, in [0, 1]; broadcasts against ``count``.
        generator: where to draw; the default generator by default.

    Returns:
        Counts, of the dtype of ``count``.

    Raises:
        RuntimeError: a dtype is not floating, the dtypes differ, a chance is outside
            [0, 1], or a number of trials is negative, NaN or too large.

    >>> lampas.binomial(lampas.tensor([3.0, 3.0]), lampas.tensor([0.0, 1.0]))
    tensor([0., 3.])
    """
    trials, chance = (
        _floats("binomial", "count", count),
        _floats("binomial", "prob", prob),
    )
    if count.dtype != prob.dtype:
        raise DTypeError(
            f"binomial: count and prob must have one dtype, got {count.dtype} and "
            f"{prob.dtype}"
        )
    if not ((chance >= 0) & (chance <= 1)).all():
        raise ProbabilityError("binomial: prob must lie in [0, 1]")
    if not ((trials >= 0) & (trials <= 2.0**53)).all():
        raise ProbabilityError("binomial: count must lie in [0, 2**53]")
    drawn = numpys(generator).binomial(trials.astype(np.int64), chance)
    return placed(np.asarray(drawn).astype(count._data.dtype), count.device)

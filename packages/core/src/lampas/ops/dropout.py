"""Dropout: elements set to zero at random, the others scaled up."""

from __future__ import annotations

from typing import Any

from lampas.backend.device import from_host
from lampas.engine.batching import pointwise
from lampas.engine.infer import like_input
from lampas.engine.inplace import assign
from lampas.engine.record import LINEAR, op
from lampas.engine.tensor import Tensor, wrap
from lampas.engine.tracer import by_example
from lampas.errors import ArgumentError
from lampas.ops._arguments import source_of
from lampas.ops.mask import masked_fill
from lampas.random import Generator

__all__ = [
    "alpha_dropout",
    "dropout",
    "dropout1d",
    "dropout2d",
    "dropout3d",
    "feature_alpha_dropout",
]

_dropout = op("dropout", kind=LINEAR, fresh=True, infer=like_input)


@_dropout.forward
def dropout_forward(xp: Any, x: Any, *, keep: Any, scale: float) -> Any:
    y = x * keep
    y *= scale
    return y


@_dropout.vjp
def dropout_vjp(F: Any, g: Any, *, need: Any, keep: Any, scale: float) -> Any:
    return (F.dropout(g, keep=keep, scale=scale),)


pointwise(_dropout)


def _check(p: float) -> None:
    if not 0.0 <= p <= 1.0:
        raise ArgumentError(
            f"dropout probability has to be between 0 and 1, but got {p}"
        )


def _mask(input: Tensor, shape: Any, p: float, generator: Generator | None) -> Any:
    """Which elements stay."""
    source = source_of(generator)
    keep = source.bernoulli_mask(1.0 - p, tuple(shape))
    return from_host(keep, input.device)


def _dropped(
    input: Tensor, shape: Any, p: float, generator: Generator | None
) -> Tensor:
    scale = 0.0 if p == 1.0 else 1.0 / (1.0 - p)
    keep = _mask(input, shape, p, generator)
    return _dropout.call(input, keep=keep, scale=scale)


@by_example
def dropout(
    input: Tensor,
    p: float = 0.5,
    training: bool = True,
    inplace: bool = False,
    generator: Generator | None = None,
) -> Tensor:
    """Set elements to zero with probability ``p``, scale the others by 1 / (1 - p).

    Args:
        input: any shape.
        p: the probability.
        training: False returns the input.
        inplace: store the result in ``input``.
        generator: source of randomness.

    Raises:
        ValueError: ``p`` is outside [0, 1].

    >>> lampas.dropout(lampas.ones(3), 1.0, True)
    tensor([0., 0., 0.])
    """
    _check(p)
    if inplace and training and p > 0:
        return assign(input, dropout, (p, True, False, generator), {})
    if not training or p == 0.0:
        return input
    return _dropped(input, input._data.shape, p, generator)


def _channels(
    name: str,
    n: int,
    input: Tensor,
    p: float,
    training: bool,
    inplace: bool,
    generator: Generator | None,
) -> Tensor:
    """Dropout of whole channels: of (N, C, ...), or of (C, ...) if unbatched."""
    _check(p)
    if not training or p == 0.0:
        return input
    shape = input._data.shape
    lead = 1 if len(shape) == n + 1 else 2
    mask_shape = (*shape[:lead], *(1,) * (len(shape) - lead))

    def drop(x: Tensor) -> Tensor:
        return _dropped(x, mask_shape, p, generator)

    drop.__name__ = name
    return assign(input, drop, (), {}) if inplace else drop(input)


@by_example
def dropout1d(
    input: Tensor,
    p: float = 0.5,
    training: bool = True,
    inplace: bool = False,
    generator: Generator | None = None,
) -> Tensor:
    """Dropout of whole channels of (N, C, L) or (C, L).

    >>> lampas.nn.functional.dropout1d(lampas.ones(1, 2), 1.0)
    tensor([[0., 0.]])
    """
    return _channels("dropout1d", 1, input, p, training, inplace, generator)


@by_example
def dropout2d(
    input: Tensor,
    p: float = 0.5,
    training: bool = True,
    inplace: bool = False,
    generator: Generator | None = None,
) -> Tensor:
    """Dropout of whole channels of (N, C, H, W); of (N, C, L) too, as PyTorch does.

    >>> lampas.nn.functional.dropout2d(lampas.ones(1, 1, 1, 2), 1.0)
    tensor([[[[0., 0.]]]])
    """
    return _channels("dropout2d", 0, input, p, training, inplace, generator)


@by_example
def dropout3d(
    input: Tensor,
    p: float = 0.5,
    training: bool = True,
    inplace: bool = False,
    generator: Generator | None = None,
) -> Tensor:
    """Dropout of whole channels of (N, C, D, H, W) or (C, D, H, W).

    >>> lampas.nn.functional.dropout3d(lampas.ones(1, 1, 1, 1), 1.0)
    tensor([[[[0.]]]])
    """
    return _channels("dropout3d", 3, input, p, training, inplace, generator)


# The value to which selu saturates: -scale * alpha.
_SATURATION = -1.7580993408473766


def _alpha(input: Tensor, shape: Any, p: float, generator: Generator | None) -> Tensor:
    """Dropped elements become selu's limit; mean and variance are kept."""
    keep = _mask(input, shape, p, generator)
    if p == 1.0:
        return input * 0.0
    a = ((1.0 - p) * (1 + p * _SATURATION**2)) ** -0.5
    kept = _dropout.call(input, keep=keep, scale=a)
    return masked_fill(kept, wrap(~keep), _SATURATION * a) - a * p * _SATURATION


@by_example
def alpha_dropout(
    input: Tensor,
    p: float = 0.5,
    training: bool = False,
    inplace: bool = False,
    generator: Generator | None = None,
) -> Tensor:
    """Dropout that keeps the mean and variance of selu's outputs.

    Args:
        input, p, training, inplace, generator: as for :func:`dropout`.

    >>> lampas.nn.functional.alpha_dropout(lampas.ones(2))
    tensor([1., 1.])
    """
    _check(p)
    if not training or p == 0.0:
        return input
    if inplace:
        return assign(input, alpha_dropout, (p, True, False, generator), {})
    return _alpha(input, input._data.shape, p, generator)


@by_example
def feature_alpha_dropout(
    input: Tensor,
    p: float = 0.5,
    training: bool = False,
    inplace: bool = False,
    generator: Generator | None = None,
) -> Tensor:
    """:func:`alpha_dropout` of whole channels of (N, C, ...).

    >>> lampas.nn.functional.feature_alpha_dropout(lampas.ones(1, 2))
    tensor([[1., 1.]])
    """
    _check(p)
    if not training or p == 0.0:
        return input
    if inplace:
        return assign(input, feature_alpha_dropout, (p, True, False, generator), {})
    shape = input._data.shape
    return _alpha(input, (*shape[:2], *(1,) * (len(shape) - 2)), p, generator)

"""Transforms of real vectors into points of the simplex."""

from __future__ import annotations

from typing import Any

from lampas.distributions import constraints
from lampas.distributions.transforms.base import Parameterless
from lampas.dtypes import finfo
from lampas.engine.tensor import Size, Tensor
from lampas.errors import ArgumentError
from lampas.ops.activation import logsigmoid
from lampas.ops.pad import pad
from lampas.ops.with_out import arange, sigmoid, softmax

__all__ = ["SoftmaxTransform", "StickBreakingTransform"]


def _vector(shape: Any) -> Size:
    if len(shape) < 1:
        raise ArgumentError("Too few dimensions on input: a vector is expected")
    return Size(shape)


class SoftmaxTransform(Parameterless):
    """``y = softmax(x)`` along the last dimension; the inverse is ``log``.

    Adding a constant to x changes nothing, so it has no Jacobian's determinant:
    for densities use :class:`StickBreakingTransform`.

    >>> import lampas
    >>> SoftmaxTransform()(lampas.zeros(2))
    tensor([0.5000, 0.5000])
    """

    domain = constraints.real_vector
    codomain = constraints.simplex

    def _call(self, x: Tensor) -> Tensor:
        return softmax(x, -1)

    def _inverse(self, y: Tensor) -> Tensor:
        return y.log()

    def forward_shape(self, shape: Any) -> Size:
        return _vector(shape)

    inverse_shape = forward_shape


class StickBreakingTransform(Parameterless):
    """n real numbers into a point of the simplex with n + 1 entries.

    Entry i breaks the share ``sigmoid(x[i] - log(n - i))`` off what the entries
    before have left of a stick of length 1; the last entry is the rest.

    >>> import lampas
    >>> StickBreakingTransform()(lampas.zeros(3))
    tensor([0.2500, 0.2500, 0.2500, 0.2500])
    """

    domain = constraints.real_vector
    codomain = constraints.simplex
    bijective = True

    def _left(self, like: Tensor, n: int) -> Tensor:
        """How many entries are still to come: n, n - 1, ... 1."""
        return arange(n, 0, -1, dtype=like.dtype, device=like.device)

    def _call(self, x: Tensor) -> Tensor:
        _vector(x.shape)
        x = x - self._left(x, x.shape[-1]).log()
        rests = sigmoid(-x).cumprod(-1)
        return pad(sigmoid(x), (0, 1), value=1.0) * pad(rests, (1, 0), value=1.0)

    def _inverse(self, y: Tensor) -> Tensor:
        # Summed from the end, small rests keep their digits.
        rests = y.flip(-1).cumsum(-1).flip(-1)[..., 1:]
        rests = rests.clamp(min=finfo(y.dtype).tiny)
        return y[..., :-1].log() - rests.log() + self._left(y, y.shape[-1] - 1).log()

    def log_abs_det_jacobian(self, x: Tensor, y: Tensor) -> Tensor:
        # Entry i is its share times the rests of all entries before.
        left = self._left(x, x.shape[-1])
        x = x - left.log()
        return (logsigmoid(x) + left * logsigmoid(-x)).sum(-1)

    def forward_shape(self, shape: Any) -> Size:
        shape = _vector(shape)
        return Size((*shape[:-1], shape[-1] + 1))

    def inverse_shape(self, shape: Any) -> Size:
        shape = _vector(shape)
        return Size((*shape[:-1], shape[-1] - 1))

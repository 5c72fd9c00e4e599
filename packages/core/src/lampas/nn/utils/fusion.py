"""A batch norm in evaluation mode folded into the layer before it."""

from __future__ import annotations

import copy
from typing import Any

from lampas.engine.modes import no_grad
from lampas.engine.tensor import Tensor
from lampas.errors import ArgumentError
from lampas.nn.parameter import Parameter

__all__ = [
    "fuse_conv_bn_eval",
    "fuse_conv_bn_weights",
    "fuse_linear_bn_eval",
    "fuse_linear_bn_weights",
]


def _check_modes(layer: Any, bn: Any) -> None:
    # PyTorch asserts here.
    assert not (layer.training or bn.training), (
        "fusion only for eval: call eval() first"
    )


def _factor(bn_rv: Tensor, bn_eps: float, bn_w: Tensor | None) -> Tensor:
    inverse = (bn_rv + bn_eps).rsqrt()
    return inverse if bn_w is None else bn_w * inverse


def _bias(
    bias: Tensor | None, mean: Tensor, factor: Tensor, bn_b: Tensor | None
) -> Tensor:
    shifted = (-mean if bias is None else bias - mean) * factor
    return shifted if bn_b is None else shifted + bn_b


def _parameters(weight: Tensor, like: Tensor, bias: Tensor) -> tuple[Tensor, Tensor]:
    trained = like.requires_grad
    dtype = like.dtype
    return (
        Parameter(weight.detach().to(dtype), requires_grad=trained),
        Parameter(bias.detach().to(dtype), requires_grad=trained),
    )


def fuse_conv_bn_weights(
    conv_w: Tensor,
    conv_b: Tensor | None,
    bn_rm: Tensor,
    bn_rv: Tensor,
    bn_eps: float,
    bn_w: Tensor | None,
    bn_b: Tensor | None,
    transpose: bool = False,
) -> tuple[Tensor, Tensor]:
    """Weight and bias of the convolution that does what convolution and norm did.

    ``w' = w * s`` and ``b' = (b - mean) * s + bias`` with
    ``s = weight / sqrt(var + eps)``.

    Args:
        conv_w, conv_b: of the convolution.
        bn_rm, bn_rv, bn_eps, bn_w, bn_b: running mean, running variance, eps, weight
            and bias of the norm.
        transpose: whether it is a transposed convolution (outputs are dimension 1).

    >>> import lampas
    >>> one, two = lampas.ones(1), lampas.tensor([2.0])
    >>> weight = lampas.ones(1, 1, 1)
    >>> w, b = fuse_conv_bn_weights(weight, None, two, one, 0.0, two, one)
    >>> w.tolist(), b.tolist()
    ([[[2.0]]], [-3.0])
    """
    with no_grad():
        factor = _factor(bn_rv, bn_eps, bn_w)
        shape = [1] * conv_w.ndim
        shape[1 if transpose else 0] = -1
        weight = conv_w * factor.reshape(shape)
        return _parameters(weight, conv_w, _bias(conv_b, bn_rm, factor, bn_b))


def fuse_linear_bn_weights(
    linear_w: Tensor,
    linear_b: Tensor | None,
    bn_rm: Tensor,
    bn_rv: Tensor,
    bn_eps: float,
    bn_w: Tensor | None,
    bn_b: Tensor | None,
) -> tuple[Tensor, Tensor]:
    """Weight and bias of the linear map that does what map and norm did.

    Args:
        linear_w, linear_b: of the map.
        bn_rm, bn_rv, bn_eps, bn_w, bn_b: as for :func:`fuse_conv_bn_weights`.

    >>> import lampas
    >>> one, two = lampas.ones(1), lampas.tensor([2.0])
    >>> w, b = fuse_linear_bn_weights(lampas.ones(1, 1), one, two, one, 0.0, two, one)
    >>> w.tolist(), b.tolist()
    ([[2.0]], [-1.0])
    """
    with no_grad():
        factor = _factor(bn_rv, bn_eps, bn_w)
        weight = linear_w * factor.unsqueeze(-1)
        return _parameters(weight, linear_w, _bias(linear_b, bn_rm, factor, bn_b))


def fuse_conv_bn_eval(conv: Any, bn: Any, transpose: bool = False) -> Any:
    """A convolution that does what ``bn(conv(x))`` does in evaluation mode.

    Args:
        conv, bn: in evaluation mode; they stay as they are.
        transpose: whether ``conv`` is a transposed convolution.

    Raises:
        AssertionError: one of them is in training mode.
        ValueError: the norm has no running statistics.

    >>> import lampas
    >>> conv, bn = lampas.nn.Conv2d(1, 2, 3).eval(), lampas.nn.BatchNorm2d(2).eval()
    >>> fuse_conv_bn_eval(conv, bn)
    Conv2d(1, 2, kernel_size=(3, 3), stride=(1, 1))
    """
    _check_modes(conv, bn)
    fused = copy.deepcopy(conv)
    mean, var, eps, weight, bias = _statistics(bn)
    fused.weight, fused.bias = fuse_conv_bn_weights(
        fused.weight, fused.bias, mean, var, eps, weight, bias, transpose
    )
    return fused


def fuse_linear_bn_eval(linear: Any, bn: Any) -> Any:
    """A linear map that does what ``bn(linear(x))`` does in evaluation mode.

    Args:
        linear, bn: in evaluation mode; they stay as they are.

    Raises:
        AssertionError: one of them is in training mode, or their features differ.
        ValueError: the norm has no running statistics.

    >>> import lampas
    >>> fc, bn = lampas.nn.Linear(1, 2).eval(), lampas.nn.BatchNorm1d(2).eval()
    >>> fuse_linear_bn_eval(fc, bn)
    Linear(in_features=1, out_features=2, bias=True)
    """
    _check_modes(linear, bn)
    assert bn.num_features in (1, linear.out_features), (
        f"the norm has {bn.num_features} features, the linear map {linear.out_features}"
    )
    fused = copy.deepcopy(linear)
    statistics = _statistics(bn)
    fused.weight, fused.bias = fuse_linear_bn_weights(
        fused.weight, fused.bias, *statistics
    )
    return fused


def _statistics(bn: Any) -> tuple[Any, ...]:
    if bn.running_mean is None or bn.running_var is None:
        raise ArgumentError("the batch norm to fuse has no running statistics")
    return bn.running_mean, bn.running_var, bn.eps, bn.weight, bn.bias

"""Affine maps, and the layers that only change a shape."""

from __future__ import annotations

import math
from typing import Any

from lampas.dtypes import DType
from lampas.engine.tensor import Tensor
from lampas.nn import functional as F
from lampas.nn import init
from lampas.nn.module import Module
from lampas.nn.parameter import Parameter
from lampas.ops import create

__all__ = ["Bilinear", "Flatten", "Identity", "Linear", "Unflatten"]


def empty_parameter(
    *sizes: int, device: Any = None, dtype: DType | None = None
) -> Tensor:
    """A parameter of zeros, to be filled by an initialiser."""
    return Parameter(create.zeros(sizes, device=device, dtype=dtype))


class Identity(Module):
    """Return the input; takes any arguments.

    >>> import lampas
    >>> lampas.nn.Identity(54, unused=0.1)(lampas.ones(2)).tolist()
    [1.0, 1.0]
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__()

    def forward(self, input: Any) -> Any:
        """Return ``input``."""
        return input


class Linear(Module):
    """``y = x W^T + b``.

    Args:
        in_features: size of the input's last dimension.
        out_features: size of the output's last dimension.
        bias: whether to add ``b``.
        device, dtype: of the parameters.

    Parameters:
        weight (out_features, in_features), bias (out_features): uniform between
        ``-1/sqrt(in_features)`` and ``1/sqrt(in_features)``.

    >>> import lampas
    >>> lampas.nn.Linear(4, 2)(lampas.zeros(3, 4)).shape
    lampas.Size([3, 2])
    """

    def __init__(
        self,
        in_features: int,
        out_features: int,
        bias: bool = True,
        device: Any = None,
        dtype: DType | None = None,
    ) -> None:
        super().__init__()
        self.in_features = in_features
        self.out_features = out_features
        kind = {"device": device, "dtype": dtype}
        self.weight = empty_parameter(out_features, in_features, **kind)
        self.register_parameter(
            "bias", empty_parameter(out_features, **kind) if bias else None
        )
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draw the parameters anew."""
        init.kaiming_uniform_(self.weight, a=math.sqrt(5))
        if self.bias is not None and self.in_features > 0:
            bound = 1 / math.sqrt(self.in_features)
            init.uniform_(self.bias, -bound, bound)

    def forward(self, input: Tensor) -> Tensor:
        """Map (..., in_features) to (..., out_features)."""
        return F.linear(input, self.weight, self.bias)

    def extra_repr(self) -> str:
        """The sizes."""
        return (
            f"in_features={self.in_features}, out_features={self.out_features}, "
            f"bias={self.bias is not None}"
        )


class Bilinear(Module):
    """``y_k = x1^T A_k x2 + b_k``.

    Args:
        in1_features, in2_features: sizes of the inputs' last dimensions.
        out_features: size of the output's last dimension.
        bias: whether to add ``b``.
        device, dtype: of the parameters.

    >>> import lampas
    >>> layer = lampas.nn.Bilinear(2, 3, 4)
    >>> layer(lampas.zeros(5, 2), lampas.zeros(5, 3)).shape
    lampas.Size([5, 4])
    """

    def __init__(
        self,
        in1_features: int,
        in2_features: int,
        out_features: int,
        bias: bool = True,
        device: Any = None,
        dtype: DType | None = None,
    ) -> None:
        super().__init__()
        self.in1_features = in1_features
        self.in2_features = in2_features
        self.out_features = out_features
        kind = {"device": device, "dtype": dtype}
        self.weight = empty_parameter(out_features, in1_features, in2_features, **kind)
        self.register_parameter(
            "bias", empty_parameter(out_features, **kind) if bias else None
        )
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draw the parameters anew."""
        bound = 1 / math.sqrt(self.in1_features)
        init.uniform_(self.weight, -bound, bound)
        if self.bias is not None:
            init.uniform_(self.bias, -bound, bound)

    def forward(self, input1: Tensor, input2: Tensor) -> Tensor:
        """Map (..., in1_features) and (..., in2_features) to (..., out_features)."""
        return F.bilinear(input1, input2, self.weight, self.bias)

    def extra_repr(self) -> str:
        """The sizes."""
        return (
            f"in1_features={self.in1_features}, in2_features={self.in2_features}, "
            f"out_features={self.out_features}, bias={self.bias is not None}"
        )


class Flatten(Module):
    """Join a range of dimensions into one.

    Args:
        start_dim, end_dim: first and last dimension to join.

    >>> import lampas
    >>> lampas.nn.Flatten()(lampas.zeros(2, 3, 4)).shape
    lampas.Size([2, 12])
    """

    def __init__(self, start_dim: int = 1, end_dim: int = -1) -> None:
        super().__init__()
        self.start_dim = start_dim
        self.end_dim = end_dim

    def forward(self, input: Tensor) -> Tensor:
        """Flatten ``input``."""
        return input.flatten(self.start_dim, self.end_dim)

    def extra_repr(self) -> str:
        """The range."""
        return f"start_dim={self.start_dim}, end_dim={self.end_dim}"


class Unflatten(Module):
    """Split one dimension into several.

    Args:
        dim: the dimension.
        unflattened_size: its new sizes; one of them may be -1.

    >>> import lampas
    >>> lampas.nn.Unflatten(1, (3, 4))(lampas.zeros(2, 12)).shape
    lampas.Size([2, 3, 4])
    """

    def __init__(self, dim: int, unflattened_size: Any) -> None:
        super().__init__()
        self.dim = dim
        self.unflattened_size = tuple(unflattened_size)

    def forward(self, input: Tensor) -> Tensor:
        """Unflatten ``input``."""
        sizes = self.unflattened_size
        return input.unflatten(self.dim, sizes)

    def extra_repr(self) -> str:
        """The dimension and its sizes."""
        return f"dim={self.dim}, unflattened_size={self.unflattened_size}"

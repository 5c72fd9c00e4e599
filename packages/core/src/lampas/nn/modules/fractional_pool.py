"""Pools whose windows start at random distances, as modules."""

from __future__ import annotations

from typing import Any

from lampas.engine.tensor import Tensor
from lampas.errors import ArgumentError
from lampas.nn import functional as F
from lampas.nn.module import Module
from lampas.ops._spatial import spatial

__all__ = ["FractionalMaxPool2d", "FractionalMaxPool3d"]


class _FractionalMaxPool(Module):
    n: int

    def __init__(
        self,
        kernel_size: Any,
        output_size: Any = None,
        output_ratio: Any = None,
        return_indices: bool = False,
        _random_samples: Tensor | None = None,
    ) -> None:
        super().__init__()
        if (output_size is None) == (output_ratio is None):
            raise ArgumentError(
                f"{type(self).__name__} takes one of output_size and output_ratio, got "
                f"{output_size} and {output_ratio}"
            )
        ratios = output_ratio
        if ratios is not None:
            many = isinstance(ratios, (tuple, list))
            ratios = tuple(ratios) if many else (ratios,) * self.n
            if len(ratios) != self.n or not all(0 < r < 1 for r in ratios):
                raise ArgumentError(
                    f"output_ratio must be between 0 and 1 in each of {self.n} "
                    f"dimensions, got {output_ratio}"
                )
        self.kernel_size = spatial(kernel_size, self.n, "kernel_size")
        self.output_size = (
            None if output_size is None else spatial(output_size, self.n, "output_size")
        )
        self.output_ratio = ratios
        self.return_indices = return_indices
        self.register_buffer("_random_samples", _random_samples)

    def forward(self, input: Tensor) -> Any:
        """Pool (N, C, ...) or (C, ...); with ``return_indices`` also give places."""
        function = (F.fractional_max_pool2d, F.fractional_max_pool3d)[self.n - 2]
        return function(
            input,
            self.kernel_size,
            self.output_size,
            self.output_ratio,
            self.return_indices,
            _random_samples=self._random_samples,
        )


class FractionalMaxPool2d(_FractionalMaxPool):
    """The largest values of windows of (N, C, H, W) at random distances (Graham 2014).

    Args:
        kernel_size: of the windows.
        output_size: the output's height and width; or
        output_ratio: the output's size relative to the input's, in (0, 1).
        return_indices: also give where each value was found.

    Raises:
        ValueError: none or both of size and ratio, or a ratio out of range.

    >>> import lampas
    >>> pool = lampas.nn.FractionalMaxPool2d(2, output_ratio=0.5)
    >>> pool(lampas.ones(1, 3, 8, 6)).shape
    lampas.Size([1, 3, 4, 3])
    """

    n = 2


class FractionalMaxPool3d(_FractionalMaxPool):
    """:class:`FractionalMaxPool2d` of volumes (N, C, D, H, W).

    >>> import lampas
    >>> lampas.nn.FractionalMaxPool3d(2, output_size=2)(lampas.ones(1, 4, 4, 4)).shape
    lampas.Size([1, 2, 2, 2])
    """

    n = 3

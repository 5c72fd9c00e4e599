"""Sampling at the points of a grid under the names of the top namespace."""

from __future__ import annotations

from collections.abc import Sequence

from lampas.engine.tensor import Tensor
from lampas.errors import ArgumentError, ShapeError
from lampas.ops.grid_sample import affine_grid, grid_sample

__all__ = [
    "affine_grid_generator",
    "grid_sampler",
    "grid_sampler_2d",
    "grid_sampler_3d",
]


def grid_sampler(
    input: Tensor,
    grid: Tensor,
    interpolation_mode: int,
    padding_mode: int,
    align_corners: bool,
) -> Tensor:
    """:func:`lampas.nn.functional.grid_sample` with its modes as numbers.

    Args:
        input, grid, align_corners: as there.
        interpolation_mode: 0 bilinear, 1 nearest, 2 bicubic.
        padding_mode: 0 zeros, 1 border, 2 reflection.

    >>> x, grid = lampas.ones(1, 1, 2, 2), lampas.zeros(1, 1, 1, 2)
    >>> lampas.grid_sampler(x, grid, 0, 0, False)
    tensor([[[[1.]]]])
    """
    modes = ("bilinear", "nearest", "bicubic")
    paddings = ("zeros", "border", "reflection")
    for what, value in (
        ("interpolation_mode", interpolation_mode),
        ("padding_mode", padding_mode),
    ):
        if value not in (0, 1, 2):
            raise ArgumentError(f"grid_sampler: {what} must be 0, 1 or 2, got {value}")
    mode, padding = modes[interpolation_mode], paddings[padding_mode]
    return grid_sample(input, grid, mode, padding, align_corners)


def _of_rank(name: str, ndim: int, input: Tensor) -> None:
    if input._data.ndim != ndim:
        raise ShapeError(
            f"{name}: input must be {ndim}-D, got shape {tuple(input.shape)}"
        )


def grid_sampler_2d(
    input: Tensor,
    grid: Tensor,
    interpolation_mode: int,
    padding_mode: int,
    align_corners: bool,
) -> Tensor:
    """:func:`grid_sampler` of planes.

    >>> x, grid = lampas.ones(1, 1, 2, 2), lampas.zeros(1, 1, 1, 2)
    >>> lampas.grid_sampler_2d(x, grid, 1, 0, False)
    tensor([[[[1.]]]])
    """
    _of_rank("grid_sampler_2d", 4, input)
    return grid_sampler(input, grid, interpolation_mode, padding_mode, align_corners)


def grid_sampler_3d(
    input: Tensor,
    grid: Tensor,
    interpolation_mode: int,
    padding_mode: int,
    align_corners: bool,
) -> Tensor:
    """:func:`grid_sampler` of volumes.

    >>> x, grid = lampas.ones(1, 1, 2, 2, 2), lampas.zeros(1, 1, 1, 1, 3)
    >>> lampas.grid_sampler_3d(x, grid, 0, 0, False)
    tensor([[[[[1.]]]]])
    """
    _of_rank("grid_sampler_3d", 5, input)
    return grid_sampler(input, grid, interpolation_mode, padding_mode, align_corners)


def affine_grid_generator(
    theta: Tensor, size: Sequence[int], align_corners: bool
) -> Tensor:
    """:func:`lampas.nn.functional.affine_grid` under its other name.

    >>> theta = lampas.zeros(1, 2, 3)
    >>> lampas.affine_grid_generator(theta, (1, 1, 1, 1), False)
    tensor([[[[0., 0.]]]])
    """
    return affine_grid(theta, size, align_corners)

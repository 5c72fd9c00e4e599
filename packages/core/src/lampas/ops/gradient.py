"""Slopes of sampled functions by finite differences."""

from __future__ import annotations

from collections.abc import Sequence

from lampas.engine.tensor import Tensor
from lampas.errors import ShapeError
from lampas.ops._arguments import normalize_dim
from lampas.ops.join import cat
from lampas.ops.scan import diff

__all__ = ["gradient"]

Spacing = float | Sequence[float] | Sequence[Tensor] | None


def _even(x: Tensor, dim: int, step: float, edge_order: int) -> list[Tensor]:
    """The slopes at the first, the inner and the last points of an even grid."""
    size = x._data.shape[dim]
    inner = (x.narrow(dim, 2, size - 2) - x.narrow(dim, 0, size - 2)) / (2 * step)
    if edge_order == 1:
        ends = [x.narrow(dim, i + 1, 1) - x.narrow(dim, i, 1) for i in (0, size - 2)]
        return [ends[0] / step, inner, ends[1] / step]
    a, b, c = (x.narrow(dim, i, 1) for i in range(3))
    first = (a * -1.5 + b * 2 - c * 0.5) / step
    a, b, c = (x.narrow(dim, size - 3 + i, 1) for i in range(3))
    return [first, inner, (a * 0.5 - b * 2 + c * 1.5) / step]


def _parabola(x: Tensor, steps: Tensor, dim: int, at: int, count: int) -> Tensor:
    """Slopes of the parabolas through each three neighbouring points.

    Args:
        steps: distances of neighbours, shaped to broadcast.
        at: 0, 1 or 2: the slope at the left, the middle or the right point.
        count: how many of them; negative ones are counted from the end.
    """
    inner = x._data.shape[dim] - 2
    start, count = (0, count) if count > 0 else (inner + count, -count)
    p, q = steps.narrow(dim, start, count), steps.narrow(dim, start + 1, count)
    a, b, c = (x.narrow(dim, start + i, count) for i in range(3))
    if at == 1:
        weights = -q / (p * (p + q)), (q - p) / (p * q), p / (q * (p + q))
    elif at == 0:
        weights = -(2 * p + q) / (p * (p + q)), (p + q) / (p * q), -p / (q * (p + q))
    else:
        weights = q / (p * (p + q)), -(p + q) / (p * q), (2 * q + p) / (q * (p + q))
    return weights[0] * a + weights[1] * b + weights[2] * c


def _uneven(x: Tensor, dim: int, points: Tensor, edge_order: int) -> list[Tensor]:
    """The slopes at the first, the inner and the last of given points."""
    size = x._data.shape[dim]
    ahead, behind = (1,) * dim, (1,) * (x._data.ndim - dim - 1)
    steps = diff(points).reshape(*ahead, -1, *behind)
    inner = _parabola(x, steps, dim, 1, size - 2) if size > 2 else x.narrow(dim, 0, 0)
    if edge_order == 2:
        return [
            _parabola(x, steps, dim, 0, 1),
            inner,
            _parabola(x, steps, dim, 2, -1),
        ]
    first, last = (
        (x.narrow(dim, i + 1, 1) - x.narrow(dim, i, 1)) / steps.narrow(dim, i, 1)
        for i in (0, size - 2)
    )
    return [first, inner, last]


def _check(input: Tensor, dims: list[int], edge_order: int) -> None:
    if edge_order not in (1, 2):
        raise ShapeError(f"gradient: edge_order must be 1 or 2, got {edge_order}")
    if len(set(dims)) != len(dims):
        raise ShapeError(f"gradient: dim names a dimension twice: {tuple(dims)}")
    for d in dims:
        if input._data.ndim == 0 or input._data.shape[d] < edge_order + 1:
            raise ShapeError(
                f"gradient: each dimension must have at least {edge_order + 1} "
                f"entries, got shape {tuple(input.shape)}"
            )


def _spacings(input: Tensor, spacing: Spacing, dims: list[int]) -> list[float | Tensor]:
    """The spacing of each dimension."""
    if spacing is None:
        spacing = 1
    if not isinstance(spacing, (tuple, list)):
        if isinstance(spacing, Tensor) and spacing._data.ndim:
            spacing = [spacing]
        else:
            return [spacing] * len(dims)  # type: ignore[list-item]
    if len(spacing) != len(dims):
        raise ShapeError(
            f"gradient: spacing must be a number or have one entry for each of "
            f"{len(dims)} dimensions, got {len(spacing)}"
        )
    for d, points in zip(dims, spacing, strict=True):
        if not isinstance(points, Tensor) or points._data.ndim == 0:
            continue
        if points._data.shape != input._data.shape[d : d + 1]:
            raise ShapeError(
                f"gradient: spacing of dimension {d} must have shape "
                f"({input._data.shape[d]},), got {tuple(points.shape)}"
            )
        if points.device != input.device:
            raise ShapeError(
                f"gradient: spacing is on {points.device}, input on {input.device}"
            )
    return list(spacing)


def gradient(
    input: Tensor,
    *,
    spacing: Spacing = 1,
    dim: int | Sequence[int] | None = None,
    edge_order: int = 1,
) -> tuple[Tensor, ...]:
    """Slopes of a sampled function, by differences of neighbours.

    Inside: ``y[i] = (x[i+1] - x[i-1]) / (2 spacing)``, of second order on uneven grids
    too; at the ends by one-sided differences.

    Args:
        input: samples, any shape with a dimension.
        spacing: the distance of samples; one for each dimension; or for each
            dimension a vector of coordinates.
        dim: the dimension or dimensions; all of them by default.
        edge_order: 1 or 2, the order of the differences at the ends.

    Returns:
        For each dimension a tensor with the shape of ``input``.

    Raises:
        RuntimeError: a dimension is too short or named twice, ``edge_order`` is not 1
            or 2, or ``spacing`` does not fit.
        IndexError: ``dim`` is out of range.

    >>> lampas.gradient(lampas.tensor([1.0, 2.0, 4.0, 7.0]))[0]
    tensor([1.0000, 1.5000, 2.5000, 3.0000])
    """
    ndim = input._data.ndim
    named = range(ndim) if dim is None else dim if isinstance(dim, Sequence) else (dim,)
    dims = [normalize_dim(d, ndim) for d in named]
    _check(input, dims, edge_order)
    slopes = []
    for d, step in zip(dims, _spacings(input, spacing, dims), strict=True):
        if isinstance(step, Tensor) and step._data.ndim:
            parts = _uneven(input, d, step, edge_order)
        else:
            parts = _even(input, d, step, edge_order)  # type: ignore[arg-type]
        slopes.append(cat(parts, d))
    return tuple(slopes)

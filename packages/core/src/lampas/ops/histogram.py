"""Counting elements in bins, of one and of several dimensions."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

from lampas.engine.infer import Spec
from lampas.engine.record import OPAQUE, op
from lampas.engine.tensor import Tensor, method
from lampas.errors import ArgumentTypeError, DTypeError, ShapeError
from lampas.ops._arguments import require_same_device
from lampas.ops._results import printed_as
from lampas.ops.create import linspace

__all__ = ["histc", "histogram", "histogramdd"]


@printed_as("histogram")
class HistogramResult(NamedTuple):
    """The counts, or densities, and the edges of the bins."""

    hist: Tensor
    bin_edges: Tensor


@printed_as("histogramdd")
class HistogramddResult(NamedTuple):
    """The counts, or densities, and the edges of the bins of each dimension."""

    hist: Tensor
    bin_edges: tuple[Tensor, ...]


# ---- equally wide bins


def _bins_spec(specs: Any, *, bins: int, low: float, high: float) -> Spec:
    return Spec((bins,), specs[0].dtype)


_histc = op("histc", kind=OPAQUE, widen=False, infer=_bins_spec)


@_histc.forward
def histc_forward(xp: Any, x: Any, *, bins: int, low: float, high: float) -> Any:
    # Borders lie where they do in PyTorch, in half precision too: each step is rounded.
    first, last, count = (x.dtype.type(v) for v in (low, high, bins))
    inside = x[(x >= first) & (x <= last)].reshape(-1)
    place = ((inside - first) * count / (last - first)).astype(int)
    # The last bin has its right border too.
    counts = xp.bincount(xp.minimum(place, bins - 1), minlength=bins)
    return counts.astype(x.dtype)


def _check_range(name: str, low: float, high: float) -> None:
    if not (math.isfinite(low) and math.isfinite(high)):
        raise ShapeError(f"{name}: the range from {low} to {high} is not finite")
    if low > high:
        raise ShapeError(f"{name}: min must not exceed max, got {low} and {high}")


def _check_bins(name: str, bins: int) -> None:
    if bins <= 0:
        raise ShapeError(f"{name}: bins must be positive, got {bins}")


@method()
def histc(input: Tensor, bins: int = 100, min: float = 0, max: float = 0) -> Tensor:
    """Count the elements in equally wide bins.

    Args:
        input: floating, any shape.
        bins: their number.
        min, max: where the first begins and the last ends, which is in the last too;
            what lies outside does not count. If both are equal: the smallest and the
            largest element.

    Returns:
        (bins,) of input's dtype.

    Raises:
        RuntimeError: ``bins`` is not positive, the range is not finite or ``min``
            exceeds ``max``, or the input is not floating.

    >>> lampas.histc(lampas.tensor([1.0, 2.0, 1.0]), bins=4, min=0, max=3)
    tensor([0., 2., 1., 0.])
    """
    if not input.is_floating_point():
        raise DTypeError(f"histc: input must be floating, got {input.dtype}")
    _check_bins("histc", bins)
    low, high = float(min), float(max)
    if low == high and input._data.size:
        low, high = float(input.detach().min()), float(input.detach().max())
    _check_range("histc", low, high)
    if low == high:
        low, high = low - 1, high + 1
    return _histc.call(input, bins=bins, low=low, high=high)


# ---- bins between given edges


def _edges_spec(specs: Any) -> Spec:
    return Spec(tuple(s.shape[0] - 1 for s in specs[2:]), specs[0].dtype)


_count_bins = op("count_bins", kind=OPAQUE, infer=_edges_spec)
"""Add the weights of points (n, d) into the bins between d vectors of edges."""


@_count_bins.forward
def count_bins_forward(xp: Any, x: Any, weight: Any, *edges: Any) -> Any:
    flat, inside, size = 0, True, 1
    for d, borders in enumerate(edges):
        bins, points = len(borders) - 1, x[:, d]
        if bins == 0:
            return xp.zeros(tuple(len(e) - 1 for e in edges), x.dtype)
        place = xp.searchsorted(borders, points, side="right") - 1
        place = place - (points == borders[-1])
        inside = inside & (points >= borders[0]) & (points <= borders[-1])
        flat, size = flat * bins + place, size * bins
    counts = xp.bincount(flat[inside], weight[inside], minlength=size)
    return counts.reshape([len(e) - 1 for e in edges]).astype(x.dtype)


def _given_edges(name: str, input: Tensor, edges: Tensor, dim: int) -> Tensor:
    if edges._data.ndim != 1 or edges._data.size < 2:
        raise ShapeError(
            f"{name}: the edges of dimension {dim} must be a vector of two or more, "
            f"got shape {tuple(edges.shape)}"
        )
    if edges.dtype != input.dtype:
        raise DTypeError(
            f"{name}: the edges of dimension {dim} must have input's dtype "
            f"{input.dtype}, got {edges.dtype}"
        )
    require_same_device(name, input=input, bins=edges)
    return edges


def _even_edges(
    name: str, points: Tensor, bins: int, limits: Sequence[float] | None
) -> Tensor:
    """Edges of equally wide bins over a range, by default that of the points."""
    _check_bins(name, bins)
    low, high = (0.0, 1.0) if limits is None else limits
    if limits is None and points._data.size:
        low, high = float(points.min()), float(points.max())
    _check_range(name, low, high)
    if low == high:
        low, high = low - 0.5, high + 0.5
    return linspace(low, high, bins + 1, dtype=points.dtype, device=points.device)


def _counted(
    name: str, points: Tensor, edges: Sequence[Tensor], weight: Any, density: bool
) -> Tensor:
    """The histogram of points (n, d)."""
    if weight is None:
        weight = points.new_ones(points._data.shape[:1])
    hist = _count_bins.call(points, weight.detach(), *edges)
    if not density:
        return hist
    hist = hist / hist.sum()
    for d, borders in enumerate(edges):
        widths = borders[1:] - borders[:-1]
        hist = hist / widths.reshape(-1, *(1,) * (len(edges) - d - 1))
    return hist


def _check_input(name: str, input: Tensor, weight: Tensor | None, shape: Any) -> None:
    if input._data.dtype.name not in ("float32", "float64"):
        raise DTypeError(f"{name}: input must be float32 or float64, got {input.dtype}")
    if weight is None:
        return
    if weight._data.shape != shape:
        raise ShapeError(
            f"{name}: weight must have shape {tuple(shape)}, got {tuple(weight.shape)}"
        )
    if weight.dtype != input.dtype:
        raise DTypeError(
            f"{name}: weight must have input's dtype {input.dtype}, got {weight.dtype}"
        )


@method()
def histogram(
    input: Tensor,
    bins: int | Tensor,
    *,
    range: Sequence[float] | None = None,
    weight: Tensor | None = None,
    density: bool = False,
) -> HistogramResult:
    """Count the elements, or add their weights, between edges.

    Args:
        input: float32 or float64, any shape.
        bins: the number of equally wide bins, or increasing edges. A bin has its left
            edge, the last bin its right edge too.
        range: where equally wide bins begin and end; by default the smallest and the
            largest element.
        weight: what each element counts, in the shape of ``input``.
        density: divide by the total and the bins' widths: the integral is 1.

    Returns:
        ``hist`` and ``bin_edges``.

    Raises:
        RuntimeError: another dtype, no bins, a range that is not finite or ends before
            it begins, or edges or weights that do not fit.

    >>> lampas.histogram(lampas.tensor([1.0, 2.0, 1.0]), 2, range=(0.0, 3.0)).hist
    tensor([2., 1.])
    """
    _check_input("histogram", input, weight, input._data.shape)
    points = input.detach().reshape(-1, 1)
    if isinstance(bins, Tensor):
        edges = _given_edges("histogram", input, bins, 0)
    else:
        edges = _even_edges("histogram", points, bins, range)
    flat = None if weight is None else weight.reshape(-1)
    return HistogramResult(_counted("histogram", points, [edges], flat, density), edges)


def _bins_of(bins: Any, count: int) -> list[Any]:
    """The number or the edges of the bins of each dimension."""
    if isinstance(bins, int):
        return [bins] * count
    if not isinstance(bins, (tuple, list)):
        raise ArgumentTypeError(
            f"histogramdd: bins must be an int or a sequence, got {type(bins).__name__}"
        )
    if len(bins) != count:
        raise ShapeError(
            f"histogramdd: bins must have an entry for each of {count} dimensions, "
            f"got {len(bins)}"
        )
    return list(bins)


def histogramdd(
    input: Tensor,
    bins: int | Sequence[int] | Sequence[Tensor],
    *,
    range: Sequence[float] | None = None,
    weight: Tensor | None = None,
    density: bool = False,
) -> HistogramddResult:
    """Count points, or add their weights, in the bins of a grid.

    Args:
        input: the points' coordinates, (..., d) of float32 or float64.
        bins: the number of equally wide bins, one for all or for each dimension; or
            for each dimension increasing edges.
        range: where the bins begin and end, two numbers for each dimension; by default
            the smallest and the largest coordinate.
        weight: what each point counts, of shape (...).
        density: divide by the total and the bins' volumes.

    Returns:
        ``hist``, with a dimension for each coordinate, and ``bin_edges``.

    Raises:
        RuntimeError: another dtype, fewer than two dimensions, no bins, a bad range,
            or bins, edges or weights that do not fit.

    >>> points = lampas.tensor([[0.0, 1.0], [1.0, 0.0], [1.0, 1.0]])
    >>> lampas.histogramdd(points, [2, 1]).hist
    tensor([[1.],
            [2.]])
    """
    shape = input._data.shape
    if len(shape) < 2:
        raise ShapeError(f"histogramdd: input must have 2 dimensions, got {shape}")
    _check_input("histogramdd", input, weight, shape[:-1])
    points = input.detach().reshape(-1, shape[-1])
    if range is not None and len(range) != 2 * shape[-1]:
        raise ShapeError(
            f"histogramdd: range must have two numbers for each of {shape[-1]} "
            f"dimensions, got {len(range)}"
        )
    edges = []
    for d, each in enumerate(_bins_of(bins, shape[-1])):
        if isinstance(each, Tensor):
            edges.append(_given_edges("histogramdd", input, each, d))
            continue
        limits = None if range is None else range[2 * d : 2 * d + 2]
        edges.append(_even_edges("histogramdd", points[:, d], each, limits))
    flat = None if weight is None else weight.reshape(-1)
    hist = _counted("histogramdd", points, edges, flat, density)
    return HistogramddResult(hist, tuple(edges))

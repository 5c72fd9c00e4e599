"""Images sampled at the points of a grid: weighted sums of the elements around each.

Whatever the mode, the value at a point is ``sum_k weight[k] * x[index[k]]``: the sum
and its two transposes are records, each the gradient of the others. ``grid_sample``
says how positions and weights come of a grid, and gradients of gradients follow that.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from lampas.dtypes import HALVES, float32
from lampas.engine.autocast import computes_in
from lampas.engine.batching import all_batched
from lampas.engine.infer import Spec
from lampas.engine.record import BILINEAR, op, raw_namespace
from lampas.engine.tensor import Tensor
from lampas.errors import ArgumentError, DTypeError, ShapeError
from lampas.ops._arguments import require_same_device
from lampas.ops._grid_taps import PADDINGS, TAPS, How, Taps, columns_of, grid_of
from lampas.ops.create import linspace, ones
from lampas.ops.index import add_at
from lampas.ops.join import stack

__all__ = ["affine_grid", "grid_sample"]

_MODES = tuple(TAPS)


def _sampled(specs: Any, **params: Any) -> Spec:
    x, weight, _ = specs
    return Spec((*x.shape[:2], weight.shape[2]), x.dtype)


def _spread(specs: Any, *, size: int) -> Spec:
    return Spec((*specs[0].shape[:2], size), specs[0].dtype)


def _matched(specs: Any, **params: Any) -> Spec:
    return Spec(specs[2].shape, specs[0].dtype)


# x is (N, C, M), weight and index are (N, K, P), y and g are (N, C, P).
_sample = op(
    "sample", kind=BILINEAR, saves="x weight index", fresh=True, infer=_sampled
)
_sample_spread = op(
    "sample_spread", kind=BILINEAR, saves="g weight index", fresh=True, infer=_spread
)
_sample_match = op(
    "sample_match", kind=BILINEAR, saves="g x index", fresh=True, infer=_matched
)


def _rows(xp: Any, x: Any, index: Any) -> tuple[Any, Any]:
    """Elements as rows of channels, (N * M, C), and which of them each K and P takes.

    A row is copied whole, which is several times as fast as element by element.
    """
    n, c, size = x.shape
    start = xp.arange(n).reshape(n, 1, 1) * size
    rows = xp.ascontiguousarray(x.transpose(0, 2, 1)).reshape(n * size, c)
    return rows, index + start


@_sample.forward
def sample_forward(xp: Any, x: Any, weight: Any, index: Any) -> Any:
    rows, places = _rows(xp, x, index)
    total = xp.zeros((x.shape[0], weight.shape[2], x.shape[1]), x.dtype)
    for k in range(weight.shape[1]):
        part = xp.take(rows, places[:, k], axis=0)
        part *= weight[:, k, :, None]
        total += part
    return xp.ascontiguousarray(total.transpose(0, 2, 1))


@_sample.vjp
def sample_vjp(F: Any, g: Any, x: Any, weight: Any, index: Any, *, need: Any) -> Any:
    return (
        F.sample_spread(g, weight, index, size=x.shape[2]) if need[0] else None,
        F.sample_match(g, x, index) if need[1] else None,
        None,
    )


@_sample_spread.forward
def sample_spread_forward(
    xp: Any, g: Any, weight: Any, index: Any, *, size: int
) -> Any:
    n, c, _ = g.shape
    start = xp.arange(n).reshape(n, 1, 1) * size
    values = g.transpose(0, 2, 1)[:, None] * weight[..., None]
    result = xp.zeros((n * size, c), g.dtype)
    add_at(xp, result, ((index + start).reshape(-1),), values.reshape(index.size, c))
    return xp.ascontiguousarray(result.reshape(n, size, c).transpose(0, 2, 1))


@_sample_spread.vjp
def sample_spread_vjp(
    F: Any, h: Any, g: Any, weight: Any, index: Any, *, need: Any, size: int
) -> Any:
    return (
        F.sample(h, weight, index) if need[0] else None,
        F.sample_match(g, h, index) if need[1] else None,
        None,
    )


@_sample_match.forward
def sample_match_forward(xp: Any, g: Any, x: Any, index: Any) -> Any:
    rows, places = _rows(xp, x, index)
    along = xp.ascontiguousarray(g.transpose(0, 2, 1))
    result = xp.empty(index.shape, g.dtype)
    for k in range(index.shape[1]):
        part = xp.take(rows, places[:, k], axis=0)
        part *= along
        result[:, k] = part.sum(axis=-1)
    return result


@_sample_match.vjp
def sample_match_vjp(F: Any, h: Any, g: Any, x: Any, index: Any, *, need: Any) -> Any:
    return (
        F.sample(x, h, index) if need[0] else None,
        F.sample_spread(g, h, index, size=x.shape[2]) if need[1] else None,
        None,
    )


# ---- the whole, which kernels serve in one pass


def _sampled_specs(specs: Any, **how: Any) -> Spec:
    x, grid = specs
    return Spec((*x.shape[:2], *grid.shape[1:-1]), x.dtype)


def _input_specs(specs: Any, *, sizes: Any, **how: Any) -> Spec:
    return Spec((*specs[0].shape[:2], *sizes), specs[0].dtype)


def _point_specs(specs: Any, **how: Any) -> Spec:
    return specs[2]


# x is (N, C, sizes), grid (N, points, dimensions), y and g (N, C, points).
_grid_sample = op("grid_sample", saves="x grid", fresh=True, infer=_sampled_specs)
_grid_input = op("grid_sample_input", saves="g grid", fresh=True, infer=_input_specs)
_grid_points = op(
    "grid_sample_points", saves="g x grid", fresh=True, infer=_point_specs
)


def _flat(F: Any, x: Any) -> Any:
    """(N, C, ...) as (N, C, M)."""
    return F.reshape(x, shape=(*x.shape[:2], math.prod(x.shape[2:])))


@_grid_sample.forward
def grid_sample_forward(
    xp: Any, x: Any, grid: Any, *, mode: str, padding: str, corners: bool
) -> Any:
    F = raw_namespace(xp)
    taps = Taps(F, grid, x.shape[2:], How(mode, padding, corners))
    y = F.sample(_flat(F, x), taps.weights(), taps.index)
    return y.reshape(*x.shape[:2], *grid.shape[1:-1])


@_grid_sample.vjp
def grid_sample_vjp(F: Any, g: Any, x: Any, grid: Any, *, need: Any, **how: Any) -> Any:
    dx, dgrid = None, None
    if need[0]:
        dx = F.grid_sample_input(g, grid, sizes=tuple(x.shape[2:]), **how)
    if need[1]:
        dgrid = F.grid_sample_points(g, x, grid, **how)
    return dx, dgrid


@_grid_sample.batch
def grid_sample_batch(
    F: Any, size: int, batched: Any, /, x: Any, grid: Any, **how: Any
) -> Any:
    x, grid = all_batched(F, size, batched, (x, grid))
    count = x.shape[1]
    x, grid = (F.reshape(v, shape=(size * count, *v.shape[2:])) for v in (x, grid))
    y = F.grid_sample(x, grid, **how)
    return F.reshape(y, shape=(size, count, *y.shape[1:]))


@_grid_input.forward
def grid_sample_input_forward(
    xp: Any, g: Any, grid: Any, *, sizes: Any, mode: str, padding: str, corners: bool
) -> Any:
    F = raw_namespace(xp)
    taps = Taps(F, grid, sizes, How(mode, padding, corners))
    size = math.prod(sizes)
    dx = F.sample_spread(_flat(F, g), taps.weights(), taps.index, size=size)
    return dx.reshape(*g.shape[:2], *sizes)


@_grid_input.vjp
def grid_sample_input_vjp(
    F: Any, h: Any, g: Any, grid: Any, *, need: Any, sizes: Any, **how: Any
) -> Any:
    return (
        F.grid_sample(h, grid, **how) if need[0] else None,
        F.grid_sample_points(g, h, grid, **how) if need[1] else None,
    )


@_grid_points.forward
def grid_sample_points_forward(
    xp: Any, g: Any, x: Any, grid: Any, *, mode: str, padding: str, corners: bool
) -> Any:
    F = raw_namespace(xp)
    taps = Taps(F, grid, x.shape[2:], How(mode, padding, corners))
    shares = F.sample_match(_flat(F, g), _flat(F, x), taps.index)
    moves = [(shares * taps.weights(i)).sum(axis=1) for i in range(grid.shape[-1])]
    return grid_of(F, moves, grid.shape)


@_grid_points.vjp
def grid_sample_points_vjp(
    F: Any, h: Any, g: Any, x: Any, grid: Any, *, need: Any, **how: Any
) -> Any:
    """The points' move ``h`` changes all weights at once."""
    taps = Taps(F, grid, x.shape[2:], How(**how))
    moves = [F.reshape(m, shape=(m.shape[0], 1, -1)) for m in columns_of(F, h)]
    weights = [m * taps.weights(i) for i, m in enumerate(moves)]
    changed = sum(weights[1:], start=weights[0])
    gs, xs, dg, dx, dgrid = _flat(F, g), _flat(F, x), None, None, None
    if need[0]:
        dg = F.reshape(F.sample(xs, changed, taps.index), shape=g.shape)
    if need[1]:
        dx = F.sample_spread(gs, changed, taps.index, size=xs.shape[2])
        dx = F.reshape(dx, shape=x.shape)
    if need[2]:
        shares = F.sample_match(gs, xs, taps.index)
        bent = []
        for j in range(len(moves)):
            curves = [m * taps.weights(i, j) for i, m in enumerate(moves)]
            curve = shares * sum(curves[1:], start=curves[0])
            bent.append(F.sum(curve, dim=(1,), keepdim=False))
        dgrid = grid_of(F, bent, grid.shape)
    return dg, dx, dgrid


def _check_sampled(input: Tensor, grid: Tensor, mode: str) -> None:
    name = "grid_sample"
    shape, points = tuple(input._data.shape), tuple(grid._data.shape)
    require_same_device(name, input=input, grid=grid)
    dtype, of_grid = input.dtype, grid.dtype
    if dtype is not of_grid or not dtype.is_floating_point:
        raise DTypeError(
            f"{name}: input and grid must have one floating dtype, got {dtype} "
            f"and {of_grid}"
        )
    if len(shape) not in (4, 5) or len(points) != len(shape):
        raise ShapeError(
            f"{name}: input and grid must both be 4-D or both 5-D, got shapes {shape} "
            f"and {points}"
        )
    if points[0] != shape[0] or points[-1] != len(shape) - 2:
        raise ShapeError(
            f"{name}: for input {shape} grid must have {shape[0]} in its first and "
            f"{len(shape) - 2} in its last dimension, got {points}"
        )
    if 0 in shape[2:]:
        raise ShapeError(f"{name}: input has an empty spatial dimension, {shape}")
    if mode == "bicubic" and len(shape) == 5:
        raise ShapeError(f"{name}: bicubic sampling takes 4-D input only, got {shape}")


def _unknown(what: str, value: str, known: Sequence[str]) -> ArgumentError:
    return ArgumentError(
        f"grid_sample: {what} must be one of {', '.join(known)}; got {value!r}"
    )


@computes_in("float:cpu")
def grid_sample(
    input: Tensor,
    grid: Tensor,
    mode: str = "bilinear",
    padding_mode: str = "zeros",
    align_corners: bool | None = None,
) -> Tensor:
    """Sample planes or volumes at given points (Jaderberg et al. 2015).

    Args:
        input: (N, C, H, W) or (N, C, D, H, W).
        grid: (N, H', W', 2) of (x, y), or (N, D', H', W', 3) of (x, y, z), from -1,
            the beginning of a dimension, to 1, its end; of input's dtype.
        mode: ``"bilinear"`` (of volumes: trilinear), ``"nearest"`` or, of planes,
            ``"bicubic"``.
        padding_mode: beyond the edge lie ``"zeros"``, the last element (``"border"``)
            or the image mirrored (``"reflection"``).
        align_corners: -1 and 1 are the centres of the outermost elements; by default
            their outer edges.

    Returns:
        (N, C, H', W') or (N, C, D', H', W').

    Raises:
        ValueError: an unknown mode.
        RuntimeError: shapes or dtypes that do not fit.

    >>> x = lampas.tensor([[[[0.0, 1.0], [2.0, 3.0]]]])
    >>> lampas.nn.functional.grid_sample(x, lampas.zeros(1, 1, 1, 2))
    tensor([[[[1.5000]]]])
    """
    if mode not in _MODES:
        raise _unknown("mode", mode, _MODES)
    if padding_mode not in PADDINGS:
        raise _unknown("padding_mode", padding_mode, PADDINGS)
    _check_sampled(input, grid, mode)
    how = {"mode": mode, "padding": padding_mode, "corners": bool(align_corners)}
    dtype = input.dtype
    if dtype not in HALVES:
        return _grid_sample.call(input, grid, **how)
    x: Any = input.to(float32)
    return _grid_sample.call(x, grid.to(float32), **how).to(dtype)


# ---- grids


def _points(sizes: Sequence[int], corners: bool, like: Tensor) -> Any:
    """The points (x, y, 1) or (x, y, z, 1) of an even grid, (dims + 1, size)."""
    axes = []
    for axis, size in enumerate(sizes):
        end = (1.0 if corners else (size - 1) / size) if size > 1 else 0.0
        line: Any = linspace(-end, end, size, dtype=like.dtype, device=like.device)
        beside = [size if i == axis else 1 for i in range(len(sizes))]
        axes.append(line.reshape(*beside).expand(*sizes).reshape(-1))
    axes.reverse()
    axes.append(ones(math.prod(sizes), dtype=like.dtype, device=like.device))
    return stack(axes, 0)


def affine_grid(
    theta: Tensor, size: Sequence[int], align_corners: bool | None = None
) -> Tensor:
    """The points that affine maps make of an even grid, for :func:`grid_sample`.

    Args:
        theta: (N, 2, 3) or (N, 3, 4), floating: matrices and, last, translations.
        size: of the output: (N, C, H, W) or (N, C, D, H, W).
        align_corners: as for :func:`grid_sample`.

    Returns:
        (N, H, W, 2) or (N, D, H, W, 3).

    Raises:
        ValueError: theta and size that do not fit, or sizes that are not positive.
        NotImplementedError: ``size`` has neither four nor five numbers.

    >>> same = lampas.tensor([[[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]]])
    >>> lampas.nn.functional.affine_grid(same, (1, 1, 1, 2))
    tensor([[[[-0.5000,  0.0000],
              [ 0.5000,  0.0000]]]])
    """
    sizes = [int(s) for s in size]
    if not theta.is_floating_point():
        raise AffineDTypeError(
            f"affine_grid: theta must have a floating dtype, got {theta.dtype}"
        )
    if len(sizes) not in (4, 5):
        raise AffineRankError(
            f"affine_grid: size must have 4 or 5 numbers, got {tuple(size)}"
        )
    dims = len(sizes) - 2
    if theta._data.ndim != 3 or tuple(theta.shape) != (sizes[0], dims, dims + 1):
        raise ArgumentError(
            f"affine_grid: for size {tuple(size)} theta must have shape "
            f"{(sizes[0], dims, dims + 1)}, got {tuple(theta.shape)}"
        )
    if min(sizes) <= 0:
        raise ArgumentError(f"affine_grid: size must be positive, got {tuple(size)}")
    points = _points(sizes[2:], bool(align_corners), theta)
    # Long rows, put in order at the end, take a quarter of the time of short ones.
    rows: Any = theta @ points
    grid = rows.transpose(1, 2).contiguous()
    return grid.reshape(sizes[0], *sizes[2:], dims)


class AffineDTypeError(DTypeError, ValueError):
    """The matrices of an affine grid are not floating."""


class AffineRankError(ArgumentError, NotImplementedError):
    """An affine grid is neither a plane nor a volume."""

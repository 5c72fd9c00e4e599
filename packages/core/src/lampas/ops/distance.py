"""Distances between points: of two sets, and within one."""

from __future__ import annotations

from typing import Any

from lampas.engine.autocast import computes_in
from lampas.engine.infer import Spec, broadcast_shapes
from lampas.engine.record import OPAQUE, op
from lampas.engine.tensor import Tensor
from lampas.errors import ArgumentError, DTypeError, ShapeError
from lampas.ops._arguments import require_same_device
from lampas.ops._linalg import batch_pairs
from lampas.ops.mask import triu_indices
from lampas.ops.norms import vector_norm

__all__ = ["cdist", "pdist"]

_MODES = (
    "use_mm_for_euclid_dist_if_necessary",
    "use_mm_for_euclid_dist",
    "donot_use_mm_for_euclid_dist",
)


# ---- Euclidean distances by a matrix product


def _pairs_spec(specs: Any) -> Spec:
    (x, dtype), (other, _) = specs
    batch = broadcast_shapes(x[:-2], other[:-2])
    return Spec((*batch, x[-2], other[-2]), dtype)


_euclidean = op(
    "euclidean",
    kind=OPAQUE,
    saves="x other y x.shape other.shape",
    infer=_pairs_spec,
    autocast="float",
)
"""``|x_i - z_j|`` from ``|x_i|^2 + |z_j|^2 - 2 x_i z_j``: without all differences."""


@_euclidean.forward
def euclidean_forward(xp: Any, x: Any, other: Any) -> Any:
    squares = -2 * xp.matmul(x, other.swapaxes(-1, -2))
    squares += (x * x).sum(-1)[..., :, None]
    squares += (other * other).sum(-1)[..., None, :]
    return xp.sqrt(xp.maximum(squares, 0))


@_euclidean.vjp
def euclidean_vjp(
    F: Any,
    g: Any,
    x: Any,
    other: Any,
    y: Any,
    shape: Any,
    other_shape: Any,
    *,
    need: Any,
) -> Any:
    # Where two points are one, the gradient is taken as 0.
    weight = F.masked(g / y, y != 0)
    dx = dother = None
    if need[0]:
        total = F.sum(weight, dim=(weight.ndim - 1,), keepdim=True)
        dx = F.sum_to(x * total - F.matmul(weight, other), shape=shape)
    if need[1]:
        turned = F.matrix_transpose(weight)
        total = F.sum(turned, dim=(turned.ndim - 1,), keepdim=True)
        dother = F.sum_to(other * total - F.matmul(turned, x), shape=other_shape)
    return dx, dother


batch_pairs(_euclidean)


# ---- the functions


def _check_points(name: str, **points: Tensor) -> None:
    for argument, x in points.items():
        if x._data.dtype.name not in ("float32", "float64"):
            raise DTypeError(
                f"{name}: {argument} must be float32 or float64, got {x.dtype}"
            )


@computes_in("float")
def cdist(
    x1: Tensor,
    x2: Tensor,
    p: float = 2.0,
    compute_mode: str = "use_mm_for_euclid_dist_if_necessary",
) -> Tensor:
    """The distances of each point of one set from each of another.

    ``y[..., i, j] = (sum_k |x1[..., i, k] - x2[..., j, k]| ** p) ** (1 / p)``

    Args:
        x1: (..., n, k), float32 or float64.
        x2: (..., m, k); leading dimensions broadcast.
        p: the order of the norm, 0 to ``inf``.
        compute_mode: when Euclidean distances are computed by a matrix product, which
            is fast and less exact for close points: for more than 25 points
            (``"use_mm_for_euclid_dist_if_necessary"``), always, or never.

    Returns:
        (..., n, m).

    Raises:
        RuntimeError: not points of one size, another dtype, or a negative ``p``.
        ValueError: ``compute_mode`` is unknown.

    >>> lampas.cdist(lampas.tensor([[0.0, 0.0]]), lampas.tensor([[3.0, 4.0]]))
    tensor([[5.]])
    """
    if compute_mode not in _MODES:
        raise ArgumentError(
            f"cdist: compute_mode must be one of {', '.join(_MODES)}, got "
            f"{compute_mode!r}"
        )
    _check_points("cdist", x1=x1, x2=x2)
    a, b = x1._data.shape, x2._data.shape
    if len(a) < 2 or len(b) < 2 or a[-1] != b[-1]:
        raise ShapeError(
            f"cdist: x1 and x2 must be (..., n, k) and (..., m, k), got {a} and {b}"
        )
    if not p >= 0:
        raise ShapeError(f"cdist: p must not be negative, got {p}")
    require_same_device("cdist", x1=x1, x2=x2)
    many = a[-2] > 25 or b[-2] > 25
    if p == 2 and (compute_mode == _MODES[1] or (many and compute_mode == _MODES[0])):
        return _euclidean.call(x1, x2)
    return _norms(x1.unsqueeze(-2) - x2.unsqueeze(-3), p)


def _norms(differences: Tensor, p: float) -> Tensor:
    """The norms along the last dimension, 0 if that has no entries."""
    if differences._data.shape[-1] == 0:
        return differences.sum(-1)
    return vector_norm(differences, p, -1)


@computes_in("float")
def pdist(input: Tensor, p: float = 2) -> Tensor:
    """The distances of each two of a set of points, those of :func:`cdist` above 0.

    Args:
        input: (n, k), float32 or float64.
        p: the order of the norm, 0 to ``inf``.

    Returns:
        (n (n - 1) / 2,): those of points 0 and 1, 0 and 2, ..., 1 and 2, ...

    Raises:
        RuntimeError: not a matrix, another dtype, or a negative ``p``.

    >>> lampas.pdist(lampas.tensor([[0.0], [1.0], [3.0]]))
    tensor([1., 3., 2.])
    """
    _check_points("pdist", input=input)
    if input._data.ndim != 2:
        raise ShapeError(f"pdist: input must be (n, k), got {tuple(input.shape)}")
    if not p >= 0:
        raise ShapeError(f"pdist: p must not be negative, got {p}")
    count = input._data.shape[0]
    first, second = triu_indices(count, count, 1, device=input.device)
    return _norms(input.index_select(0, first) - input.index_select(0, second), p)

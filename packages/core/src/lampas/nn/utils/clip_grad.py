"""Clipping of gradients, by their common norm or value by value.

The arrays are changed in place, outside of the tape; version cells are bumped, so that
a gradient which the tape still needs is missed there and not used changed.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Iterable
from typing import Any

import numpy as np

from lampas.backend.device import namespace_of
from lampas.backend.native import bind
from lampas.dtypes import HALVES, get_default_dtype
from lampas.engine.inplace import written
from lampas.engine.modes import no_grad
from lampas.engine.tensor import Tensor, wrap
from lampas.errors import (
    ArgumentError,
    ArgumentTypeError,
    GradientError,
    NonFiniteError,
)

__all__ = [
    "NonFiniteNorm",
    "clip_grad_norm",
    "clip_grad_norm_",
    "clip_grad_value_",
    "clip_grads_with_norm_",
    "get_total_norm",
]


class _SparseGradientError(GradientError, NotImplementedError):
    """A gradient is sparse where only dense ones are taken."""


class NonFiniteNorm(NonFiniteError, RuntimeError):
    """The norm of the gradients is infinite or NaN."""


def _tensors(name: str, given: Tensor | Iterable[Tensor]) -> list[Tensor]:
    """One tensor or many, as a list."""
    tensors = [given] if isinstance(given, Tensor) else list(given)
    for i, x in enumerate(tensors):
        if not isinstance(x, Tensor):
            raise ArgumentTypeError(
                f"{name}: expected tensors, got {type(x).__name__} at position {i}"
            )
    return tensors


def _norm_of(array: Any, order: float) -> Any:
    """The p-norm of all elements, a 0-d array; half precision in float32."""
    xp = namespace_of(array)
    if array.dtype in HALVES:
        array = array.astype(np.float32)
    size = xp.abs(array)
    if math.isinf(order):
        if not size.size:
            return xp.zeros((), size.dtype)
        return xp.asarray(size.max() if order > 0 else size.min())
    if order == 0:
        return xp.asarray((size != 0).sum(), dtype=size.dtype)
    # A factor keeps the powers of very large and very small values in range.
    top = size.max() if size.size else size.dtype.type(0)
    if order < 0 or not (0 < top < math.inf):
        return xp.asarray((size**order).sum() ** (1.0 / order), dtype=size.dtype)
    scaled = size / top
    total = (scaled * scaled if order == 2 else scaled**order).sum()
    return xp.asarray(top * total ** (1.0 / order), dtype=size.dtype)


def _norm_of_all(arrays: list[Any], *, order: float) -> Any:
    xp = namespace_of(arrays[0])
    return _norm_of(xp.stack([_norm_of(a, order) for a in arrays]), order)


def _scaled(arrays: list[Any], *, factor: float) -> None:
    for data in arrays:
        if data.dtype in HALVES:
            data[...] = data.astype(np.float32) * factor
        else:
            data *= factor


def _clamped(arrays: list[Any], *, limit: float) -> None:
    for data in arrays:
        namespace_of(data).clip(data, -limit, limit, out=data)


_total_norm = bind("total_norm", _norm_of_all)
_scale_all = bind("scale_all", _scaled)
_clamp_all = bind("clamp_all", _clamped)


@no_grad()
@np.errstate(all="ignore")
def get_total_norm(
    tensors: Tensor | Iterable[Tensor],
    norm_type: float = 2.0,
    error_if_nonfinite: bool = False,
    foreach: bool | None = None,
) -> Tensor:
    """The norm of tensors as if they were one vector.

    Args:
        tensors: one tensor, or several of any shapes.
        norm_type: the order p of the norm; ``inf`` for the largest absolute value.
        error_if_nonfinite: refuse a norm that is infinite or NaN.
        foreach: accepted; one implementation serves all.

    Returns:
        The norm, 0-d; 0 without tensors.

    Raises:
        RuntimeError: the norm is not finite and ``error_if_nonfinite`` is set.

    >>> import lampas
    >>> lampas.nn.utils.get_total_norm([lampas.tensor([3.0]), lampas.tensor([4.0])])
    tensor(5.)
    """
    arrays = [x._data for x in _tensors("get_total_norm", tensors)]
    order = float(norm_type)
    if not arrays:
        return wrap(np.zeros((), get_default_dtype().numpy))
    dtypes = {a.dtype for a in arrays}
    total = _total_norm(arrays, order=order)
    if len(dtypes) == 1 and dtypes <= set(HALVES):
        total = total.astype(arrays[0].dtype)
    if error_if_nonfinite and not math.isfinite(float(total)):
        raise NonFiniteNorm(
            f"the total norm of order {order} of {len(arrays)} gradients is "
            f"{float(total)}, so they can't be clipped; to clip all the same, set "
            "error_if_nonfinite=False"
        )
    return wrap(total)


def _gradients(name: str, parameters: Tensor | Iterable[Tensor]) -> list[Tensor]:
    grads = [g for p in _tensors(name, parameters) if (g := p.grad) is not None]
    if any(g.is_sparse for g in grads):
        raise _SparseGradientError(
            f"{name}: takes no sparse gradients; leave their parameters out, or set "
            "p.grad = p.grad.to_dense() first"
        )
    return grads


@np.errstate(all="ignore")
def clip_grads_with_norm_(
    parameters: Tensor | Iterable[Tensor],
    max_norm: float,
    total_norm: Tensor,
    foreach: bool | None = None,
) -> None:
    """Scale gradients by ``min(1, max_norm / (total_norm + 1e-6))``, in place.

    Args:
        parameters: one tensor or several; those without gradient are left out.
        max_norm: the largest norm allowed.
        total_norm: the norm that the gradients have.
        foreach: accepted; one implementation serves all.

    >>> import lampas
    >>> w = lampas.ones(1, requires_grad=True)
    >>> (4 * w).sum().backward()
    >>> lampas.nn.utils.clip_grads_with_norm_(w, 2.0, lampas.tensor(4.0))
    >>> w.grad
    tensor([2.0000])
    """
    grads = _gradients("clip_grads_with_norm_", parameters)
    norm = float(total_norm)
    factor = float(max_norm) / (norm + 1e-6)
    if factor >= 1.0:
        return
    _scale_all([g._data for g in grads], factor=factor)
    written(grads, "clip_grad_norm_")


def clip_grad_norm_(
    parameters: Tensor | Iterable[Tensor],
    max_norm: float,
    norm_type: float = 2.0,
    error_if_nonfinite: bool = False,
    foreach: bool | None = None,
) -> Tensor:
    """Scale all gradients so that their common norm is at most ``max_norm``.

    Args:
        parameters: one tensor or several; those without gradient are left out.
        max_norm: the largest norm allowed.
        norm_type: the order p of the norm; ``inf`` for the largest absolute value.
        error_if_nonfinite: refuse a norm that is infinite or NaN; otherwise such a
            norm makes the gradients 0 or NaN.
        foreach: accepted; one implementation serves all.

    Returns:
        The norm before clipping, 0-d; 0 if nothing has a gradient.

    Raises:
        RuntimeError: the norm is not finite and ``error_if_nonfinite`` is set; the
            gradients are then unchanged.

    >>> import lampas
    >>> w = lampas.ones(2, requires_grad=True)
    >>> (w * lampas.tensor([3.0, 4.0])).sum().backward()
    >>> lampas.nn.utils.clip_grad_norm_([w], max_norm=1.0)
    tensor(5.)
    >>> w.grad
    tensor([0.6000, 0.8000])
    """
    tensors = _tensors("clip_grad_norm_", parameters)
    grads = _gradients("clip_grad_norm_", tensors)
    norm = get_total_norm(grads, norm_type, error_if_nonfinite, foreach)
    clip_grads_with_norm_(tensors, max_norm, norm, foreach)
    return norm


def clip_grad_norm(
    parameters: Tensor | Iterable[Tensor],
    max_norm: float,
    norm_type: float = 2.0,
    error_if_nonfinite: bool = False,
    foreach: bool | None = None,
) -> Tensor:
    """:func:`clip_grad_norm_` under its older name; warns."""
    warnings.warn(
        "clip_grad_norm is now deprecated in favor of clip_grad_norm_",
        FutureWarning,
        stacklevel=2,
    )
    return clip_grad_norm_(parameters, max_norm, norm_type, error_if_nonfinite, foreach)


def clip_grad_value_(
    parameters: Tensor | Iterable[Tensor],
    clip_value: float,
    foreach: bool | None = None,
) -> None:
    """Clip every entry of the gradients to ``[-clip_value, clip_value]``.

    Args:
        parameters: one tensor or several; those without gradient are left out.
        clip_value: the largest absolute value allowed, >= 0.
        foreach: accepted; one implementation serves all.

    Raises:
        ValueError: ``clip_value`` is negative.

    >>> import lampas
    >>> w = lampas.ones(2, requires_grad=True)
    >>> (w * lampas.tensor([-3.0, 0.5])).sum().backward()
    >>> lampas.nn.utils.clip_grad_value_([w], 1.0)
    >>> w.grad
    tensor([-1.0000,  0.5000])
    """
    limit = float(clip_value)
    if limit < 0:
        raise ArgumentError(f"clip_value must be >= 0, got {limit}")
    grads = _gradients("clip_grad_value_", parameters)
    _clamp_all([g._data for g in grads], limit=limit)
    written(grads, "clip_grad_value_")

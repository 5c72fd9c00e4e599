"""Cross entropy of scores: log_softmax and the choice of the target in one record."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from lampas.backend.device import from_host, namespace_of, to_host
from lampas.engine.autocast import computes_in
from lampas.engine.batching import all_batched
from lampas.engine.infer import Spec, like_input
from lampas.engine.record import DECLINE, op
from lampas.engine.tensor import Tensor, wrap
from lampas.engine.tracer import batched_by
from lampas.errors import ArgumentError, BoundsError, DTypeError, ShapeError
from lampas.ops._arguments import require_same_device
from lampas.ops._indices import bounds
from lampas.ops.softmax import log_softmax

__all__ = ["cross_entropy", "nll_loss"]


def _loss_specs(specs: Any, *, reduce: bool, **params: Any) -> Any:
    shape, dtype = specs[0]
    rows = Spec((shape[0], 1), dtype)
    return Spec(() if reduce else (shape[0],), dtype), rows


# Of row i: loss = total[i] * lse(x) - peak[i] * x[target[i]] - even[i] * (x @ floor).
_entropy = op(
    "cross_entropy",
    outputs=2,
    saves="x y1",
    fresh=True,
    infer=_loss_specs,
    autocast="float",
)
_backward = op(
    "cross_entropy_backward", saves="g x lse g.shape", fresh=True, infer=like_input
)
_delta = op("cross_entropy_delta", saves="x lse", fresh=True, infer=like_input)
"""The gradient for a cotangent of one: probabilities less target."""


@_entropy.forward
def cross_entropy_forward(xp: Any, x: Any, *, reduce: bool, how: Any) -> Any:
    top = xp.max(x, axis=1, keepdims=True)
    lse = xp.log(xp.sum(xp.exp(x - top), axis=1, keepdims=True))
    lse += top
    picked = x[xp.arange(x.shape[0]), how["target"]]
    loss = lse[:, 0] * how["total"] - picked * how["peak"]
    if how["floor"] is not None:
        loss -= xp.matmul(x, how["floor"]) * how["even"]
    if how["valid"] is not None:
        # Scores of ignored rows may be infinite.
        loss = xp.where(how["valid"], loss, loss.dtype.type(0))
    return (xp.sum(loss) if reduce else loss), lse


@_entropy.vjp
def cross_entropy_vjp(
    F: Any, g: Any, x: Any, lse: Any, *, need: Any, reduce: bool, how: Any
) -> Any:
    dy, _ = g
    if not reduce:
        dy = F.reshape(dy, shape=(dy.shape[0], 1))
    return (F.cross_entropy_backward(dy, x, lse, how=how),)


@_delta.forward
def cross_entropy_delta_forward(xp: Any, x: Any, lse: Any, *, how: Any) -> Any:
    delta = x - lse
    xp.exp(delta, out=delta)
    total = how["total"]
    if not isinstance(total, float):
        total = total[:, None]
    if how["valid"] is not None:
        delta = xp.where(how["valid"][:, None], delta, delta.dtype.type(0))
    delta *= total
    delta[xp.arange(x.shape[0]), how["target"]] -= how["peak"]
    if how["floor"] is not None:
        even = how["even"]
        even = even if isinstance(even, float) else even[:, None]
        delta -= even * how["floor"]
    return delta


@_delta.vjp
def cross_entropy_delta_vjp(
    F: Any, h: Any, x: Any, lse: Any, *, need: Any, how: Any
) -> Any:
    y = F.softmax(x, dim=(1,))
    return F.softmax_backward(h * how["column"], y, dim=(1,)), None


@_backward.forward
def cross_entropy_backward_forward(
    xp: Any, g: Any, x: Any, lse: Any, *, how: Any
) -> Any:
    delta = cross_entropy_delta_forward(xp, x, lse, how=how)
    delta *= g
    return delta


@_backward.vjp
def cross_entropy_backward_vjp(
    F: Any, h: Any, g: Any, x: Any, lse: Any, g_shape: Any, *, need: Any, how: Any
) -> Any:
    dg = dx = None
    if need[0]:
        dg = F.sum_to(h * F.cross_entropy_delta(x, lse, how=how), shape=g_shape)
    if need[1]:
        y = F.softmax(x, dim=(1,))
        dx = F.softmax_backward(h * g * how["column"], y, dim=(1,))
    return dg, dx, None


# ---- batches of vmap: their rows below each other


def _repeated(how: dict[str, Any], size: int) -> dict[str, Any]:
    """What is known of each row, for all rows of ``size`` examples."""
    return {
        key: namespace_of(value).concatenate([value] * size)
        if hasattr(value, "shape") and key != "floor"
        else value
        for key, value in how.items()
    }


@_entropy.batch
def cross_entropy_batch(
    F: Any, size: int, batched: Any, /, x: Any, *, reduce: bool, how: Any
) -> Any:
    count, classes = x.shape[1:]
    rows = F.reshape(x, shape=(size * count, classes))
    loss, lse = F.cross_entropy(rows, reduce=False, how=_repeated(how, size))
    loss = F.reshape(loss, shape=(size, count))
    if reduce:
        loss = F.sum(loss, dim=(1,), keepdim=False)
    return loss, F.reshape(lse, shape=(size, count, 1))


@_backward.batch
def cross_entropy_backward_batch(
    F: Any, size: int, batched: Any, /, g: Any, x: Any, lse: Any, *, how: Any
) -> Any:
    g, x, lse = all_batched(F, size, batched, (g, x, lse))
    count, classes = x.shape[1:]
    if g.ndim == 1:
        g = F.expand(F.reshape(g, shape=(size, 1, 1)), shape=(size, count, 1))
    delta = F.cross_entropy_backward(
        F.reshape(g, shape=(size * count, 1)),
        F.reshape(x, shape=(size * count, classes)),
        F.reshape(lse, shape=(size * count, 1)),
        how=_repeated(how, size),
    )
    return F.reshape(delta, shape=x.shape)


@_delta.batch
def cross_entropy_delta_batch(
    F: Any, size: int, batched: Any, /, x: Any, lse: Any, *, how: Any
) -> Any:
    x, lse = all_batched(F, size, batched, (x, lse))
    count, classes = x.shape[1:]
    delta = F.cross_entropy_delta(
        F.reshape(x, shape=(size * count, classes)),
        F.reshape(lse, shape=(size * count, 1)),
        how=_repeated(how, size),
    )
    return F.reshape(delta, shape=x.shape)


# ---- arguments


def _check_reduction(reduction: str) -> None:
    if reduction not in ("none", "mean", "sum"):
        raise ArgumentError(
            f"reduction must be 'none', 'mean' or 'sum', got {reduction!r}"
        )


def _check_shapes(name: str, input: Tensor, target: Tensor) -> None:
    require_same_device(name, input=input, target=target)
    have, want = tuple(target._data.shape), tuple(input._data.shape)
    if not want:
        raise ShapeError(f"{name}: input must have a class dimension, got a 0-d tensor")
    expected = want[:1] + want[2:] if len(want) > 1 else ()
    if have != expected:
        raise ShapeError(
            f"{name}: for input of shape {want} (classes in dimension "
            f"{min(1, len(want) - 1)}) target must have shape {expected}, got {have}"
        )


def _check_weight(name: str, weight: Tensor | None, classes: int) -> None:
    if weight is not None and tuple(weight._data.shape) != (classes,):
        raise ShapeError(
            f"{name}: weight must have one entry for each of the {classes} classes, "
            f"got shape {tuple(weight.shape)}"
        )


def _check_target(name: str, target: Any, classes: int, ignore: int) -> Any:
    """Which targets count (None: all), and targets safe to index with."""
    if target.dtype.kind not in "iu":
        raise DTypeError(
            f"{name}: target must hold class numbers (int64) of the shape of input "
            f"without its class dimension, got {target.dtype}"
        )
    if not target.size:
        return None, target
    low, high = bounds(target)
    if 0 <= low and high < classes and not low <= ignore <= high:
        return None, target
    valid = target != ignore
    wrong = valid & ((target < 0) | (target >= classes))
    if wrong.any():
        raise BoundsError(
            f"{name}: target {int(target[wrong][0])} is out of bounds: input has "
            f"{classes} classes, so it must be in [0, {classes - 1}]"
        )
    return (None if valid.all() else valid), np.where(valid, target, 0)


def _rows(x: Tensor) -> Tensor:
    """(N, C, ...) as (N * ..., C)."""
    ndim = x._data.ndim
    if ndim == 1:
        return x.reshape(1, -1)  # type: ignore[attr-defined]
    if ndim == 2:
        return x
    dims = (0, *range(2, ndim), 1)
    return x.permute(dims).reshape(-1, x._data.shape[1])  # type: ignore[attr-defined]


def _classes(x: Tensor) -> int:
    return x._data.shape[1] if x._data.ndim > 1 else x._data.shape[0]


def _on_batch(
    level: Any,
    function: Callable[..., Tensor],
    input: Tensor,
    target: Tensor,
    weight: Tensor | None = None,
    size_average: bool | None = None,
    ignore_index: int = -100,
    reduce: bool | None = None,
    reduction: str = "mean",
    **more: Any,
) -> Any:
    """A loss of each example from the losses of all rows of all examples."""
    reduction = reduction_of(reduction, size_average, reduce)
    if target.dtype.category == 2 or not (weight is None or level.shares(weight)):
        return DECLINE
    scores, classes = level.reveal(input), level.reveal(target)
    if not classes.numel():
        return DECLINE
    merged = (-1, *input.shape[1:]) if input.ndim > 1 else scores.shape
    losses = function(
        scores.reshape(merged),
        classes.reshape((-1, *target.shape[1:])) if target.ndim else classes,
        weight,
        ignore_index=ignore_index,
        reduction="none",
        **more,
    ).reshape(classes.shape)  # type: ignore[attr-defined]
    if reduction == "none":
        return level.hide(losses)
    losses = losses.reshape(level.size, -1).sum(1)
    if reduction == "mean":
        host = to_host(classes._data).reshape(level.size, -1)
        counted = host != ignore_index
        factors = np.float64(1) if weight is None else to_host(weight._data)
        if weight is not None:
            factors = factors[np.where(counted, host, 0)]
        whole = (factors * counted).astype(np.float64).sum(1)
        if not whole.all():
            return DECLINE
        losses = losses / wrap(from_host(whole, input.device)).to(losses.dtype)  # type: ignore[attr-defined]
    return level.hide(losses)


def _cross_entropy_batch(
    level: Any, *args: Any, label_smoothing: float = 0.0, **named: Any
) -> Any:
    smoothing = args[7] if len(args) > 7 else label_smoothing
    how = {**named, "label_smoothing": smoothing}
    return _on_batch(level, cross_entropy, *args[:7], **how)


def _nll_loss_batch(level: Any, *args: Any, **named: Any) -> Any:
    return _on_batch(level, nll_loss, *args, **named)


@batched_by(_cross_entropy_batch)
@computes_in("float")
def cross_entropy(
    input: Tensor,
    target: Tensor,
    weight: Tensor | None = None,
    size_average: bool | None = None,
    ignore_index: int = -100,
    reduce: bool | None = None,
    reduction: str = "mean",
    label_smoothing: float = 0.0,
) -> Tensor:
    """How far scores are from target classes: ``-log softmax(input)[target]``.

    Args:
        input: scores, (N, C, ...) or (C,).
        target: class numbers, (N, ...) or (), int64; or probabilities of input's shape.
        weight: (C,), factor of each class; ``"mean"`` divides by those of the targets.
        size_average, reduce: accepted as PyTorch's deprecated forms of ``reduction``.
        ignore_index: targets of this value do not count.
        reduction: ``"mean"``, ``"sum"`` or ``"none"`` (target's shape).
        label_smoothing: share of the target spread evenly over the classes.

    Raises:
        IndexError: a class number is out of range; the text has it and the limit.
        RuntimeError: shapes or dtypes that do not fit.
        ValueError: an unknown reduction.

    >>> scores = lampas.tensor([[0.0, 0.0]])
    >>> lampas.nn.functional.cross_entropy(scores, lampas.tensor([1]))
    tensor(0.6931)
    """
    reduction = reduction_of(reduction, size_average, reduce)
    if not 0.0 <= label_smoothing <= 1.0:
        raise ShapeError(
            f"label_smoothing must be between 0.0 and 1.0, got {label_smoothing}"
        )
    name = "cross_entropy"
    classes = _classes(input) if input._data.ndim else 0
    _check_weight(name, weight, classes)
    if target._data.shape == input._data.shape and target.dtype.category == 2:
        return _of_probabilities(input, target, weight, reduction, label_smoothing)
    _check_shapes(name, input, target)
    host = to_host(target._data)
    valid, safe = _check_target(name, host.reshape(-1), classes, ignore_index)
    if not safe.size:
        empty = input.sum()  # type: ignore[attr-defined]
        return input.sum(1) if reduction == "none" else _of_nothing(empty, reduction)  # type: ignore[attr-defined]
    how = _plan(safe, valid, weight, classes, reduction, label_smoothing)
    if input._data.dtype.kind in "biu":
        raise DTypeError(f"{name}: input must be floating, got {input.dtype}")
    dtype = np.float64 if input._data.dtype == np.float64 else np.float32
    for key, value in how.items():
        if isinstance(value, np.ndarray):
            value = value if value.dtype.kind in "bi" else value.astype(dtype)
            how[key] = from_host(value, input.device)
    # The mean of nothing is nan, but its gradient is zero.
    empty = how.pop("empty")
    loss, _ = _entropy.call(_rows(input), reduce=reduction != "none", how=how)
    if reduction == "none":
        return loss.reshape(target._data.shape)
    return loss + float("nan") if empty else loss


def _of_nothing(zero: Tensor, reduction: str) -> Tensor:
    return zero * float("nan") if reduction == "mean" else zero


def _plan(
    target: Any,
    valid: Any,
    weight: Tensor | None,
    classes: int,
    reduction: str,
    smoothing: float,
) -> dict[str, Any]:
    """Factors of each row: of its target, of all classes evenly, and their sum."""
    scale: Any = 1.0
    whole = None
    weights = None if weight is None else to_host(weight._data).astype(np.float64)
    of_target: Any = 1.0 if weights is None else weights[target]
    if valid is not None:
        of_target = of_target * valid
    if reduction == "mean":
        plain = isinstance(of_target, float)
        whole = float(target.size if plain else np.sum(of_target))
        scale = 1.0 / whole if whole else 1.0
    peak: Any = (1.0 - smoothing) * of_target * scale
    total, floor, even = peak, None, None
    if smoothing:
        floor = (np.ones(classes) if weights is None else weights) * smoothing / classes
        even = scale if valid is None else valid * scale
        total = peak + even * float(floor.sum())
    column = total if isinstance(total, float) else np.asarray(total)[:, None]
    return {
        "empty": reduction == "mean" and not whole,
        "target": target,
        "peak": peak,
        "floor": floor,
        "even": even,
        "total": total,
        "valid": valid,
        "column": column,
    }


def _of_probabilities(
    input: Tensor,
    target: Tensor,
    weight: Tensor | None,
    reduction: str,
    smoothing: float,
) -> Tensor:
    dim = 1 if input._data.ndim > 1 else 0
    classes = _classes(input)
    if smoothing:
        target = target * (1 - smoothing) + smoothing / classes
    products = log_softmax(input, dim) * target
    if weight is not None:
        shape = (classes, *(1,) * (input._data.ndim - 1 - dim))
        products = products * weight.reshape(shape)  # type: ignore[attr-defined]
    losses = -products.sum(dim)  # type: ignore[attr-defined]
    if reduction == "none":
        return losses
    total = losses.sum()
    return total / max(losses._data.size, 1) if reduction == "mean" else total


@batched_by(_nll_loss_batch)
@computes_in("float")
def nll_loss(
    input: Tensor,
    target: Tensor,
    weight: Tensor | None = None,
    size_average: bool | None = None,
    ignore_index: int = -100,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Tensor:
    """The negative log-likelihood of target classes: ``-input[target]``.

    Args:
        input: log-probabilities, (N, C, ...) or (C,).
        target, weight, size_average, ignore_index, reduce, reduction: as for
            :func:`cross_entropy`.

    Raises:
        IndexError: a class number is out of range.
        RuntimeError: shapes that do not fit.

    >>> scores = lampas.tensor([[-1.0, -2.0]])
    >>> lampas.nn.functional.nll_loss(scores, lampas.tensor([1]))
    tensor(2.)
    """
    reduction = reduction_of(reduction, size_average, reduce)
    _check_shapes("nll_loss", input, target)
    classes = _classes(input)
    _check_weight("nll_loss", weight, classes)
    flat = to_host(target._data).reshape(-1)
    valid, safe = _check_target("nll_loss", flat, classes, ignore_index)
    device, dtype = input.device, input._data.dtype
    index = wrap(from_host(safe.astype(np.int64), device))
    picked = _rows(input).gather(1, index.reshape(-1, 1)).reshape(-1)  # type: ignore[attr-defined]
    factors = np.ones(safe.shape) if weight is None else to_host(weight._data)[safe]
    factors = factors if valid is None else factors * valid
    if valid is not None:
        drop = wrap(from_host(~valid, device))
        picked = picked.masked_fill(drop, 0.0)
    losses = -(picked * wrap(from_host(factors.astype(dtype), device)))
    if reduction == "none":
        return losses.reshape(target._data.shape)
    total = losses.sum()
    if reduction == "sum":
        return total
    whole = float(factors.astype(np.float64).sum())
    return total / whole if whole else total * float("nan")


def reduction_of(reduction: str, size_average: bool | None, reduce: bool | None) -> str:
    """The reduction, also from PyTorch's two deprecated flags."""
    if size_average is not None or reduce is not None:
        if reduce is False:
            return "none"
        return "sum" if size_average is False else "mean"
    _check_reduction(reduction)
    return reduction

"""Adafactor (Shazeer and Stern 2018)."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import numpy as np

from lampas.backend.native import bind, left_alone
from lampas.dtypes import finfo
from lampas.engine.tensor import Tensor, wrap
from lampas.errors import ArgumentError, DTypeError
from lampas.optim._options import check_not_negative
from lampas.optim.optimizer import (
    Optimizer,
    changed,
    gradients_of,
    like,
    negated,
    number,
    step_each,
)

__all__ = ["Adafactor"]

_native_step: Callable[..., bool] = bind("adafactor_step", left_alone)


class Adafactor(Optimizer):
    """Adam's second moment kept as the means of rows and columns: little memory.

    With ``b = t ** beta2_decay``, ``r = (1 - b) * r + b * mean(g ** 2, -1)``,
    ``c = (1 - b) * c + b * mean(g ** 2, -2)``, ``v = r * c / mean(r)`` (for vectors
    ``v = (1 - b) * v + b * g ** 2``), ``u = g / sqrt(v)``:
    ``p = p - max(eps[1], rms(p)) * min(lr, 1 / sqrt(t)) * u / max(1, rms(u) / d)``.

    Source: Shazeer and Stern, Adafactor: Adaptive Learning Rates with Sublinear Memory
    Cost, 2018.

    Args:
        params: parameters or groups; real ones.
        lr: the largest step relative to the parameter's size, >= 0.
        beta2_decay: power by which the weight of a new square falls, <= 0.
        eps: (added to squares, least size of a parameter); None is the spacing of the
            parameter's dtype at one.
        d: the size of an update above which it is clipped, >= 1.
        weight_decay: shrinks the parameters by ``1 - lr * weight_decay``; >= 0.
        foreach: accepted; one implementation serves all.
        maximize: go up instead of down.

    Raises:
        ValueError: an option is out of range.
        RuntimeError: a parameter is complex.

    >>> import lampas
    >>> w = lampas.nn.Parameter(lampas.tensor([1.0]))
    >>> optimizer = lampas.optim.Adafactor([w])
    >>> (w * w).sum().backward()
    >>> optimizer.step()
    >>> round(w.item(), 4)
    0.99
    """

    def __init__(
        self,
        params: Any,
        lr: float = 1e-2,
        beta2_decay: float = -0.8,
        eps: tuple[float | None, float] = (None, 1e-3),
        d: float = 1.0,
        weight_decay: float = 0.0,
        *,
        foreach: bool | None = None,
        maximize: bool = False,
    ) -> None:
        check_not_negative(lr=lr, weight_decay=weight_decay)
        check_not_negative(**{"eps[0]": eps[0] or 0, "eps[1]": eps[1]})
        if not beta2_decay <= 0:
            raise ArgumentError(f"beta2_decay must be <= 0, got {beta2_decay}")
        if not d >= 1:
            raise ArgumentError(f"d must be >= 1, got {d}")
        options = {
            "lr": lr,
            "beta2_decay": beta2_decay,
            "eps": eps,
            "d": d,
            "weight_decay": weight_decay,
            "foreach": foreach,
            "maximize": maximize,
        }
        super().__init__(params, options)

    def _update(self, group: dict[str, Any], params: list[Tensor]) -> None:
        stepped, rows, counts = [], [], []
        for p, g in zip(params, gradients_of(params), strict=True):
            if p.is_complex():
                raise DTypeError("Adafactor takes real parameters, got a complex one")
            state = self.state[p]
            if not state:
                state.update(_begin(p))
            count = state["step"]._data
            count += 1
            if p._data.size:
                names = ("variance",) if p.ndim < 2 else ("row_var", "col_var")
                rows.append([p._data, g, *(state[name]._data for name in names)])
                counts.append(int(count))
                stepped.append(p)
        if rows:
            native = functools.partial(_step_natively, group=group)
            reference = functools.partial(_step, group=group)
            step_each(native, reference, stepped, rows, counts)
        changed(params)


def _begin(p: Tensor) -> dict[str, Any]:
    if p.ndim < 2:
        return {"step": number(0), "variance": like(p)}
    rows, columns = like(p)._data[..., :1], like(p)._data[..., :1, :]
    return {
        "step": number(0),
        "row_var": wrap(rows.copy()),
        "col_var": wrap(columns.copy()),
    }


def _step_natively(
    rows: list[list[Any]], counts: list[int], group: dict[str, Any]
) -> bool:
    least, smallest = group["eps"]
    return _native_step(
        rows,
        counts,
        lr=float(group["lr"]),
        beta2_decay=float(group["beta2_decay"]),
        eps=(_least(least, rows[0][0].dtype), float(smallest)),
        d=float(group["d"]),
        weight_decay=float(group["weight_decay"]),
        maximize=bool(group["maximize"]),
    )


def _least(least: float | None, dtype: Any) -> float:
    return float(finfo(dtype).eps if least is None else least)


def _step(arrays: list[Any], t: int, group: dict[str, Any]) -> None:
    """Step one parameter: its data, its gradient and the means of squares."""
    own, g, *means = arrays
    kind = own.dtype if own.dtype.itemsize > 2 else np.float32
    data, g = own.astype(kind, copy=False), g.astype(kind, copy=False)
    g = negated(g) if group["maximize"] else g
    lr, (least, smallest) = float(group["lr"]), group["eps"]
    least = _least(least, own.dtype)
    size = max(smallest, _rms(data)) * min(lr, t**-0.5)
    variance = _variance(g, t ** group["beta2_decay"], least, means)
    np.maximum(variance, least * least, out=variance)
    update = np.divide(g, np.sqrt(variance, out=variance), out=variance)
    update *= -size / max(1.0, _rms(update) / group["d"])
    own[...] = data * (1 - lr * float(group["weight_decay"])) + update


def _rms(x: Any) -> float:
    return float(np.sqrt(np.mean(np.square(x))))


def _variance(g: Any, new: float, least: float, means: list[Any]) -> Any:
    """The estimate of each element's mean square, and the state it comes from."""
    squares = np.square(g)
    if g.ndim < 2:
        return np.atleast_1d(_mixed(means[0], squares, new)).reshape(g.shape)
    rows = _mixed(means[0], squares.mean(-1, keepdims=True), new)
    columns = _mixed(means[1], squares.mean(-2, keepdims=True), new)
    return rows * (columns / np.maximum(rows.mean(-2, keepdims=True), least))


def _mixed(mean: Any, value: Any, new: float) -> Any:
    """Move a running mean towards a value; returns a new array of the value's dtype."""
    result = mean.astype(value.dtype)
    result += (value - result) * new
    mean[...] = result
    return result

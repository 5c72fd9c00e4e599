"""Adam (Kingma and Ba 2015) and AdamW (Loshchilov and Hutter 2019)."""

from __future__ import annotations

from typing import Any

import numpy as np

from lampas.engine.tensor import Tensor, wrap
from lampas.errors import ArgumentError
from lampas.optim.optimizer import (
    Optimizer,
    changed,
    gradients_of,
    is_half,
    like,
)

__all__ = ["Adam", "AdamW"]


class Adam(Optimizer):
    """Steps scaled by running means of the gradient and of its square.

    ``m = b1 * m + (1 - b1) * g``, ``v = b2 * v + (1 - b2) * g ** 2``,
    ``p = p - lr * (m / (1 - b1 ** t)) / (sqrt(v / (1 - b2 ** t)) + eps)``.

    Args:
        params: parameters or groups.
        lr: step size, >= 0.
        betas: (b1, b2), each in [0, 1).
        eps: added to the denominator.
        weight_decay: L2 penalty, added to the gradient; >= 0.
        amsgrad: divide by the largest ``v`` so far (Reddi et al. 2018).
        foreach, maximize, capturable, differentiable, fused: as in PyTorch; only
            ``maximize`` changes anything.
        decoupled_weight_decay: shrink the parameters instead, as AdamW does.

    Raises:
        ValueError: an option is out of range.

    >>> import lampas
    >>> w = lampas.nn.Parameter(lampas.tensor([1.0]))
    >>> optimizer = lampas.optim.Adam([w], lr=0.1)
    >>> (w * w).sum().backward()
    >>> optimizer.step()
    >>> round(w.item(), 4)
    0.9
    """

    def __init__(
        self,
        params: Any,
        lr: float = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0,
        amsgrad: bool = False,
        *,
        foreach: bool | None = None,
        maximize: bool = False,
        capturable: bool = False,
        differentiable: bool = False,
        fused: bool | None = None,
        decoupled_weight_decay: bool = False,
    ) -> None:
        for name, value in (("lr", lr), ("eps", eps), ("weight_decay", weight_decay)):
            if value < 0:
                raise ArgumentError(f"{name} must be >= 0, got {value}")
        for i, beta in enumerate(betas):
            if not 0 <= beta < 1:
                raise ArgumentError(f"betas[{i}] must be in [0, 1), got {beta}")
        options = {
            "lr": lr,
            "betas": betas,
            "eps": eps,
            "weight_decay": weight_decay,
            "amsgrad": amsgrad,
            "maximize": maximize,
            "foreach": foreach,
            "capturable": capturable,
            "differentiable": differentiable,
            "fused": fused,
            "decoupled_weight_decay": decoupled_weight_decay,
        }
        super().__init__(params, options)

    def _update(self, group: dict[str, Any], params: list[Tensor]) -> None:
        for p, g in zip(params, gradients_of(params, group["maximize"]), strict=True):
            state = self.state[p]
            if not state:
                state["step"] = wrap(np.zeros((), np.float32))
                state["exp_avg"], state["exp_avg_sq"] = like(p), like(p)
                if group["amsgrad"]:
                    state["max_exp_avg_sq"] = like(p)
            state["step"]._data[...] += 1
            if is_half(p):
                _half_step(p, g, state, group)
            else:
                arrays = [state[name]._data for name in _moments(group)]
                _step_parts(p._data, g, int(state["step"]._data), arrays, group)
        changed(params)


def _moments(group: dict[str, Any]) -> tuple[str, ...]:
    names = ("exp_avg", "exp_avg_sq")
    return (*names, "max_exp_avg_sq") if group["amsgrad"] else names


def _step_parts(
    data: Any, g: Any, t: int, moments: list[Any], group: dict[str, Any]
) -> None:
    """A step; complex parameters count as two real ones, as in PyTorch."""
    if data.dtype.kind != "c":
        _step(data, g, t, moments, group)
        return
    _step(data.real, g.real, t, [m.real for m in moments], group)
    _step(data.imag, g.imag, t, [m.imag for m in moments], group)


def _step(data: Any, g: Any, t: int, moments: list[Any], group: dict[str, Any]) -> None:
    """One step of one parameter, in place; two temporaries of its size."""
    b1, b2 = group["betas"]
    lr, decay = float(group["lr"]), group["weight_decay"]
    if decay and group["decoupled_weight_decay"]:
        data *= 1 - lr * decay
    elif decay:
        g = g + data * decay
    mean, square = moments[0], moments[1]
    work = g * (1 - b1)
    mean *= b1
    mean += work
    work = g * g
    work *= 1 - b2
    square *= b2
    square += work
    if group["amsgrad"]:
        np.maximum(moments[2], square, out=moments[2])
        square = moments[2]
    scale = 1 / (1 - b2**t) ** 0.5
    root = square**0.5
    root *= scale
    root += group["eps"]
    np.divide(mean, root, out=work)
    work *= lr / (1 - b1**t)
    data -= work


def _half_step(p: Tensor, g: Any, state: dict[str, Any], group: dict[str, Any]) -> None:
    """A step in float32, each result rounded once."""
    names = _moments(group)
    wide = [state[k]._data.astype(np.float32) for k in names]
    data = p._data.astype(np.float32)
    _step(data, g.astype(np.float32), int(state["step"]._data), wide, group)
    p._data[...] = data
    for name, value in zip(names, wide, strict=True):
        state[name]._data[...] = value


class AdamW(Adam):
    """Adam whose weight decay shrinks the parameters: ``p = p * (1 - lr * decay)``.

    Args:
        params, lr, betas, eps, amsgrad, maximize: as for :class:`Adam`.
        weight_decay: the decay, >= 0.
        foreach, capturable, differentiable, fused: accepted; they change nothing.

    Raises:
        ValueError: an option is out of range.

    >>> import lampas
    >>> w = lampas.nn.Parameter(lampas.tensor([1.0]))
    >>> lampas.optim.AdamW([w]).defaults["weight_decay"]
    0.01
    """

    def __init__(
        self,
        params: Any,
        lr: float = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 1e-2,
        amsgrad: bool = False,
        *,
        maximize: bool = False,
        foreach: bool | None = None,
        capturable: bool = False,
        differentiable: bool = False,
        fused: bool | None = None,
    ) -> None:
        super().__init__(
            params,
            lr,
            betas,
            eps,
            weight_decay,
            amsgrad,
            foreach=foreach,
            maximize=maximize,
            capturable=capturable,
            differentiable=differentiable,
            fused=fused,
            decoupled_weight_decay=True,
        )

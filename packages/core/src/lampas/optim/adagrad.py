"""Adagrad (Duchi, Hazan and Singer 2011)."""

from __future__ import annotations

from typing import Any

import numpy as np

from lampas.backend.native import bind, left_alone
from lampas.engine.tensor import Tensor
from lampas.optim._by_element import ByElement, with_decay
from lampas.optim._options import check_modes, check_not_negative
from lampas.optim.optimizer import changed, refuse_decay, rows_of

__all__ = ["Adagrad"]


class Adagrad(ByElement):
    """Steps divided by the root of the sum of all squares so far.

    ``s = s + g ** 2``, ``p = p - lr / (1 + (t - 1) * lr_decay) * g / (sqrt(s) + eps)``.

    Source: Duchi, Hazan and Singer, Adaptive Subgradient Methods for Online Learning
    and Stochastic Optimization, 2011.

    Args:
        params: parameters or groups.
        lr: step size, >= 0; a number or a tensor of one element.
        lr_decay: how fast the step size falls, >= 0.
        weight_decay: L2 penalty, added to the gradient; >= 0.
        initial_accumulator_value: where the sum begins, >= 0.
        eps: added to the denominator, >= 0.
        foreach, fused: accepted; one implementation serves all.
        maximize: go up instead of down.
        differentiable: must be False.

    Sparse gradients change the rows that they list.

    Raises:
        ValueError: an option is out of range.

    >>> import lampas
    >>> w = lampas.nn.Parameter(lampas.tensor([1.0]))
    >>> optimizer = lampas.optim.Adagrad([w])
    >>> (w * w).sum().backward()
    >>> optimizer.step()
    >>> round(w.item(), 4)
    0.99
    """

    _kernel = staticmethod(bind("adagrad_step", left_alone))
    _kernel_numbers = ("lr", "eps", "weight_decay", "lr_decay")

    def __init__(
        self,
        params: Any,
        lr: float = 1e-2,
        lr_decay: float = 0,
        weight_decay: float = 0,
        initial_accumulator_value: float = 0,
        eps: float = 1e-10,
        foreach: bool | None = None,
        *,
        maximize: bool = False,
        differentiable: bool = False,
        fused: bool | None = None,
    ) -> None:
        check_not_negative(lr=lr, lr_decay=lr_decay, weight_decay=weight_decay, eps=eps)
        check_not_negative(initial_accumulator_value=initial_accumulator_value)
        check_modes(lr, foreach=foreach, fused=fused, differentiable=differentiable)
        options = {
            "lr": lr,
            "lr_decay": lr_decay,
            "weight_decay": weight_decay,
            "initial_accumulator_value": initial_accumulator_value,
            "eps": eps,
            "foreach": foreach,
            "maximize": maximize,
            "differentiable": differentiable,
            "fused": fused,
        }
        super().__init__(params, options)
        # The sums are there before the first step, as in PyTorch's checkpoints.
        for group in self.param_groups:
            for p in group["params"]:
                self.state[p].update(self._begin(p, group))

    def _moments(self, group: dict[str, Any]) -> tuple[str, ...]:
        return ("sum",)

    def _begin(self, p: Tensor, group: dict[str, Any]) -> dict[str, Any]:
        state = super()._begin(p, group)
        value = group["initial_accumulator_value"]
        # Both parts of a complex number have a sum.
        state["sum"]._data[...] = complex(value, value) if p.is_complex() else value
        return state

    def _check_layouts(
        self, group: dict[str, Any], dense: list[Tensor], sparse: list[Tensor]
    ) -> None:
        refuse_decay(type(self).__name__, group, sparse)

    def _update_rows(self, group: dict[str, Any], params: list[Tensor]) -> None:
        for p in params:
            g = rows_of(p, group["maximize"])
            state, at = self.state[p], tuple(g.places)
            count = state["step"]._data
            count += 1
            total = state["sum"]._data
            arrays = [p._data[at], g.parts, total[at]]
            self._step_parts(arrays, int(count), group)
            p._data[at], total[at] = arrays[0], arrays[2]
        changed(params)

    def _step(
        self, data: Any, g: Any, moments: list[Any], t: int, group: dict[str, Any]
    ) -> None:
        g = with_decay(g, data, group["weight_decay"])
        total = moments[0]
        work = g * g
        total += work
        np.sqrt(total, out=work)
        work += group["eps"]
        np.divide(g, work, out=work)
        work *= float(group["lr"]) / (1 + (t - 1) * group["lr_decay"])
        data -= work

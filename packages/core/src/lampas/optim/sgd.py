"""Stochastic gradient descent, with momentum (Sutskever et al. 2013)."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import numpy as np

from lampas.backend.native import bind, left_alone
from lampas.dtypes import HALVES
from lampas.engine.rows import Rows
from lampas.engine.tensor import Tensor
from lampas.errors import ArgumentError
from lampas.optim._options import check_modes, check_not_negative
from lampas.optim.optimizer import (
    Optimizer,
    changed,
    gradients_of,
    like,
    negated,
    refuse_decay,
    rows_of,
    step_each,
)

__all__ = ["SGD"]

_native_step: Callable[..., bool] = bind("sgd_step", left_alone)


class SGD(Optimizer):
    """Gradient descent: ``v = momentum * v + g``, ``p = p - lr * v``.

    The first ``v`` is ``g`` itself, as in PyTorch; ``g`` includes
    ``weight_decay * p``.

    Args:
        params: parameters or groups.
        lr: step size, >= 0; a number or a tensor of one element.
        momentum: factor of the velocity, >= 0.
        dampening: shrinks new gradients in the velocity by ``1 - dampening``.
        weight_decay: L2 penalty, >= 0.
        nesterov: look ahead by ``g + momentum * v``; needs momentum and no dampening.
        maximize: go up instead of down.
        foreach, fused: accepted; one implementation serves all.
        differentiable: must be False.

    Sparse gradients change the rows that they list, and with momentum those listed
    before.

    Raises:
        ValueError: an option is out of range.

    >>> import lampas
    >>> w = lampas.nn.Parameter(lampas.tensor([1.0]))
    >>> optimizer = lampas.optim.SGD([w], lr=0.1)
    >>> (w * w).sum().backward()
    >>> optimizer.step()
    >>> w.item()
    0.800000011920929
    """

    def __init__(
        self,
        params: Any,
        lr: float = 1e-3,
        momentum: float = 0,
        dampening: float = 0,
        weight_decay: float = 0,
        nesterov: bool = False,
        *,
        maximize: bool = False,
        foreach: bool | None = None,
        differentiable: bool = False,
        fused: bool | None = None,
    ) -> None:
        check_not_negative(lr=lr, momentum=momentum, weight_decay=weight_decay)
        check_modes(lr, foreach=foreach, fused=fused, differentiable=differentiable)
        if nesterov and (momentum <= 0 or dampening != 0):
            raise ArgumentError("nesterov needs a momentum and zero dampening")
        options = {
            "lr": lr,
            "momentum": momentum,
            "dampening": dampening,
            "weight_decay": weight_decay,
            "nesterov": nesterov,
            "maximize": maximize,
            "foreach": foreach,
            "differentiable": differentiable,
            "fused": fused,
        }
        super().__init__(params, options)

    def _update(self, group: dict[str, Any], params: list[Tensor]) -> None:
        native = functools.partial(self._step_natively, group=group)
        reference = functools.partial(self._step, group=group)
        step_each(native, reference, params, params, gradients_of(params))
        changed(params)

    def _step(self, p: Tensor, g: Any, group: dict[str, Any]) -> None:
        lr, decay = float(group["lr"]), float(group["weight_decay"])
        data, wide = p._data, p._data
        g = negated(g) if group["maximize"] else g
        if data.dtype in HALVES:
            wide, g = data.astype(np.float32), g.astype(np.float32)
        if decay:
            g = g + wide * decay
        if group["momentum"]:
            g = self._velocity(p, g, group)
        step = g * lr
        if wide is data:
            data -= step
        else:
            data[...] = wide - step

    def _step_natively(
        self, params: list[Tensor], gradients: list[Any], group: dict[str, Any]
    ) -> bool:
        rows = [[p._data, g] for p, g in zip(params, gradients, strict=True)]
        if group["momentum"]:
            for p, row in zip(params, rows, strict=True):
                buffer = self.state[p].get("momentum_buffer")
                if buffer is None or buffer.is_sparse:
                    return False
                row.append(buffer._data)
        return _native_step(
            rows,
            lr=float(group["lr"]),
            weight_decay=float(group["weight_decay"]),
            momentum=float(group["momentum"]),
            dampening=float(group["dampening"]),
            nesterov=bool(group["nesterov"]),
            maximize=bool(group["maximize"]),
        )

    def _check_layouts(
        self, group: dict[str, Any], dense: list[Tensor], sparse: list[Tensor]
    ) -> None:
        refuse_decay(type(self).__name__, group, sparse)

    def _update_rows(self, group: dict[str, Any], params: list[Tensor]) -> None:
        lr = float(group["lr"])
        for p in params:
            g = rows_of(p, group["maximize"])
            if group["momentum"]:
                g = self._sparse_velocity(p, g, group)
            p._data[tuple(g.places)] -= g.parts * lr
        changed(params)

    def _sparse_velocity(self, p: Tensor, g: Rows, group: dict[str, Any]) -> Rows:
        momentum, state = group["momentum"], self.state[p]
        buffer, velocity = state.get("momentum_buffer"), g
        if buffer is not None and not buffer.is_sparse:
            # The parameter had dense gradients before.
            buffer = _all_listed(buffer._data, len(g.places))
        if buffer is not None:
            old = Rows.of(buffer) * momentum
            velocity = (old + g * (1.0 - group["dampening"])).summed()
        state["momentum_buffer"] = velocity.tensor(True)
        return (g + velocity * momentum).summed() if group["nesterov"] else velocity

    def _velocity(self, p: Tensor, g: Any, group: dict[str, Any]) -> Any:
        momentum = group["momentum"]
        state = self.state[p]
        buffer = state.get("momentum_buffer")
        if buffer is not None and buffer.is_sparse:
            state["momentum_buffer"] = buffer = buffer.to_dense()
        if buffer is None:
            state["momentum_buffer"] = buffer = like(p)
            buffer._data[...] = velocity = g
        else:
            velocity = buffer._data.astype(g.dtype, copy=False)
            velocity *= momentum
            velocity += g * (1 - group["dampening"]) if group["dampening"] else g
            if velocity is not buffer._data:
                buffer._data[...] = velocity
        return g + velocity * momentum if group["nesterov"] else velocity


def _all_listed(array: Any, depth: int) -> Any:
    """A sparse tensor of all elements, its places along ``depth`` dimensions."""
    shape = array.shape
    places = np.indices(shape[:depth]).reshape(depth, -1)
    return Rows(places, array.reshape(-1, *shape[depth:]), shape).tensor(True)

"""Adam for sparse gradients: rows that are not listed stay as they are."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import numpy as np

from lampas.backend.native import bind, left_alone
from lampas.dtypes import HALVES
from lampas.engine.tensor import Tensor
from lampas.errors import ArgumentError, GradientError
from lampas.optim._options import check_betas, check_not_negative
from lampas.optim.optimizer import Optimizer, changed, like, rows_of, step_each

__all__ = ["SparseAdam"]

_native_step: Callable[..., bool] = bind("sparse_adam_step", left_alone)


class SparseAdam(Optimizer):
    """Adam's steps for the rows that a sparse gradient lists.

    Of these rows only, ``m = b1 * m + (1 - b1) * g``, ``v = b2 * v + (1 - b2) * g**2``,
    ``p = p - lr * sqrt(1 - b2 ** t) / (1 - b1 ** t) * m / (sqrt(v) + eps)``; ``t``
    counts the steps of the whole parameter. The means of other rows do not fade.

    Args:
        params: parameters or groups; dense tensors, whose gradients are sparse.
        lr: step size, > 0; a number or a tensor of one element.
        betas: (b1, b2), each in [0, 1).
        eps: added to the denominator, > 0.
        maximize: go up instead of down.

    Raises:
        ValueError: an option is out of range, or a parameter is sparse or complex.
        RuntimeError: of ``step``: a gradient is dense.

    >>> import lampas
    >>> table = lampas.nn.Embedding(1000, 2, sparse=True)
    >>> optimizer = lampas.optim.SparseAdam(table.parameters(), lr=0.1)
    >>> table(lampas.tensor([3, 7])).sum().backward()
    >>> optimizer.step()
    >>> table.weight.grad._nnz()
    2
    """

    def __init__(
        self,
        params: Any,
        lr: float = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        maximize: bool = False,
    ) -> None:
        check_not_negative(lr=lr, eps=eps)
        if not lr > 0 or not eps > 0:
            raise ArgumentError(f"lr and eps must be > 0, got {lr} and {eps}")
        check_betas(betas)
        options = {"lr": lr, "betas": betas, "eps": eps, "maximize": maximize}
        super().__init__(params, options)

    def _check(self, params: list[Any]) -> None:
        super()._check(params)
        for i, p in enumerate(params):
            if p.is_sparse or p.is_complex():
                raise ArgumentError(
                    "SparseAdam needs dense real parameters, whose gradients are "
                    f"sparse; parameter {i} is {'sparse' if p.is_sparse else p.dtype}"
                )

    def _check_layouts(
        self, group: dict[str, Any], dense: list[Tensor], sparse: list[Tensor]
    ) -> None:
        if dense:
            raise GradientError(
                "SparseAdam does not support dense gradients, got one of shape "
                f"{tuple(dense[0].shape)}; use Adam for that parameter"
            )

    def _update(self, group: dict[str, Any], params: list[Tensor]) -> None:
        """There are no dense gradients."""

    def _update_rows(self, group: dict[str, Any], params: list[Tensor]) -> None:
        rows, steps = [], []
        for p in params:
            state = self.state[p]
            if not state:
                state.update(step=0, exp_avg=like(p), exp_avg_sq=like(p))
            # A number, as in PyTorch's checkpoints.
            state["step"] = int(state["step"]) + 1
            steps.append(state["step"])
            g = rows_of(p)
            moments = state["exp_avg"]._data, state["exp_avg_sq"]._data
            rows.append([p._data, g.places, g.parts, *moments])
        b1, b2 = map(float, group["betas"])
        options: dict[str, Any] = {
            "lr": float(group["lr"]),
            "betas": (b1, b2),
            "eps": float(group["eps"]),
            "maximize": bool(group["maximize"]),
        }
        native = functools.partial(_native_step, **options)
        reference = functools.partial(_step, **options)
        step_each(native, reference, params, rows, steps)
        changed(params)


def _step(
    arrays: list[Any],
    t: int,
    *,
    lr: float,
    betas: tuple[float, float],
    eps: float,
    maximize: bool,
) -> None:
    """Change the rows at some places of a table and its moments in place."""
    data, places, g, mean, square = arrays
    at, (b1, b2) = tuple(places), betas
    if maximize:
        g = g * -1.0
    if g.dtype in HALVES:
        g = g.astype(np.float32)
    m, v = mean[at].astype(g.dtype), square[at].astype(g.dtype)
    m += (g - m) * (1 - b1)
    v += (g * g - v) * (1 - b2)
    mean[at], square[at] = m, v
    np.sqrt(v, out=v)
    v += eps
    m /= v
    m *= lr * (1 - b2**t) ** 0.5 / (1 - b1**t)
    data[at] -= m

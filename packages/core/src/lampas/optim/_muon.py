"""Muon: momentum made orthogonal (Jordan et al. 2024)."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from typing import Any

import numpy as np

from lampas.backend.native import bind, left_alone
from lampas.dtypes import HALVES
from lampas.engine.tensor import Tensor
from lampas.errors import ArgumentError, DTypeError
from lampas.optim._options import check_not_negative
from lampas.optim.optimizer import Optimizer, changed, gradients_of, like, step_each

__all__ = ["Muon"]

_native_step: Callable[..., bool] = bind("muon_step", left_alone)

_RATES = ("original", "match_rms_adamw")


class Muon(Optimizer):
    """Steps along the orthogonal matrix next to the momentum; for matrices only.

    ``m = momentum * m + (1 - momentum) * g``, ``u = momentum * m + (1 - momentum) * g``
    if nesterov else ``m``; ``u`` is divided by its norm and, ``ns_steps`` times,
    ``u = a * u + (b * (u u^T) + c * (u u^T) ** 2) u``, which brings its singular
    values near one; ``p = p * (1 - lr * weight_decay) - rate * u``.

    The iteration runs in float32 (PyTorch's in bfloat16: its steps differ from these
    by that type's rounding).

    Sources: Jordan et al., Muon: An optimizer for hidden layers in neural networks,
    2024; Liu et al., Muon is Scalable for LLM Training, 2025.

    Args:
        params: matrices, or groups of them; biases and embeddings go to AdamW.
        lr: step size, >= 0.
        weight_decay: shrinks the parameters by ``1 - lr * weight_decay``; >= 0.
        momentum: weight of the past in the momentum, >= 0.
        nesterov: look ahead by the momentum.
        ns_coefficients: (a, b, c) of the iteration.
        eps: the least norm to divide by.
        ns_steps: how often to iterate, below 100.
        adjust_lr_fn: ``"original"``, as None: the rate is
            ``lr * sqrt(max(1, rows / columns))``; ``"match_rms_adamw"``:
            ``0.2 * lr * sqrt(max(rows, columns))``.

    Raises:
        ValueError: an option is out of range, or a parameter is no matrix.
        RuntimeError: a parameter is complex.

    >>> import lampas
    >>> w = lampas.nn.Parameter(lampas.eye(2))
    >>> optimizer = lampas.optim.Muon([w], lr=0.1, weight_decay=0.0)
    >>> (w * w).sum().backward()
    >>> optimizer.step()
    >>> w[0, 1].item(), 0.8 < w[0, 0].item() < 1.0
    (0.0, True)
    """

    def __init__(
        self,
        params: Any,
        lr: float = 1e-3,
        weight_decay: float = 0.1,
        momentum: float = 0.95,
        nesterov: bool = True,
        ns_coefficients: tuple[float, float, float] = (3.4445, -4.775, 2.0315),
        eps: float = 1e-7,
        ns_steps: int = 5,
        adjust_lr_fn: str | None = None,
    ) -> None:
        check_not_negative(lr=lr, weight_decay=weight_decay, momentum=momentum)
        if ns_steps >= 100:
            raise ArgumentError(f"ns_steps must be below 100, got {ns_steps}")
        if len(ns_coefficients) != 3:
            raise ArgumentError(
                f"ns_coefficients must be three numbers, got {ns_coefficients}"
            )
        if adjust_lr_fn is not None and adjust_lr_fn not in _RATES:
            raise ArgumentError(
                f"adjust_lr_fn must be None or one of {_RATES}, got {adjust_lr_fn!r}"
            )
        options = {
            "lr": lr,
            "weight_decay": weight_decay,
            "momentum": momentum,
            "nesterov": nesterov,
            "ns_coefficients": ns_coefficients,
            "eps": eps,
            "ns_steps": ns_steps,
            "adjust_lr_fn": adjust_lr_fn,
        }
        super().__init__(params, options)

    def _check(self, params: list[Any]) -> None:
        super()._check(params)
        for p in params:
            if p.ndim != 2:
                raise ArgumentError(
                    f"Muon takes matrices, got a parameter of shape {tuple(p.shape)}; "
                    "give it to another optimizer"
                )

    def _update(self, group: dict[str, Any], params: list[Tensor]) -> None:
        rows, rates = [], []
        for p, g in zip(params, gradients_of(params), strict=True):
            if p.is_complex():
                raise DTypeError("Muon takes real parameters, got a complex one")
            state = self.state[p]
            if "momentum_buffer" not in state:
                state["momentum_buffer"] = like(p)
            rows.append([p._data, g, state["momentum_buffer"]._data])
            rates.append(_rate(float(group["lr"]), p.shape, group["adjust_lr_fn"]))
        native = functools.partial(_step_natively, group=group)
        reference = functools.partial(_step, group=group)
        step_each(native, reference, params, rows, rates)
        changed(params)


def _step_natively(
    rows: list[list[Any]], rates: list[float], group: dict[str, Any]
) -> bool:
    return _native_step(
        rows,
        rates,
        lr=float(group["lr"]),
        weight_decay=float(group["weight_decay"]),
        momentum=float(group["momentum"]),
        nesterov=bool(group["nesterov"]),
        ns_coefficients=tuple(map(float, group["ns_coefficients"])),
        eps=float(group["eps"]),
        ns_steps=group["ns_steps"],
    )


def _step(arrays: list[Any], rate: float, group: dict[str, Any]) -> None:
    """Step one parameter: its data, its gradient and its momentum."""
    data, g, stored = arrays
    momentum = group["momentum"]
    kind = np.dtype(np.float32) if data.dtype in HALVES else data.dtype
    g = g.astype(kind, copy=False)
    mean = stored.astype(kind)
    mean += (g - mean) * (1 - momentum)
    stored[...] = mean
    if group["nesterov"]:
        mean = g + (mean - g) * momentum
    step = _orthogonal(mean.astype(np.float32, copy=False), group)
    decay = float(group["lr"]) * float(group["weight_decay"])
    data[...] = data.astype(kind, copy=False) * (1 - decay) - step * rate


def _orthogonal(matrix: Any, group: dict[str, Any]) -> Any:
    """A matrix with the same singular vectors, and values near one: Newton-Schulz."""
    a, b, c = group["ns_coefficients"]
    tall = matrix.shape[0] > matrix.shape[1]
    x = matrix.T if tall else matrix
    x = x / max(float(np.sqrt(np.sum(np.square(x)))), group["eps"])
    for _ in range(group["ns_steps"]):
        gram = x @ x.T
        x = a * x + (b * gram + c * (gram @ gram)) @ x
    return x.T if tall else x


def _rate(lr: float, shape: tuple[int, ...], kind: str | None) -> float:
    rows, columns = shape
    if kind == "match_rms_adamw":
        return lr * 0.2 * math.sqrt(max(rows, columns))
    return lr * math.sqrt(max(1, rows / columns)) if columns else lr

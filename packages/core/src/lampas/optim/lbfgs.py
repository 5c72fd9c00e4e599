"""L-BFGS (Liu and Nocedal 1989)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from lampas.backend.device import namespace_of
from lampas.backend.native import bind, left_alone
from lampas.dtypes import HALVES
from lampas.engine.modes import enable_grad, no_grad
from lampas.engine.tensor import Tensor, wrap
from lampas.errors import ArgumentError, ArgumentTypeError
from lampas.optim._line_search import Point, strong_wolfe
from lampas.optim._options import check_not_negative
from lampas.optim.optimizer import Optimizer, changed

__all__ = ["LBFGS"]


class LBFGS(Optimizer):
    """Quasi-Newton steps from the last changes of the parameters and gradients.

    Each ``step(closure)`` iterates ``x = x - t * H g``, where ``H``, an estimate of the
    inverse Hessian, is applied by the two-loop recursion over ``history_size`` pairs.
    Complex parameters count as two real ones.

    Source: Liu and Nocedal, On the Limited Memory BFGS Method for Large Scale
    Optimization, 1989.

    Args:
        params: the parameters, in one group.
        lr: step length (where there is a line search, its first trial), >= 0.
        max_iter: iterations in a step.
        max_eval: evaluations in a step; None is ``max_iter * 5 // 4``.
        tolerance_grad: stop when no element of the gradient is larger.
        tolerance_change: stop when neither parameters nor loss change by more.
        history_size: how many pairs to keep.
        line_search_fn: None or ``"strong_wolfe"``.

    Raises:
        ValueError: an option is out of range, or there are several groups.

    >>> import lampas
    >>> x = lampas.nn.Parameter(lampas.tensor([3.0, -2.0]))
    >>> optimizer = lampas.optim.LBFGS([x], line_search_fn="strong_wolfe")
    >>> def closure():
    ...     optimizer.zero_grad()
    ...     loss = (x * x).sum()
    ...     loss.backward()
    ...     return loss
    >>> optimizer.step(closure).item()
    13.0
    >>> x.abs().max().item() < 1e-5
    True
    """

    def __init__(
        self,
        params: Any,
        lr: float = 1,
        max_iter: int = 20,
        max_eval: int | None = None,
        tolerance_grad: float = 1e-7,
        tolerance_change: float = 1e-9,
        history_size: int = 100,
        line_search_fn: str | None = None,
    ) -> None:
        check_not_negative(lr=lr)
        if line_search_fn not in (None, "strong_wolfe"):
            raise ArgumentError(
                f"line_search_fn must be None or 'strong_wolfe', got {line_search_fn!r}"
            )
        options = {
            "lr": lr,
            "max_iter": max_iter,
            "max_eval": max_iter * 5 // 4 if max_eval is None else max_eval,
            "tolerance_grad": tolerance_grad,
            "tolerance_change": tolerance_change,
            "history_size": history_size,
            "line_search_fn": line_search_fn,
        }
        super().__init__(params, options)

    def add_param_group(self, param_group: dict[str, Any]) -> None:
        """Add the one group that there can be.

        Raises:
            ValueError: there is a group already.
        """
        if self.param_groups:
            raise ArgumentError("LBFGS takes one group of parameters, got a second one")
        super().add_param_group(param_group)

    @no_grad()
    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """Iterate until a tolerance or the number of evaluations is reached.

        Args:
            closure: clears the gradients, computes the loss and its gradients, returns
                the loss; called many times.

        Returns:
            The loss at the start.

        Raises:
            TypeError: there is no closure.
        """
        if closure is None:
            raise ArgumentTypeError("LBFGS evaluates the loss: step needs a closure")
        with np.errstate(all="ignore"):
            return _Run(self.param_groups[0], self.state, closure).minimize()

    def _loaded(self, value: Any, owner: Tensor, key: Any = None) -> Any:
        # Directions stay in the dtype they were computed in.
        if isinstance(value, Tensor):
            return value.to(owner.device)
        return super()._loaded(value, owner, key)


class _Run:
    """One step: the flat view of all parameters, and the state that is carried on."""

    def __init__(
        self, group: dict[str, Any], state: dict[Any, dict[str, Any]], closure: Any
    ) -> None:
        self.group, self.closure = group, closure
        self.params: list[Tensor] = group["params"]
        self.state = state[self.params[0]]
        self.state.setdefault("func_evals", 0)
        self.state.setdefault("n_iter", 0)
        self.evaluations = 0

    def minimize(self) -> Any:
        group, state = self.group, self.state
        first = self._evaluate()
        loss, gradient = float(first), self._gradient()
        if _largest(gradient) <= group["tolerance_grad"]:
            return first
        for iteration in range(1, group["max_iter"] + 1):
            state["n_iter"] += 1
            direction = self._direction(gradient)
            before, t = loss, self._first_length(gradient)
            state["prev_flat_grad"], state["prev_loss"] = wrap(gradient), loss
            state["d"], state["t"] = wrap(direction), t
            slope = float(gradient @ direction)
            if slope > -group["tolerance_change"]:
                break
            last = iteration == group["max_iter"]
            if group["line_search_fn"] is not None:
                loss, gradient, t = self._search(direction, loss, gradient, slope, t)
                state["t"] = t
            else:
                self._move(t, direction)
                if not last:
                    loss, gradient = float(self._evaluate()), self._gradient()
            if last or self._done(t * _largest(direction), gradient, loss - before):
                break
        return first

    def _done(self, move: float, gradient: Any, change: float) -> bool:
        group = self.group
        return (
            self.evaluations >= group["max_eval"]
            or _largest(gradient) <= group["tolerance_grad"]
            or move <= group["tolerance_change"]
            or abs(change) < group["tolerance_change"]
        )

    def _first_length(self, gradient: Any) -> float:
        lr = float(self.group["lr"])
        if self.state["n_iter"] > 1:
            return lr
        size = float(np.sum(np.abs(gradient)))
        return min(1.0, 1.0 / size) * lr

    # ---- the estimate of the inverse Hessian

    def _direction(self, gradient: Any) -> Any:
        state = self.state
        if state["n_iter"] == 1:
            state["old_dirs"], state["old_stps"], state["ro"] = [], [], []
            state["H_diag"] = 1
            return -gradient
        self._remember(gradient)
        return _directed(
            gradient,
            [y._data for y in state["old_dirs"]],
            [s._data for s in state["old_stps"]],
            [float(r) for r in state["ro"]],
            scale=float(state["H_diag"]),
        )

    def _remember(self, gradient: Any) -> None:
        """Keep the last change, if its curvature is positive."""
        state = self.state
        y, s, curvature, square = _new_pair(
            gradient,
            state["prev_flat_grad"]._data,
            state["d"]._data,
            length=float(state["t"]),
        )
        if curvature <= 1e-10:
            return
        names = ("old_dirs", "old_stps", "ro")
        kept = (wrap(y), wrap(s), _scalar(1 / curvature, y))
        for name, value in zip(names, kept, strict=True):
            if len(state[name]) == self.group["history_size"]:
                state[name].pop(0)
            state[name].append(value)
        state["H_diag"] = _scalar(curvature / square, y)

    # ---- evaluating and moving

    def _evaluate(self) -> Any:
        with enable_grad():
            loss = self.closure()
        self.evaluations += 1
        self.state["func_evals"] += 1
        return loss

    def _search(
        self, direction: Any, loss: float, gradient: Any, slope: float, t: float
    ) -> tuple[float, Any, float]:
        start = [p._data.copy() for p in self.params]

        def at(length: float) -> Point:
            self._move(length, direction)
            value, g = float(self._evaluate()), self._gradient()
            for p, data in zip(self.params, start, strict=True):
                p._data[...] = data
            changed(self.params)
            return Point(length, value, g, float(g @ direction))

        found = strong_wolfe(
            at,
            Point(0.0, loss, gradient, slope),
            t,
            _largest(direction),
            self.group["tolerance_change"],
            self.group["max_eval"] - self.evaluations,
        )
        self._move(found.t, direction)
        return found.loss, found.gradient, found.t

    def _gradient(self) -> Any:
        """All gradients in one array of reals."""
        parts = []
        for p in self.params:
            g = np.zeros_like(p._data) if p.grad is None else p.grad._data
            if p.grad is not None and p.grad.is_sparse:
                g = p.grad.to_dense()._data
            if g.dtype in HALVES:
                g = g.astype(np.float32)
            if g.dtype.kind == "c":
                parts += [g.real.reshape(-1), g.imag.reshape(-1)]
            else:
                parts.append(g.reshape(-1))
        return namespace_of(self.params[0]._data).concatenate(parts)

    def _move(self, t: float, direction: Any) -> None:
        start, rows = 0, []
        for p in self.params:
            data = p._data
            parts = [data.real, data.imag] if data.dtype.kind == "c" else [data]
            for part in parts:
                own = direction[start : start + data.size].reshape(data.shape)
                rows.append([part, own])
                start += data.size
        if not _move_all(rows, length=t):
            for part, own in rows:
                change = own * t
                part[...] = part.astype(change.dtype, copy=False) + change
        changed(self.params)


def _pair(gradient: Any, before: Any, direction: Any, *, length: float) -> Any:
    """The last changes of the gradient (y) and of the parameters (s), y s and y y."""
    y, s = gradient - before, direction * length
    return y, s, float(y @ s), float(y @ y)


def _two_loops(
    gradient: Any, ys: list[Any], ss: list[Any], rhos: list[float], *, scale: float
) -> Any:
    """``-H g``, from the changes of gradients and of parameters, the oldest first."""
    result, weights = -gradient, []
    pairs = list(zip(ys, ss, rhos, strict=True))
    for y, s, r in reversed(pairs):
        weights.append(float(s @ result) * r)
        result -= y * weights[-1]
    result *= scale
    for y, s, r in pairs:
        result += s * (weights.pop() - float(y @ result) * r)
    return result


_directed: Callable[..., Any] = bind("lbfgs_direction", _two_loops)
_new_pair: Callable[..., Any] = bind("lbfgs_pair", _pair)
_move_all: Callable[..., bool] = bind("lbfgs_move", left_alone)


def _largest(x: Any) -> float:
    return float(np.max(np.abs(x))) if x.size else 0.0


def _scalar(value: float, like: Any) -> Tensor:
    return wrap(np.asarray(value, like.dtype))

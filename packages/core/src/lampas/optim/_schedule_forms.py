"""Schedules by a formula of the step: stairs, lines, powers, half a cosine."""

from __future__ import annotations

import math
from bisect import bisect_right
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from lampas.errors import ArgumentError
from lampas.optim._schedule import (
    LRScheduler,
    check_optimizer,
    load_function,
    saved_function,
)
from lampas.optim.optimizer import Optimizer

__all__ = [
    "ConstantLR",
    "CosineAnnealingLR",
    "ExponentialLR",
    "LambdaLR",
    "LinearLR",
    "MultiStepLR",
    "MultiplicativeLR",
    "PolynomialLR",
    "StepLR",
]


class LambdaLR(LRScheduler):
    """``lr = base * lr_lambda(step)``.

    Args:
        optimizer: whose groups are scheduled.
        lr_lambda: the function, or one for each group.
        last_epoch: the step to go on from.

    Raises:
        ValueError: another number of functions than groups.
    """

    def __init__(
        self,
        optimizer: Optimizer,
        lr_lambda: Callable[[int], float] | Sequence[Callable[[int], float]],
        last_epoch: int = -1,
    ) -> None:
        check_optimizer(optimizer)
        count = len(optimizer.param_groups)
        functions = lr_lambda if isinstance(lr_lambda, (list, tuple)) else None
        if functions is not None and len(functions) != count:
            raise ArgumentError(f"expected {count} lr_lambdas, got {len(functions)}")
        self.lr_lambdas: list[Any] = (
            [lr_lambda] * count if functions is None else list(functions)
        )
        super().__init__(optimizer, last_epoch)

    def get_lr(self) -> list[float]:
        """The rates at ``last_epoch``."""
        pairs = zip(self.base_lrs, self.lr_lambdas, strict=True)
        return [base * f(self.last_epoch) for base, f in pairs]

    def state_dict(self) -> dict[str, Any]:
        """Everything but the optimizer; of functions, the attributes of objects."""
        state = super().state_dict()
        state["lr_lambdas"] = [saved_function(f) for f in self.lr_lambdas]
        return state

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Take over what ``state_dict`` gave; functions stay."""
        state = dict(state_dict)
        saved = state.pop("lr_lambdas")
        super().load_state_dict(state)
        for function, attributes in zip(self.lr_lambdas, saved, strict=True):
            load_function(function, attributes)


class MultiplicativeLR(LambdaLR):
    """``lr = lr * lr_lambda(step)``; the first step leaves it alone."""

    def get_lr(self) -> list[float]:
        """The rates at ``last_epoch``."""
        if self._is_initial:
            return self._current()
        pairs = zip(self._current(), self.lr_lambdas, strict=True)
        return [rate * f(self.last_epoch) for rate, f in pairs]


class StepLR(LRScheduler):
    """Multiply by ``gamma`` every ``step_size`` steps."""

    def __init__(
        self,
        optimizer: Optimizer,
        step_size: int,
        gamma: float = 0.1,
        last_epoch: int = -1,
    ) -> None:
        self.step_size, self.gamma = step_size, gamma
        super().__init__(optimizer, last_epoch)

    def get_lr(self) -> list[float]:
        """The rates at ``last_epoch``."""
        due = self.last_epoch > 0 and self.last_epoch % self.step_size == 0
        return [rate * self.gamma if due else rate for rate in self._current()]

    def _closed_lr(self) -> list[float]:
        times = self.last_epoch // self.step_size
        return [base * self.gamma**times for base in self.base_lrs]


class MultiStepLR(LRScheduler):
    """Multiply by ``gamma`` at each of the ``milestones``."""

    def __init__(
        self,
        optimizer: Optimizer,
        milestones: Iterable[int],
        gamma: float = 0.1,
        last_epoch: int = -1,
    ) -> None:
        self.milestones, self.gamma = Counter(milestones), gamma
        super().__init__(optimizer, last_epoch)

    def get_lr(self) -> list[float]:
        """The rates at ``last_epoch``."""
        factor = self.gamma ** self.milestones[self.last_epoch]
        return [rate * factor for rate in self._current()]

    def _closed_lr(self) -> list[float]:
        passed = bisect_right(sorted(self.milestones.elements()), self.last_epoch)
        return [base * self.gamma**passed for base in self.base_lrs]


class ConstantLR(LRScheduler):
    """Multiply by ``factor`` until step ``total_iters``, then go back to the base."""

    def __init__(
        self,
        optimizer: Optimizer,
        factor: float = 1.0 / 3,
        total_iters: int = 5,
        last_epoch: int = -1,
    ) -> None:
        if not 0 <= factor <= 1:
            raise ArgumentError(f"factor must be in [0, 1], got {factor}")
        self.factor, self.total_iters = factor, total_iters
        super().__init__(optimizer, last_epoch)

    def get_lr(self) -> list[float]:
        """The rates at ``last_epoch``."""
        rates = self._current()
        if self.last_epoch == 0:
            return [rate * self.factor for rate in rates]
        if self.last_epoch == self.total_iters:
            if self.factor == 0:
                return list(self.base_lrs)
            return [rate * (1 / self.factor) for rate in rates]
        return rates

    def _closed_lr(self) -> list[float]:
        early = self.last_epoch < self.total_iters
        return [base * (self.factor if early else 1) for base in self.base_lrs]


class LinearLR(LRScheduler):
    """Go from ``start_factor`` to ``end_factor`` times the base in ``total_iters``."""

    def __init__(
        self,
        optimizer: Optimizer,
        start_factor: float = 1.0 / 3,
        end_factor: float = 1.0,
        total_iters: int = 5,
        last_epoch: int = -1,
    ) -> None:
        if not 0 < start_factor <= 1:
            raise ArgumentError(f"start_factor must be in (0, 1], got {start_factor}")
        if not 0 <= end_factor <= 1:
            raise ArgumentError(f"end_factor must be in [0, 1], got {end_factor}")
        self.start_factor, self.end_factor = start_factor, end_factor
        self.total_iters = total_iters
        super().__init__(optimizer, last_epoch)

    def get_lr(self) -> list[float]:
        """The rates at ``last_epoch``."""
        rates, step = self._current(), self.last_epoch
        if step == 0:
            return [rate * self.start_factor for rate in rates]
        if self._is_initial or step > self.total_iters:
            return rates
        slope = self.end_factor - self.start_factor
        before = self.total_iters * self.start_factor + (step - 1) * slope
        return [rate * (1 + slope / before) for rate in rates]

    def _closed_lr(self) -> list[float]:
        slope = self.end_factor - self.start_factor
        share = min(self.total_iters, self.last_epoch) / self.total_iters
        return [base * (self.start_factor + slope * share) for base in self.base_lrs]


class ExponentialLR(LRScheduler):
    """Multiply by ``gamma`` at every step."""

    def __init__(
        self, optimizer: Optimizer, gamma: float, last_epoch: int = -1
    ) -> None:
        self.gamma = gamma
        super().__init__(optimizer, last_epoch)

    def get_lr(self) -> list[float]:
        """The rates at ``last_epoch``."""
        if self._is_initial:
            return self._current()
        return [rate * self.gamma for rate in self._current()]

    def _closed_lr(self) -> list[float]:
        return [base * self.gamma**self.last_epoch for base in self.base_lrs]


class PolynomialLR(LRScheduler):
    """``lr = base * (1 - step / total_iters) ** power`` until ``total_iters``."""

    def __init__(
        self,
        optimizer: Optimizer,
        total_iters: int = 5,
        power: float = 1.0,
        last_epoch: int = -1,
    ) -> None:
        self.total_iters, self.power = total_iters, power
        super().__init__(optimizer, last_epoch)

    def get_lr(self) -> list[float]:
        """The rates at ``last_epoch``."""
        step, total = self.last_epoch, self.total_iters
        if self._is_initial or step > total:
            return self._current()
        factor = ((1 - step / total) / (1 - (step - 1) / total)) ** self.power
        return [rate * factor for rate in self._current()]

    def _closed_lr(self) -> list[float]:
        step = min(self.total_iters, self.last_epoch)
        factor = (1 - step / self.total_iters) ** self.power
        return [base * factor for base in self.base_lrs]


class CosineAnnealingLR(LRScheduler):
    """Half a cosine from the base to ``eta_min`` in ``T_max`` steps, and back.

    Source: Loshchilov and Hutter, SGDR, 2017 (without restarts).
    """

    def __init__(
        self,
        optimizer: Optimizer,
        T_max: int,
        eta_min: float = 0.0,
        last_epoch: int = -1,
    ) -> None:
        self.T_max, self.eta_min = T_max, eta_min
        super().__init__(optimizer, last_epoch)

    def get_lr(self) -> list[float]:
        """The rates at ``last_epoch``."""
        step, period, low = self.last_epoch, self.T_max, self.eta_min
        if self._is_initial:
            return self._current()
        if (step - 1 - period) % (2 * period) == 0:
            rise = (1 - math.cos(math.pi / period)) / 2
            pairs = zip(self._current(), self.base_lrs, strict=True)
            return [rate + (base - low) * rise for rate, base in pairs]
        now = 1 + math.cos(math.pi * step / period)
        before = 1 + math.cos(math.pi * (step - 1) / period)
        return [now / before * (rate - low) + low for rate in self._current()]

    def _closed_lr(self) -> list[float]:
        wave = (1 + math.cos(math.pi * self.last_epoch / self.T_max)) / 2
        return [self.eta_min + (base - self.eta_min) * wave for base in self.base_lrs]

"""Schedules made of others, and one that waits for a metric."""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Sequence
from typing import Any

from lampas.errors import ArgumentError
from lampas.optim._schedule import LRScheduler
from lampas.optim.optimizer import Optimizer

__all__ = ["ChainedScheduler", "ReduceLROnPlateau", "SequentialLR"]


class SequentialLR(LRScheduler):
    """One schedule after another, changing at the ``milestones``.

    Args:
        optimizer: whose groups are scheduled.
        schedulers: schedules of that optimizer.
        milestones: the steps at which the next one begins, one fewer.
        last_epoch: the step to go on from.

    Raises:
        ValueError: the numbers do not fit, or one has another optimizer.
    """

    def __init__(
        self,
        optimizer: Optimizer,
        schedulers: Sequence[LRScheduler],
        milestones: Sequence[int],
        last_epoch: int = -1,
    ) -> None:
        _check_chain(schedulers, optimizer)
        if len(milestones) != len(schedulers) - 1:
            raise ArgumentError(
                f"{len(schedulers)} schedulers need {len(schedulers) - 1} milestones, "
                f"got {len(milestones)}"
            )
        self._schedulers, self._milestones = list(schedulers), list(milestones)
        self.optimizer, self.last_epoch = optimizer, last_epoch + 1
        for group in optimizer.param_groups:
            group["lr"] = group["initial_lr"]
        for scheduler in self._schedulers:
            scheduler.last_epoch -= 1
        self._schedulers[0].step()
        self._last_lr = self._schedulers[0].get_last_lr()

    def step(self, epoch: int | None = None) -> None:
        """Go to the next step of the schedule that is on."""
        self.last_epoch += 1
        index = bisect_right(self._milestones, self.last_epoch)
        scheduler = self._schedulers[index]
        if index > 0 and self._milestones[index - 1] == self.last_epoch:
            scheduler.step(0)
        else:
            scheduler.step()
        self._last_lr = scheduler.get_last_lr()

    def state_dict(self) -> dict[str, Any]:
        """The counters and the states of all schedules."""
        state = {
            k: v for k, v in vars(self).items() if k not in ("optimizer", "_schedulers")
        }
        return {**state, "_schedulers": [s.state_dict() for s in self._schedulers]}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Take over what ``state_dict`` gave."""
        _load_chain(self, self._schedulers, state_dict)


def _check_chain(schedulers: Sequence[LRScheduler], optimizer: Any) -> None:
    if not schedulers:
        raise ArgumentError("schedulers must hold at least one scheduler")
    for i, scheduler in enumerate(schedulers):
        if scheduler.optimizer is not optimizer:
            raise ArgumentError(f"schedulers[{i}] belongs to another optimizer")


def _load_chain(
    owner: Any, schedulers: Sequence[LRScheduler], state_dict: dict[str, Any]
) -> None:
    states = state_dict["_schedulers"]
    vars(owner).update({k: v for k, v in state_dict.items() if k != "_schedulers"})
    for scheduler, state in zip(schedulers, states, strict=True):
        scheduler.load_state_dict(state)


class ChainedScheduler(LRScheduler):
    """Several schedules at once: each changes the rate that the one before left."""

    def __init__(
        self, schedulers: Sequence[LRScheduler], optimizer: Optimizer | None = None
    ) -> None:
        if not schedulers:
            raise ArgumentError("schedulers must hold at least one scheduler")
        self.optimizer = optimizer or schedulers[0].optimizer
        _check_chain(schedulers, self.optimizer)
        self._schedulers = list(schedulers)
        self._last_lr = self._current()

    def step(self, epoch: int | None = None) -> None:
        """Step all schedules in order."""
        for scheduler in self._schedulers:
            scheduler.step()
        self._last_lr = self._current()

    def state_dict(self) -> dict[str, Any]:
        """The states of all schedules."""
        return {
            "_last_lr": self._last_lr,
            "_schedulers": [s.state_dict() for s in self._schedulers],
        }

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Take over what ``state_dict`` gave."""
        _load_chain(self, self._schedulers, state_dict)


class ReduceLROnPlateau(LRScheduler):
    """Multiply by ``factor`` when a metric has stopped getting better.

    Args:
        optimizer: whose groups are scheduled.
        mode: ``"min"`` or ``"max"``: what better means.
        factor: below 1.
        patience: how many steps without progress are let pass.
        threshold, threshold_mode: how much better counts (``"rel"`` or ``"abs"``).
        cooldown: steps to wait after a reduction.
        min_lr: bounds from below, one for all groups or one each.
        eps: smaller changes are not made.

    Raises:
        ValueError: an argument is out of range.
    """

    def __init__(
        self,
        optimizer: Optimizer,
        mode: str = "min",
        factor: float = 0.1,
        patience: int = 10,
        threshold: float = 1e-4,
        threshold_mode: str = "rel",
        cooldown: int = 0,
        min_lr: float | Sequence[float] = 0,
        eps: float = 1e-8,
    ) -> None:
        if factor >= 1.0:
            raise ArgumentError(f"factor must be below 1, got {factor}")
        if mode not in ("min", "max") or threshold_mode not in ("rel", "abs"):
            raise ArgumentError(
                "mode must be 'min' or 'max' and threshold_mode 'rel' or 'abs', got "
                f"{mode!r} and {threshold_mode!r}"
            )
        count = len(optimizer.param_groups)
        self.optimizer = optimizer
        self.mode, self.factor, self.patience = mode, factor, patience
        self.threshold, self.threshold_mode = threshold, threshold_mode
        self.cooldown, self.eps = cooldown, eps
        self.min_lrs = (
            list(min_lr) if isinstance(min_lr, (list, tuple)) else [min_lr] * count
        )
        self.best = math.inf if mode == "min" else -math.inf
        self.num_bad_epochs = self.cooldown_counter = self.last_epoch = 0
        self._last_lr = self._current()

    def step(  # type: ignore[override]  # PyTorch's signature
        self, metrics: Any, epoch: int | None = None
    ) -> None:
        """Look at the metric of this step, and reduce the rate if it is due."""
        value = float(metrics)
        self.last_epoch = self.last_epoch + 1 if epoch is None else epoch
        if self._better(value):
            self.best, self.num_bad_epochs = value, 0
        else:
            self.num_bad_epochs += 1
        if self.cooldown_counter > 0:
            self.cooldown_counter -= 1
            self.num_bad_epochs = 0
        if self.num_bad_epochs > self.patience:
            self._reduce()
            self.cooldown_counter, self.num_bad_epochs = self.cooldown, 0
        self._last_lr = self._current()

    def _better(self, value: float) -> bool:
        sign = 1 if self.mode == "min" else -1
        if self.threshold_mode == "abs":
            return sign * value < sign * self.best - self.threshold
        if math.isinf(self.best):
            return sign * value < sign * self.best
        return sign * value < sign * self.best * (1 - sign * self.threshold)

    def _reduce(self) -> None:
        groups = self.optimizer.param_groups
        for group, low in zip(groups, self.min_lrs, strict=True):
            rate = max(group["lr"] * self.factor, low)
            if group["lr"] - rate > self.eps:
                group["lr"] = rate

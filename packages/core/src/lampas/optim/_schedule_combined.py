"""Schedules made of others, and one that waits for a metric."""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Sequence
from typing import Any

from lampas.errors import ArgumentError
from lampas.optim._schedule import LRScheduler, check_optimizer, one_each, set_option
from lampas.optim.optimizer import Optimizer

__all__ = ["ChainedScheduler", "ReduceLROnPlateau", "SequentialLR"]


class _Combined(LRScheduler):
    """What schedules made of others have in common."""

    _schedulers: list[LRScheduler]

    def __init__(self, schedulers: Sequence[LRScheduler], optimizer: Any) -> None:
        check_optimizer(optimizer)
        for i, scheduler in enumerate(schedulers):
            if isinstance(scheduler, ReduceLROnPlateau):
                raise ArgumentError(
                    f"schedulers[{i}] is a ReduceLROnPlateau, which needs a metric at "
                    "each step; step it by itself"
                )
            if scheduler.optimizer is not optimizer:
                raise ArgumentError(f"schedulers[{i}] belongs to another optimizer")
        self.optimizer = optimizer
        self._schedulers = list(schedulers)

    def _undo(self) -> None:
        for scheduler in self._schedulers:
            scheduler._undo()

    def _restart(self) -> None:
        # The closed forms of several would each begin from the base: begin by steps.
        self._to_initial_rates()
        self._again()

    def _to_initial_rates(self) -> None:
        for group in self.optimizer.param_groups:
            set_option(group, "lr", group["initial_lr"])

    def state_dict(self) -> dict[str, Any]:
        """The counters and the states of all schedules."""
        state = super().state_dict()
        return {**state, "_schedulers": [s.state_dict() for s in self._schedulers]}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Take over what ``state_dict`` gave."""
        state = dict(state_dict)
        saved = state.pop("_schedulers")
        super().load_state_dict(state)
        for scheduler, its in zip(self._schedulers, saved, strict=True):
            scheduler.load_state_dict(its)


class SequentialLR(_Combined):
    """One schedule after another, changing at the ``milestones``.

    The schedules may be combined ones; each begins at its step 0 from the first rates.
    A combined one that comes first has made one step more, as in PyTorch.

    Args:
        optimizer: whose groups are scheduled.
        schedulers: schedules of that optimizer.
        milestones: the steps at which the next one begins, one fewer.
        last_epoch: the step to go on from.

    Raises:
        ValueError: the numbers do not fit, or one has another optimizer or needs a
            metric.
    """

    def __init__(
        self,
        optimizer: Optimizer,
        schedulers: Sequence[LRScheduler],
        milestones: Sequence[int],
        last_epoch: int = -1,
    ) -> None:
        if not schedulers:
            raise ArgumentError("schedulers must hold at least one scheduler")
        super().__init__(schedulers, optimizer)
        if len(milestones) != len(schedulers) - 1:
            raise ArgumentError(
                f"{len(schedulers)} schedulers need {len(schedulers) - 1} milestones, "
                f"got {len(milestones)}"
            )
        self._milestones = list(milestones)
        self.last_epoch = last_epoch + 1
        # Making the schedulers has stepped each of them once: begin anew.
        self._to_initial_rates()
        self._undo()
        first = self._schedulers[bisect_right(self._milestones, 0)]
        first._begin()
        self._last_lr = first.get_last_lr()

    def _again(self) -> None:
        self.last_epoch = 0
        first = self._schedulers[bisect_right(self._milestones, 0)]
        first._again()
        self._last_lr = first.get_last_lr()

    def step(self, epoch: int | None = None) -> None:
        """Go to the next step of the schedule that is on."""
        self.last_epoch += 1
        index = bisect_right(self._milestones, self.last_epoch)
        scheduler = self._schedulers[index]
        if index > 0 and self._milestones[index - 1] == self.last_epoch:
            scheduler._restart()
        else:
            scheduler.step()
        self._last_lr = scheduler.get_last_lr()


class ChainedScheduler(_Combined):
    """Several schedules at once: each changes the rate that the one before left.

    Args:
        schedulers: schedules of one optimizer; combined ones too.
        optimizer: whose groups are scheduled; None takes the first schedule's.

    Raises:
        ValueError: there are no schedules, or one has another optimizer or needs a
            metric.
    """

    def __init__(
        self, schedulers: Sequence[LRScheduler], optimizer: Optimizer | None = None
    ) -> None:
        if not schedulers:
            raise ArgumentError("schedulers must hold at least one scheduler")
        super().__init__(schedulers, optimizer or schedulers[0].optimizer)
        self._last_lr = self._current()

    def _again(self) -> None:
        for scheduler in self._schedulers:
            scheduler._again()
        self._last_lr = self._current()

    def step(self, epoch: int | None = None) -> None:
        """Step all schedules in order."""
        for scheduler in self._schedulers:
            scheduler.step()
        self._last_lr = self._current()


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
        check_optimizer(optimizer)
        if factor >= 1.0:
            raise ArgumentError(f"factor must be below 1, got {factor}")
        if mode not in ("min", "max") or threshold_mode not in ("rel", "abs"):
            raise ArgumentError(
                "mode must be 'min' or 'max' and threshold_mode 'rel' or 'abs', got "
                f"{mode!r} and {threshold_mode!r}"
            )
        self.optimizer = optimizer
        self.mode, self.factor, self.patience = mode, factor, patience
        self.threshold, self.threshold_mode = threshold, threshold_mode
        self.cooldown, self.eps = cooldown, eps
        self.min_lrs = one_each("min_lr", optimizer, min_lr)
        self.default_min_lr = None if isinstance(min_lr, (list, tuple)) else min_lr
        self.best = math.inf if mode == "min" else -math.inf
        self.num_bad_epochs = self.cooldown_counter = self.last_epoch = 0
        self._last_lr = self._current()

    @property
    def in_cooldown(self) -> bool:
        """Whether a reduction was made less than ``cooldown`` steps ago."""
        return self.cooldown_counter > 0

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
        if self.in_cooldown:
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
        if len(groups) != len(self.min_lrs):
            if self.default_min_lr is None:
                raise ArgumentError(
                    f"the optimizer has {len(groups)} groups now and min_lrs "
                    f"{len(self.min_lrs)} values; give min_lrs one for each"
                )
            self.min_lrs = [self.default_min_lr] * len(groups)
        for group, low in zip(groups, self.min_lrs, strict=True):
            old = float(group["lr"])
            rate = max(old * self.factor, float(low))
            if old - rate > self.eps:
                set_option(group, "lr", rate)

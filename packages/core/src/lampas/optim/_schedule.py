"""The base of schedules that count steps."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from lampas.errors import ArgumentTypeError
from lampas.optim.optimizer import Optimizer

__all__ = ["LRScheduler"]


class LRScheduler:
    """Base of schedules that count steps.

    A subclass implements ``get_lr()``: the rates of all groups at ``last_epoch``, from
    those in the groups now or from ``base_lrs``.

    Args:
        optimizer: whose groups are scheduled.
        last_epoch: the step to go on from; -1 begins.

    Raises:
        TypeError: ``optimizer`` is not an Optimizer.
        KeyError: a group has no ``initial_lr`` to go on from.
    """

    def __init__(self, optimizer: Optimizer, last_epoch: int = -1) -> None:
        if not isinstance(optimizer, Optimizer):
            raise ArgumentTypeError(
                f"optimizer must be an Optimizer, got {type(optimizer).__name__}"
            )
        self.optimizer = optimizer
        for i, group in enumerate(optimizer.param_groups):
            if last_epoch == -1:
                group.setdefault("initial_lr", group["lr"])
            elif "initial_lr" not in group:
                raise KeyError(
                    f"param_groups[{i}] has no 'initial_lr' to go on from step "
                    f"{last_epoch}; load the optimizer's state first"
                )
        self.base_lrs = [g["initial_lr"] for g in optimizer.param_groups]
        self.last_epoch = last_epoch
        self._step_count = 0
        self.step()

    def get_last_lr(self) -> list[float]:
        """The rates that were set last, one for each group."""
        return self._last_lr

    def get_lr(self) -> list[float]:
        """The rates at ``last_epoch``."""
        raise TypeError(f"{type(self).__name__} does not say how to schedule")

    def _current(self) -> list[float]:
        return [g["lr"] for g in self.optimizer.param_groups]

    def step(self, epoch: int | None = None) -> None:
        """Go to the next step, or to step ``epoch``, and set the rates."""
        self._step_count += 1
        self.last_epoch = self.last_epoch + 1 if epoch is None else int(epoch)
        closed = getattr(self, "_closed_lr", None)
        rates = closed() if epoch is not None and closed else self.get_lr()
        self._set(rates)

    def _set(self, rates: Iterable[float]) -> None:
        for group, rate in zip(self.optimizer.param_groups, rates, strict=True):
            group["lr"] = rate
        self._last_lr = self._current()

    def state_dict(self) -> dict[str, Any]:
        """Everything but the optimizer (and functions, which can't be saved)."""
        return {
            k: v for k, v in vars(self).items() if k not in ("optimizer", "_lambdas")
        }

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Take over what ``state_dict`` gave."""
        vars(self).update(state_dict)

"""The base of schedules that count steps."""

from __future__ import annotations

import types
import warnings
from collections.abc import Iterable
from typing import Any

from lampas.engine.modes import no_grad
from lampas.engine.tensor import Tensor
from lampas.errors import ArgumentError, ArgumentTypeError
from lampas.optim.optimizer import Optimizer

__all__ = [
    "LRScheduler",
    "check_optimizer",
    "copy_of",
    "load_function",
    "one_each",
    "saved_function",
    "set_option",
]


class LRScheduler:
    """Base of schedules that count steps.

    A subclass implements ``get_lr()``: the rates of all groups at ``last_epoch``, from
    those in the groups now or from ``base_lrs``. A rate that is a tensor stays one,
    and is filled.

    Args:
        optimizer: whose groups are scheduled.
        last_epoch: the step to go on from; -1 begins.

    Raises:
        TypeError: ``optimizer`` is not an Optimizer.
        KeyError: a group has no ``initial_lr`` to go on from.
    """

    last_epoch: int
    # True in the first step: rates that are loaded must not be moved on by it.
    _is_initial = False

    def __init__(self, optimizer: Optimizer, last_epoch: int = -1) -> None:
        check_optimizer(optimizer)
        self.optimizer = optimizer
        for i, group in enumerate(optimizer.param_groups):
            if last_epoch == -1:
                group.setdefault("initial_lr", copy_of(group["lr"]))
            elif "initial_lr" not in group:
                raise KeyError(
                    f"param_groups[{i}] has no 'initial_lr' to go on from step "
                    f"{last_epoch}; load the optimizer's state first"
                )
        self.base_lrs = [copy_of(g["initial_lr"]) for g in optimizer.param_groups]
        self.last_epoch = last_epoch
        self._begin()

    def _begin(self) -> None:
        """Make the first step, which comes before any of the optimizer."""
        self._step_count = 0
        self._is_initial = True
        self.step()
        self._is_initial = False

    def _restart(self) -> None:
        """Go to step 0, whatever the rates are now."""
        self._update(0)

    def _again(self) -> None:
        """Go to step 0 from the rates there are, as when the schedule was made."""
        self.last_epoch = -1
        self._is_initial = True
        self._update(None)
        self._is_initial = False

    def _undo(self) -> None:
        """Take back the count of the first step, so that it can be made again."""
        self.last_epoch -= 1

    def get_last_lr(self) -> list[float]:
        """The rates that were set last, one for each group."""
        return self._last_lr

    def get_lr(self) -> list[float]:
        """The rates at ``last_epoch``."""
        raise TypeError(f"{type(self).__name__} does not say how to schedule")

    def _current(self) -> list[float]:
        return [copy_of(g["lr"]) for g in self.optimizer.param_groups]

    def step(self, epoch: int | None = None) -> None:
        """Go to the next step and set the rates.

        Warns if the optimizer has made no step yet: the first rate would be skipped.

        Args:
            epoch: the step to go to; deprecated by PyTorch.
        """
        self._warn_of_order()
        self._step_count += 1
        if epoch is not None:
            warnings.warn(
                "the epoch of scheduler.step(epoch) is deprecated; call step() without",
                UserWarning,
                stacklevel=2,
            )
        self._update(epoch)

    def _warn_of_order(self) -> None:
        if self._step_count == 1 and not self.optimizer._opt_called:
            warnings.warn(
                "scheduler.step() was called before optimizer.step(): the first rate "
                "is skipped; call optimizer.step() first",
                UserWarning,
                stacklevel=3,
            )

    def _update(self, epoch: int | None) -> None:
        self.last_epoch = self.last_epoch + 1 if epoch is None else int(epoch)
        closed = getattr(self, "_closed_lr", None)
        self._set(closed() if epoch is not None and closed else self.get_lr())

    def _set(self, rates: Iterable[float]) -> None:
        for group, rate in zip(self.optimizer.param_groups, rates, strict=True):
            set_option(group, "lr", rate)
        self._last_lr = self._current()

    def state_dict(self) -> dict[str, Any]:
        """Everything but the optimizer."""
        return {k: v for k, v in vars(self).items() if k != "optimizer"}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Take over what ``state_dict`` gave."""
        vars(self).update(state_dict)


def check_optimizer(optimizer: Any) -> None:
    """Refuse what is no optimizer."""
    if not isinstance(optimizer, Optimizer):
        raise ArgumentTypeError(
            f"optimizer must be an Optimizer, got {type(optimizer).__name__}"
        )


def copy_of(value: Any) -> Any:
    """A number, or a copy of a tensor, which its owner will go on filling."""
    return value.detach().clone() if isinstance(value, Tensor) else value


@no_grad()
def set_option(group: dict[str, Any], name: str, value: Any) -> None:
    """Set an option of a group; a tensor is filled, for others may hold it."""
    if isinstance(group[name], Tensor):
        group[name].fill_(float(value))
    else:
        group[name] = value


def one_each(name: str, optimizer: Optimizer, value: Any) -> list[Any]:
    """A value for each group: those of a list, or one for all."""
    count = len(optimizer.param_groups)
    if not isinstance(value, (list, tuple)):
        return [copy_of(value) for _ in range(count)]
    if len(value) != count:
        raise ArgumentError(
            f"{name} must have one value for each of the {count} groups, "
            f"got {len(value)}"
        )
    return [copy_of(v) for v in value]


def saved_function(function: Any) -> dict[str, Any] | None:
    """What a state holds of a function: the attributes of a callable object."""
    if function is None or isinstance(function, types.FunctionType):
        return None
    return dict(getattr(function, "__dict__", {}))


def load_function(function: Any, attributes: dict[str, Any] | None) -> None:
    """Give a callable object the attributes that were saved."""
    if attributes is not None:
        vars(function).update(attributes)

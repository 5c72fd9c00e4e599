"""A schedule that goes up and down between two rates."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

from lampas.errors import ArgumentError
from lampas.optim._schedule import (
    LRScheduler,
    check_optimizer,
    load_function,
    one_each,
    saved_function,
    set_option,
)
from lampas.optim.optimizer import Optimizer

__all__ = ["CyclicLR"]

_MODES = ("triangular", "triangular2", "exp_range")


class CyclicLR(LRScheduler):
    """From ``base_lr`` to ``max_lr`` and back, again and again; momentum the other way.

    ``lr = base_lr + (max_lr - base_lr) * height * scale``, where ``height`` goes from 0
    to 1 and back and ``scale`` is 1, ``2 ** (1 - cycle)``, ``gamma ** step``, or given.

    Source: Smith, Cyclical Learning Rates for Training Neural Networks, 2017.

    Args:
        optimizer: whose groups are scheduled.
        base_lr, max_lr: the rates, one for all groups or one each.
        step_size_up, step_size_down: steps up and steps down (None: as many).
        mode: ``"triangular"``, ``"triangular2"`` or ``"exp_range"``, the scales above.
        gamma: of ``"exp_range"``.
        scale_fn: the scale as a function; ``mode`` is ignored then.
        scale_mode: what ``scale_fn`` is given: ``"cycle"``, from 1, or the
            step: ``"iterations"``.
        cycle_momentum: whether momentum (or beta1) is scheduled.
        base_momentum, max_momentum: its bounds, one for all groups or one each.
        last_epoch: the step to go on from.

    Raises:
        ValueError: an argument is out of range, or the optimizer has no momentum.
    """

    def __init__(
        self,
        optimizer: Optimizer,
        base_lr: float | Sequence[float],
        max_lr: float | Sequence[float],
        step_size_up: int = 2000,
        step_size_down: int | None = None,
        mode: str = "triangular",
        gamma: float = 1.0,
        scale_fn: Callable[[float], float] | None = None,
        scale_mode: str = "cycle",
        cycle_momentum: bool = True,
        base_momentum: float | Sequence[float] = 0.8,
        max_momentum: float | Sequence[float] = 0.9,
        last_epoch: int = -1,
    ) -> None:
        check_optimizer(optimizer)
        if scale_fn is None and mode not in _MODES:
            raise ArgumentError(f"mode must be one of {_MODES}, got {mode!r}")
        base_lrs = one_each("base_lr", optimizer, base_lr)
        self.max_lrs = one_each("max_lr", optimizer, max_lr)
        down = step_size_up if step_size_down is None else step_size_down
        self.total_size = float(step_size_up) + float(down)
        self.step_ratio = float(step_size_up) / self.total_size
        self.mode, self.gamma, self._scale_fn_custom = mode, gamma, scale_fn
        self.scale_mode = scale_mode
        if scale_fn is None:
            self.scale_mode = "iterations" if mode == "exp_range" else "cycle"
        self.cycle_momentum = cycle_momentum
        if cycle_momentum:
            self._prepare_momentum(optimizer, base_momentum, max_momentum, last_epoch)
        if last_epoch == -1:
            for group, rate in zip(optimizer.param_groups, base_lrs, strict=True):
                set_option(group, "lr", rate)
        super().__init__(optimizer, last_epoch)
        self.base_lrs = base_lrs

    def _prepare_momentum(
        self, optimizer: Optimizer, base: Any, most: Any, last_epoch: int
    ) -> None:
        self.use_beta1 = "betas" in optimizer.defaults
        if not self.use_beta1 and "momentum" not in optimizer.defaults:
            raise ArgumentError(
                "the optimizer has neither momentum nor betas; set cycle_momentum=False"
            )
        self.base_momentums = one_each("base_momentum", optimizer, base)
        self.max_momentums = one_each("max_momentum", optimizer, most)
        if last_epoch != -1:
            return
        for group, low, high in zip(
            optimizer.param_groups,
            self.base_momentums,
            self.max_momentums,
            strict=True,
        ):
            self._set_momentum(group, high)
            group["max_momentum"], group["base_momentum"] = high, low

    def _set_momentum(self, group: dict[str, Any], value: float) -> None:
        if self.use_beta1:
            group["betas"] = (value, *group["betas"][1:])
        else:
            group["momentum"] = value

    def scale_fn(self, x: float) -> float:
        """The scale of a cycle, counted from 1, or of a step: see ``scale_mode``."""
        if self._scale_fn_custom is not None:
            return self._scale_fn_custom(x)
        if self.mode == "triangular":
            return 1.0
        return 2.0 ** (1 - x) if self.mode == "triangular2" else self.gamma**x

    def get_lr(self) -> list[float]:
        """The rates at ``last_epoch``; sets the momenta too."""
        cycle = math.floor(1 + self.last_epoch / self.total_size)
        place = 1 + self.last_epoch / self.total_size - cycle
        if place <= self.step_ratio:
            height = place / self.step_ratio
        else:
            height = (place - 1) / (self.step_ratio - 1)
        height *= self.scale_fn(
            cycle if self.scale_mode == "cycle" else self.last_epoch
        )
        if self.cycle_momentum:
            for group, low, high in zip(
                self.optimizer.param_groups,
                self.base_momentums,
                self.max_momentums,
                strict=True,
            ):
                self._set_momentum(group, high - (high - low) * height)
        bounds = zip(self.base_lrs, self.max_lrs, strict=True)
        return [low + (high - low) * height for low, high in bounds]

    def state_dict(self) -> dict[str, Any]:
        """Everything but the optimizer; of ``scale_fn``, an object's attributes."""
        state = super().state_dict()
        state["_scale_fn_custom"] = saved_function(self._scale_fn_custom)
        return state

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Take over what ``state_dict`` gave; the function stays."""
        state = dict(state_dict)
        load_function(self._scale_fn_custom, state.pop("_scale_fn_custom"))
        super().load_state_dict(state)

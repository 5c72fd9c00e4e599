"""Schedules of the learning rate, in PyTorch's chainable and closed forms.

A scheduler sets ``lr`` of its optimizer's groups when made and at each ``step()``.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from lampas.errors import ArgumentError, ArgumentTypeError
from lampas.optim.optimizer import Optimizer

__all__ = [
    "ChainedScheduler",
    "ConstantLR",
    "CosineAnnealingLR",
    "CosineAnnealingWarmRestarts",
    "ExponentialLR",
    "LRScheduler",
    "LambdaLR",
    "LinearLR",
    "MultiStepLR",
    "MultiplicativeLR",
    "OneCycleLR",
    "PolynomialLR",
    "ReduceLROnPlateau",
    "SequentialLR",
    "StepLR",
]


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
        self._lambdas = _one_each(optimizer, lr_lambda)
        super().__init__(optimizer, last_epoch)

    def get_lr(self) -> list[float]:
        """The rates at ``last_epoch``."""
        pairs = zip(self.base_lrs, self._lambdas, strict=True)
        return [base * f(self.last_epoch) for base, f in pairs]


def _one_each(optimizer: Optimizer, functions: Any) -> list[Any]:
    count = len(optimizer.param_groups)
    if not isinstance(functions, (list, tuple)):
        return [functions] * count
    if len(functions) != count:
        raise ArgumentError(f"expected {count} lr_lambdas, got {len(functions)}")
    return list(functions)


class MultiplicativeLR(LambdaLR):
    """``lr = lr * lr_lambda(step)``; the first step leaves it alone."""

    def get_lr(self) -> list[float]:
        """The rates at ``last_epoch``."""
        if self.last_epoch == 0:
            return self._current()
        pairs = zip(self._current(), self._lambdas, strict=True)
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
        if step > self.total_iters:
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
        if self.last_epoch == 0:
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
        if step == 0 or step > total:
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
        if step == 0:
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


class CosineAnnealingWarmRestarts(LRScheduler):
    """Cosine annealing that starts anew after ``T_0``, ``T_0 * T_mult``, ... steps.

    Source: Loshchilov and Hutter, SGDR, 2017.
    """

    def __init__(
        self,
        optimizer: Optimizer,
        T_0: int,
        T_mult: int = 1,
        eta_min: float = 0.0,
        last_epoch: int = -1,
    ) -> None:
        if T_0 <= 0 or not isinstance(T_0, int):
            raise ArgumentError(f"T_0 must be a positive int, got {T_0}")
        if T_mult < 1 or not isinstance(T_mult, int):
            raise ArgumentError(f"T_mult must be an int >= 1, got {T_mult}")
        self.T_0 = self.T_i = T_0
        self.T_mult, self.eta_min, self.T_cur = T_mult, eta_min, last_epoch
        super().__init__(optimizer, last_epoch)

    def get_lr(self) -> list[float]:
        """The rates at ``last_epoch``."""
        wave = (1 + math.cos(math.pi * self.T_cur / self.T_i)) / 2
        return [self.eta_min + (base - self.eta_min) * wave for base in self.base_lrs]

    def step(self, epoch: float | None = None) -> None:
        """Go to the next step, or to ``epoch``, which may be a fraction."""
        self._step_count += 1
        if epoch is None:
            self.last_epoch += 1
            self.T_cur += 1
            if self.T_cur >= self.T_i:
                self.T_cur -= self.T_i
                self.T_i *= self.T_mult
        else:
            if epoch < 0:
                raise ArgumentError(f"epoch must be >= 0, got {epoch}")
            self.last_epoch = math.floor(epoch)
            self.T_i, self.T_cur = self.T_0, epoch
            while self.T_cur >= self.T_i:
                self.T_cur -= self.T_i
                self.T_i *= self.T_mult
        self._set(self.get_lr())


class OneCycleLR(LRScheduler):
    """Up to ``max_lr`` and down to almost nothing, with momentum the other way.

    Source: Smith and Topin, Super-Convergence, 2018.

    Args:
        optimizer: whose groups are scheduled.
        max_lr: the highest rate, or one for each group.
        total_steps: steps of the cycle; or ``epochs`` times ``steps_per_epoch``.
        pct_start: the share of steps that go up.
        anneal_strategy: ``"cos"`` or ``"linear"``.
        cycle_momentum: whether momentum (or beta1) is scheduled.
        base_momentum, max_momentum: its bounds.
        div_factor: the first rate is ``max_lr / div_factor``.
        final_div_factor: the last is the first over this.
        three_phase: come down to the first rate before the last descent.
        last_epoch: the step to go on from.

    Raises:
        ValueError: an argument is out of range, or steps are not given.
    """

    def __init__(
        self,
        optimizer: Optimizer,
        max_lr: float | Sequence[float],
        total_steps: int | None = None,
        epochs: int | None = None,
        steps_per_epoch: int | None = None,
        pct_start: float = 0.3,
        anneal_strategy: str = "cos",
        cycle_momentum: bool = True,
        base_momentum: float = 0.85,
        max_momentum: float = 0.95,
        div_factor: float = 25.0,
        final_div_factor: float = 1e4,
        three_phase: bool = False,
        last_epoch: int = -1,
    ) -> None:
        if total_steps is None:
            if epochs is None or steps_per_epoch is None:
                raise ArgumentError("give total_steps, or epochs and steps_per_epoch")
            total_steps = epochs * steps_per_epoch
        if total_steps <= 0:
            raise ArgumentError(f"total_steps must be positive, got {total_steps}")
        if not 0 <= pct_start <= 1:
            raise ArgumentError(f"pct_start must be in [0, 1], got {pct_start}")
        if anneal_strategy not in ("cos", "linear"):
            raise ArgumentError(
                f"anneal_strategy must be 'cos' or 'linear', got {anneal_strategy!r}"
            )
        self.total_steps, self.anneal_strategy = total_steps, anneal_strategy
        self.cycle_momentum = cycle_momentum
        self._phases = _phases(total_steps, pct_start, three_phase)
        groups = optimizer.param_groups
        peaks = max_lr if isinstance(max_lr, (list, tuple)) else [max_lr] * len(groups)
        for group, peak in zip(groups, peaks, strict=True):
            if last_epoch == -1:
                group["initial_lr"] = peak / div_factor
                group["max_lr"] = peak
                group["min_lr"] = group["initial_lr"] / final_div_factor
                if cycle_momentum:
                    group["max_momentum"] = max_momentum
                    group["base_momentum"] = base_momentum
                    _set_momentum(group, max_momentum)
        super().__init__(optimizer, last_epoch)

    def get_lr(self) -> list[float]:
        """The rates at ``last_epoch``; sets the momenta too."""
        step = self.last_epoch
        if step > self.total_steps:
            raise ArgumentError(
                f"step {step} is beyond the cycle's total_steps {self.total_steps}"
            )
        (end, rates, momenta), begin = self._phase(step)
        share = (step - begin) / (end - begin)
        result = []
        for group in self.optimizer.param_groups:
            result.append(self._between(group[rates[0]], group[rates[1]], share))
            if self.cycle_momentum:
                low, high = group[momenta[0]], group[momenta[1]]
                _set_momentum(group, self._between(low, high, share))
        return result

    def _phase(self, step: int) -> tuple[Any, float]:
        """The phase that a step is in, and the last step of the one before."""
        begin = 0.0
        for phase in self._phases[:-1]:
            if step <= phase[0]:
                return phase, begin
            begin = phase[0]
        return self._phases[-1], begin

    def _between(self, start: float, end: float, share: float) -> float:
        if self.anneal_strategy == "linear":
            return (end - start) * share + start
        return end + (start - end) / 2 * (1 + math.cos(math.pi * share))


def _phases(total: int, up: float, three: bool) -> list[Any]:
    """(last step, names of the rates, names of the momenta) of each phase."""
    rise = (up * total - 1, ("initial_lr", "max_lr"), ("max_momentum", "base_momentum"))
    if not three:
        fall = (total - 1, ("max_lr", "min_lr"), ("base_momentum", "max_momentum"))
        return [rise, fall]
    middle = 2 * up * total - 2
    return [
        rise,
        (middle, ("max_lr", "initial_lr"), ("base_momentum", "max_momentum")),
        (total - 1, ("initial_lr", "min_lr"), ("max_momentum", "max_momentum")),
    ]


def _set_momentum(group: dict[str, Any], value: float) -> None:
    if "betas" in group:
        group["betas"] = (value, *group["betas"][1:])
    elif "momentum" in group:
        group["momentum"] = value
    else:
        raise ArgumentError(
            "the optimizer has neither momentum nor betas; set cycle_momentum=False"
        )


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

    def step(self, metrics: Any, epoch: int | None = None) -> None:
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

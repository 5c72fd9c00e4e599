"""Averages of a model's parameters over training: equal weights, or exponential."""

from __future__ import annotations

import copy
import itertools
import math
from collections import defaultdict
from collections.abc import Callable, Iterable
from typing import Any

from lampas.backend.native import bind, left_alone
from lampas.dtypes import int64
from lampas.engine.inplace import written
from lampas.engine.modes import no_grad
from lampas.engine.tensor import Tensor
from lampas.errors import ArgumentError
from lampas.nn.module import Module
from lampas.nn.modules.norm import _BatchNorm
from lampas.ops.create import tensor
from lampas.optim._schedule import LRScheduler, one_each
from lampas.optim.optimizer import Optimizer

__all__ = [
    "SWALR",
    "AveragedModel",
    "get_ema_avg_fn",
    "get_ema_multi_avg_fn",
    "get_swa_avg_fn",
    "get_swa_multi_avg_fn",
    "update_bn",
]


_mix_all: Callable[..., bool] = bind("mix_all", left_alone)


def _moved(averages: list[Tensor], currents: list[Tensor], weight: float) -> bool:
    """Move averages towards values by a kernel; False if it left that alone."""
    pairs = zip(averages, currents, strict=True)
    done = _mix_all([[a._data, c._data] for a, c in pairs], weight=weight)
    if done:
        written(averages, "an average")
    return done


def get_ema_avg_fn(decay: float = 0.999) -> Callable[[Tensor, Tensor, Any], Tensor]:
    """The function ``decay * average + (1 - decay) * current`` of one parameter.

    Raises:
        ValueError: ``decay`` is outside [0, 1].

    >>> import lampas
    >>> average = lampas.optim.swa_utils.get_ema_avg_fn(0.75)
    >>> average(lampas.tensor(0.0), lampas.tensor(4.0), 1)
    tensor(1.)
    """
    _check_decay(decay)

    @no_grad()
    def ema(average: Tensor, current: Tensor, num_averaged: Any) -> Tensor:
        return decay * average + (1 - decay) * current

    return ema


def get_ema_multi_avg_fn(decay: float = 0.999) -> Callable[..., None]:
    """The same of lists of parameters, the averages changed in place.

    Raises:
        ValueError: ``decay`` is outside [0, 1].
    """
    _check_decay(decay)

    @no_grad()
    def ema(averages: list[Tensor], currents: list[Tensor], num_averaged: Any) -> None:
        if _moved(averages, currents, 1 - decay):
            return
        for average, current in zip(averages, currents, strict=True):
            if average.is_floating_point() or average.is_complex():
                average.lerp_(current, 1 - decay)
            else:
                average.copy_(average * decay + current * (1 - decay))

    return ema


def get_swa_avg_fn() -> Callable[[Tensor, Tensor, Any], Tensor]:
    """The function ``average + (current - average) / (num_averaged + 1)``.

    >>> import lampas
    >>> average = lampas.optim.swa_utils.get_swa_avg_fn()
    >>> average(lampas.tensor(1.0), lampas.tensor(4.0), 2)
    tensor(2.)
    """

    @no_grad()
    def swa(average: Tensor, current: Tensor, num_averaged: Any) -> Tensor:
        return average + (current - average) / (num_averaged + 1)

    return swa


def get_swa_multi_avg_fn() -> Callable[..., None]:
    """The same of lists of parameters, the averages changed in place."""
    one = get_swa_avg_fn()

    @no_grad()
    def swa(averages: list[Tensor], currents: list[Tensor], num_averaged: Any) -> None:
        if _moved(averages, currents, 1 / (int(num_averaged) + 1)):
            return
        for average, current in zip(averages, currents, strict=True):
            average.copy_(one(average, current, int(num_averaged)))

    return swa


def _check_decay(decay: float) -> None:
    if not 0 <= decay <= 1:
        raise ArgumentError(f"decay must be in [0, 1], got {decay}")


class AveragedModel(Module):
    """A copy of a model, ``module``, that follows the average of its parameters.

    The first ``update_parameters`` copies them; the later ones average, with equal
    weights unless a function is given. Its ``state_dict`` has the copy's and
    ``n_averaged``.

    Sources: Izmailov et al., Averaging Weights Leads to Wider Optima and Better
    Generalization, 2018; Polyak and Juditsky, 1992 (exponential weights).

    Args:
        model: copied.
        device: where the copy lives; None leaves it where the model is.
        avg_fn: gives a new average of ``(average, current, num_averaged)``.
        multi_avg_fn: changes lists of averages of one dtype and device in place.
        use_buffers: average the buffers too, instead of copying them.

    Raises:
        ValueError: both functions are given.

    >>> import lampas
    >>> model = lampas.nn.Linear(1, 1, bias=False)
    >>> averaged = lampas.optim.swa_utils.AveragedModel(model)
    >>> for value in (1.0, 2.0, 6.0):
    ...     _ = lampas.nn.init.constant_(model.weight, value)
    ...     averaged.update_parameters(model)
    >>> averaged(lampas.ones(1)).item()
    3.0
    """

    n_averaged: Tensor

    def __init__(
        self,
        model: Module,
        device: Any = None,
        avg_fn: Callable[[Tensor, Tensor, Any], Tensor] | None = None,
        multi_avg_fn: Callable[..., None] | None = None,
        use_buffers: bool = False,
    ) -> None:
        super().__init__()
        if avg_fn is not None and multi_avg_fn is not None:
            raise ArgumentError("give avg_fn or multi_avg_fn, not both")
        self.module = copy.deepcopy(model)
        if device is not None:
            self.module = self.module.to(device)
        self.register_buffer("n_averaged", tensor(0, dtype=int64, device=device))
        self.avg_fn, self.multi_avg_fn = avg_fn, multi_avg_fn
        self.use_buffers = use_buffers

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        """What the averaged copy gives."""
        return self.module(*args, **kwargs)

    @no_grad()
    def update_parameters(self, model: Module) -> None:
        """Take the parameters of ``model`` into the average."""
        pairs = []
        for average, current in zip(
            self._averaged(self.module), self._averaged(model), strict=True
        ):
            pairs.append((average.detach(), current.detach().to(average.device)))
        if int(self.n_averaged) == 0:
            for average, current in pairs:
                average.copy_(current)
        else:
            self._average(pairs)
        if not self.use_buffers:
            buffers = zip(self.module.buffers(), model.buffers(), strict=True)
            for ours, theirs in buffers:
                ours.detach().copy_(theirs.detach().to(ours.device))
        self.n_averaged += 1

    def _averaged(self, model: Module) -> Iterable[Tensor]:
        buffers = model.buffers() if self.use_buffers else ()
        return itertools.chain(model.parameters(), buffers)

    def _average(self, pairs: list[tuple[Tensor, Tensor]]) -> None:
        if self.avg_fn is not None:
            for average, current in pairs:
                average.copy_(self.avg_fn(average, current, self.n_averaged))
            return
        alike = defaultdict(list)
        for average, current in pairs:
            alike[str(average.device), average.dtype].append((average, current))
        update = self.multi_avg_fn or get_swa_multi_avg_fn()
        for group in alike.values():
            averages, currents = zip(*group, strict=True)
            update(list(averages), list(currents), self.n_averaged)


@no_grad()
def update_bn(loader: Iterable[Any], model: Module, device: Any = None) -> None:
    """Compute the running statistics of batch norms anew, as means over a pass.

    Args:
        loader: batches; of a list or tuple the first entry is the model's input.
        model: set to training for the pass, and back.
        device: where to move the batches; None leaves them.

    >>> import lampas
    >>> model = lampas.nn.BatchNorm1d(1)
    >>> batches = [lampas.tensor([[0.0], [2.0]]), lampas.tensor([[4.0], [6.0]])]
    >>> lampas.optim.swa_utils.update_bn(batches, model)
    >>> model.running_mean
    tensor([3.])
    """
    momenta = {m: m.momentum for m in model.modules() if isinstance(m, _BatchNorm)}
    if not momenta:
        return
    was_training = model.training
    model.train()
    for norm in momenta:
        norm.reset_running_stats()
        # Without a momentum it keeps a plain mean.
        norm.momentum = None
    for batch in loader:
        inputs = batch[0] if isinstance(batch, (list, tuple)) else batch
        model(inputs if device is None else inputs.to(device))
    for norm, momentum in momenta.items():
        norm.momentum = momentum
    model.train(was_training)


class SWALR(LRScheduler):
    """From the rate there is to ``swa_lr`` in ``anneal_epochs`` steps, and stay there.

    Args:
        optimizer: whose groups are scheduled.
        swa_lr: the last rate, or one for each group.
        anneal_epochs: how many steps the way takes.
        anneal_strategy: ``"cos"`` or ``"linear"``.
        last_epoch: the step to go on from.

    Raises:
        ValueError: an argument is out of range or does not fit the groups.
    """

    def __init__(
        self,
        optimizer: Optimizer,
        swa_lr: float | list[float],
        anneal_epochs: int = 10,
        anneal_strategy: str = "cos",
        last_epoch: int = -1,
    ) -> None:
        if anneal_strategy not in ("cos", "linear"):
            raise ArgumentError(
                f"anneal_strategy must be 'cos' or 'linear', got {anneal_strategy!r}"
            )
        if not isinstance(anneal_epochs, int) or anneal_epochs < 0:
            raise ArgumentError(f"anneal_epochs must be >= 0, got {anneal_epochs}")
        rates = one_each("swa_lr", optimizer, swa_lr)
        for group, rate in zip(optimizer.param_groups, rates, strict=True):
            group["swa_lr"] = rate
        self.anneal_epochs, self._anneal_strategy = anneal_epochs, anneal_strategy
        super().__init__(optimizer, last_epoch)

    def get_lr(self) -> list[float]:
        """The rates at this step."""
        step = self._step_count - 1
        if self.anneal_epochs == 0:
            step = max(1, step)
        before, now = self._share(step - 1), self._share(step)
        rates = []
        for group in self.optimizer.param_groups:
            rate, last = group["lr"], group["swa_lr"]
            first = last if before == 1 else (rate - before * last) / (1 - before)
            rates.append(last * now + first * (1 - now))
        return rates

    def _share(self, step: int) -> float:
        """How much of the way is done at a step."""
        t = max(0.0, min(1.0, step / max(1, self.anneal_epochs)))
        if self._anneal_strategy == "linear":
            return t
        return (1 - math.cos(math.pi * t)) / 2

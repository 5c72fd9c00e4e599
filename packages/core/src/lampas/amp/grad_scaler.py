"""Loss scaling, so that small gradients do not vanish in float16."""

from __future__ import annotations

import enum
import math
import warnings
from collections.abc import Iterable
from typing import Any

import numpy as np

from lampas.backend.cupy import is_available
from lampas.backend.device import namespace_of
from lampas.backend.native import bind
from lampas.dtypes import HALVES
from lampas.engine.inplace import written
from lampas.engine.tensor import Tensor
from lampas.errors import ArgumentError, ArgumentTypeError, GradientError

__all__ = ["GradScaler", "OptState"]


def _unscaled(arrays: list[Any], *, factor: float) -> bool:
    """Multiply arrays in place; whether all elements are finite then."""
    finite = True
    for data in arrays:
        if data.dtype in HALVES:
            data[...] = data.astype(np.float32) * factor
        else:
            data *= factor
        finite = finite and bool(namespace_of(data).isfinite(data).all())
    return finite


_unscale_all = bind("unscale_all", _unscaled)


class OptState(enum.Enum):
    """How far an optimizer is since the last :meth:`GradScaler.update`."""

    READY = 0
    UNSCALED = 1
    STEPPED = 2


class GradScaler:
    """Multiplies losses by a factor, and divides gradients by it before they are used.

    A step whose gradients have NaN or infinity is left out and the factor is made
    smaller; after ``growth_interval`` steps without any it is made larger.

    Args:
        device: ``"cuda"``, ``"cpu"`` or ``"sim"``; without a card, a scaler for
            ``"cuda"`` is not enabled.
        init_scale: the first factor.
        growth_factor: what it is multiplied by after a time of finite gradients.
        backoff_factor: what it is multiplied by after gradients that are not finite.
        growth_interval: how many finite steps that time is.
        enabled: False makes all methods do what they would do without a scaler.

    >>> weight = lampas.ones(1, requires_grad=True)
    >>> optimizer = lampas.optim.SGD([weight], lr=0.5)
    >>> scaler = GradScaler("cpu", init_scale=4.0)
    >>> scaler.scale((weight * 1).sum()).backward()
    >>> weight.grad
    tensor([4.])
    >>> scaler.step(optimizer)
    >>> scaler.update()
    >>> weight.detach()
    tensor([0.5000])
    """

    def __init__(
        self,
        device: str = "cuda",
        init_scale: float = 2.0**16,
        growth_factor: float = 2.0,
        backoff_factor: float = 0.5,
        growth_interval: int = 2000,
        enabled: bool = True,
    ) -> None:
        if enabled and device == "cuda" and not is_available():
            warnings.warn(
                "GradScaler is for cuda, but no card is available; it is not enabled",
                stacklevel=2,
            )
            enabled = False
        self._device, self._enabled = device, enabled
        if not enabled:
            return
        if growth_factor <= 1.0:
            raise ArgumentError(f"growth_factor must be > 1, got {growth_factor}")
        if not 0 < backoff_factor < 1.0:
            raise ArgumentError(
                f"backoff_factor must be between 0 and 1, got {backoff_factor}"
            )
        self._scale = float(init_scale)
        self._growth_factor = growth_factor
        self._backoff_factor = backoff_factor
        self._growth_interval = growth_interval
        self._growth_tracker = 0
        # By optimizer: how far it is, and whether its gradients are all finite.
        self._states: dict[int, tuple[OptState, bool]] = {}

    # ---- a step

    def scale(self, outputs: Any) -> Any:
        """Multiply a loss, or each of several in any iterable, by the factor.

        Raises:
            ValueError: something in it is not a tensor.
        """
        if not self._enabled:
            return outputs
        if isinstance(outputs, Tensor):
            return outputs * self._scale
        if not isinstance(outputs, Iterable):
            raise ArgumentError(
                "outputs must be a Tensor or an iterable of Tensors, got "
                f"{type(outputs).__name__}"
            )
        scaled = map(self.scale, outputs)
        return type(outputs)(scaled) if isinstance(outputs, (list, tuple)) else scaled

    def unscale_(self, optimizer: Any) -> None:
        """Divide the gradients of an optimizer's parameters by the factor.

        Call it before the gradients are looked at or clipped; else :meth:`step` does.

        Raises:
            RuntimeError: called twice since the last :meth:`update`, or after
                :meth:`step`.
            ValueError: a gradient is float16, so scaling it does not help.
        """
        if not self._enabled:
            return
        state, _ = self._state_of(optimizer)
        if state is OptState.UNSCALED:
            raise GradientError(
                "unscale_() has already been called on this optimizer since the last "
                "update()"
            )
        if state is OptState.STEPPED:
            raise GradientError("unscale_() is being called after step()")
        finite = self._unscale(optimizer)
        self._states[id(optimizer)] = OptState.UNSCALED, finite

    def _unscale(self, optimizer: Any) -> bool:
        grads = [
            p.grad
            for group in optimizer.param_groups
            for p in group["params"]
            if p.grad is not None
        ]
        if any(g.dtype.name == "float16" for g in grads):
            raise ArgumentError(
                "unscale_: parameters must be float32 for their gradients to be "
                "unscaled, got float16; use autocast instead of half()"
            )
        # In place as for a dense one: the values of a sparse one are its own.
        dense = [g._values() if g.is_sparse else g for g in grads]
        with np.errstate(all="ignore"):
            finite = _unscale_all([g._data for g in dense], factor=1.0 / self._scale)
        written(dense, "GradScaler.unscale_")
        return bool(finite)

    def step(self, optimizer: Any, *args: Any, **kwargs: Any) -> Any:
        """Unscale if that is still to be done, and step if all gradients are finite.

        Args:
            optimizer: its ``step`` is called.
            args, kwargs: for ``step``; a closure is refused.

        Returns:
            What ``step`` returns, or None if it was left out.

        Raises:
            RuntimeError: a closure is given, or the optimizer has stepped already since
                the last :meth:`update`.
        """
        if not self._enabled:
            return optimizer.step(*args, **kwargs)
        if "closure" in kwargs or (args and callable(args[0])):
            raise GradientError("step: closure use is not supported with a GradScaler")
        state, finite = self._state_of(optimizer)
        if state is OptState.STEPPED:
            raise GradientError(
                "step() has already been called on this optimizer since the last "
                "update()"
            )
        if state is OptState.READY:
            self.unscale_(optimizer)
            _, finite = self._state_of(optimizer)
        result = optimizer.step(*args, **kwargs) if finite else None
        self._states[id(optimizer)] = OptState.STEPPED, finite
        return result

    def update(self, new_scale: float | Tensor | None = None) -> None:
        """Adapt the factor to what the steps since the last update have met.

        Args:
            new_scale: the new factor, instead.

        Raises:
            RuntimeError: nothing was unscaled or stepped before.
        """
        if not self._enabled:
            return
        if new_scale is not None:
            self._scale = float(new_scale)
        elif not self._states:
            raise GradientError("update: no gradient was unscaled before it")
        elif all(finite for _, finite in self._states.values()):
            self._grow()
        else:
            self._scale *= self._backoff_factor
            self._growth_tracker = 0
        self._states = {}

    def _grow(self) -> None:
        self._growth_tracker += 1
        if self._growth_tracker == self._growth_interval:
            self._growth_tracker = 0
            larger = self._scale * self._growth_factor
            # The factor multiplies float32 losses.
            if larger <= 3.4028235e38 and math.isfinite(larger):
                self._scale = larger

    def _state_of(self, optimizer: Any) -> tuple[OptState, bool]:
        return self._states.get(id(optimizer), (OptState.READY, True))

    # ---- settings

    def get_scale(self) -> float:
        """The factor; 1 if the scaler is not enabled."""
        return self._scale if self._enabled else 1.0

    def get_growth_factor(self) -> float:
        """What the factor grows by."""
        return self._growth_factor

    def set_growth_factor(self, new_factor: float) -> None:
        """Set what the factor grows by."""
        self._growth_factor = new_factor

    def get_backoff_factor(self) -> float:
        """What the factor shrinks by."""
        return self._backoff_factor

    def set_backoff_factor(self, new_factor: float) -> None:
        """Set what the factor shrinks by."""
        self._backoff_factor = new_factor

    def get_growth_interval(self) -> int:
        """After how many finite steps the factor grows."""
        return self._growth_interval

    def set_growth_interval(self, new_interval: int) -> None:
        """Set after how many finite steps the factor grows."""
        self._growth_interval = new_interval

    def is_enabled(self) -> bool:
        """Whether the scaler does anything."""
        return self._enabled

    def state_dict(self) -> dict[str, Any]:
        """The factor and how it changes; empty if the scaler is not enabled."""
        if not self._enabled:
            return {}
        return {
            "scale": self._scale,
            "growth_factor": self._growth_factor,
            "backoff_factor": self._backoff_factor,
            "growth_interval": self._growth_interval,
            "_growth_tracker": self._growth_tracker,
        }

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Go on from a saved state.

        Raises:
            RuntimeError: it is of a scaler that was not enabled.
        """
        if not self._enabled:
            return
        if not isinstance(state_dict, dict):
            raise ArgumentTypeError(
                f"state_dict must be a dict, got {type(state_dict).__name__}"
            )
        missing = [key for key in self.state_dict() if key not in state_dict]
        if missing:
            raise GradientError(
                f"the state lacks {', '.join(missing)}; it may be that of a "
                "GradScaler that was not enabled"
            )
        self._scale = float(state_dict["scale"])
        self._growth_factor = state_dict["growth_factor"]
        self._backoff_factor = state_dict["backoff_factor"]
        self._growth_interval = state_dict["growth_interval"]
        self._growth_tracker = int(state_dict["_growth_tracker"])

"""``torch.distributions.utils``: what distributions of a program's own are made of."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Generic, Self, TypeVar, overload

from lampas.distributions.distribution import broadcast_all
from lampas.dtypes import finfo
from lampas.engine.modes import enable_grad
from lampas.engine.tensor import Tensor
from lampas.nn.functional import softmax
from lampas.ops.with_out import log, log1p, sigmoid

__all__ = [
    "broadcast_all",
    "clamp_probs",
    "lazy_property",
    "logits_to_probs",
    "probs_to_logits",
]

R = TypeVar("R")


def clamp_probs(probs: Tensor) -> Tensor:
    """``probs`` at least an epsilon of their type away from 0 and from 1."""
    eps = finfo(probs.dtype).eps
    return probs.clamp(min=eps, max=1 - eps)


def logits_to_probs(logits: Tensor, is_binary: bool = False) -> Tensor:
    """``sigmoid(logits)``, or the softmax of the last dimension."""
    return sigmoid(logits) if is_binary else softmax(logits, dim=-1)


def probs_to_logits(probs: Tensor, is_binary: bool = False) -> Tensor:
    """``log(p / (1 - p))``, or ``log p``, of :func:`clamp_probs`."""
    inner = clamp_probs(probs)
    return log(inner) - log1p(-inner) if is_binary else log(inner)


class lazy_property(Generic[R]):
    """A property that is computed when first read, with gradients, and then kept."""

    def __init__(self, wrapped: Callable[[Any], R]) -> None:
        self.wrapped = wrapped
        self.__doc__ = wrapped.__doc__

    @overload
    def __get__(self, instance: None, obj_type: Any = None) -> Self: ...

    @overload
    def __get__(self, instance: object, obj_type: Any = None) -> R: ...

    def __get__(self, instance: object | None, obj_type: Any = None) -> Self | R:
        if instance is None:
            return self
        with enable_grad():
            value = self.wrapped(instance)
        setattr(instance, self.wrapped.__name__, value)
        return value

"""What distributions of trials with a chance have in common."""

from __future__ import annotations

from functools import cached_property
from typing import Any, Self

from lampas.distributions.distribution import Distribution, broadcast_all
from lampas.dtypes import finfo
from lampas.engine.modes import enable_grad
from lampas.engine.tensor import Size, Tensor
from lampas.errors import ArgumentError
from lampas.ops.activation import logsigmoid
from lampas.ops.with_out import sigmoid, where

__all__ = [
    "Chance",
    "OverChances",
    "check_one_given",
    "times_log",
    "times_log_of_rest",
]


def times_log(weight: Tensor, chance: Tensor) -> Tensor:
    """``weight log(chance)``; 0, and without a gradient, where the weight is 0."""
    some = weight != 0
    return where(some, weight * where(some, chance, 1.0).log(), 0.0)


def times_log_of_rest(weight: Tensor, chance: Tensor) -> Tensor:
    """``weight log(1 - chance)``; 0, without a gradient, where the weight is 0."""
    some = weight != 0
    return where(some, weight * (-where(some, chance, 0.0)).log1p(), 0.0)


def check_one_given(probs: Any, logits: Any) -> None:
    """Refuse both or none of the two.

    Raises:
        ValueError: both or none were given.
    """
    if (probs is None) == (logits is None):
        raise ArgumentError(
            "Either `probs` or `logits` must be specified, but not both."
        )


class Chance(Distribution):
    """A distribution that is given ``probs`` or ``logits``, exactly one of the two."""

    _by_probs: bool

    def _take(self, probs: Any, logits: Any, *others: Any) -> list[Tensor]:
        """Keep what was given, of one shape with the others; the others, and it.

        Raises:
            ValueError: both or none of ``probs`` and ``logits`` were given.
        """
        check_one_given(probs, logits)
        name = "logits" if probs is None else "probs"
        *rest, given = broadcast_all(*others, logits if probs is None else probs)
        vars(self)[name] = given
        self._by_probs = probs is not None
        return [*(value.to(given.dtype) for value in rest), given]

    def expand(self, batch_shape: Any) -> Self:
        made = super().expand(batch_shape)
        made._by_probs = self._by_probs
        return made

    @cached_property
    @enable_grad()  # kept, even if first read while drawing
    def probs(self) -> Tensor:
        """Chances of a success."""
        return sigmoid(self.logits)

    @cached_property
    @enable_grad()  # kept, even if first read while drawing
    def logits(self) -> Tensor:
        """Logarithms of the odds of a success."""
        tiny = finfo(self.probs.dtype).eps
        inner = self.probs.clamp(tiny, 1 - tiny)
        return inner.log() - (-inner).log1p()

    @property
    def param_shape(self) -> Size:
        """Shape of ``probs`` and ``logits``."""
        return self._batch_shape

    def _odds(self) -> Tensor:
        """``probs / (1 - probs)``, of what was given."""
        return self.probs / (1 - self.probs) if self._by_probs else self.logits.exp()

    def _log_chance(self, successes: Tensor, failures: Tensor) -> Tensor:
        """``log(p^successes (1 - p)^failures)``, exact at chances of 0 and 1 too."""
        if self._by_probs:
            likely = times_log(successes, self.probs)
            return likely + times_log_of_rest(failures, self.probs)
        return successes * logsigmoid(self.logits) + failures * logsigmoid(-self.logits)


class OverChances(Distribution):
    """A distribution whose chances are those of another one, which it is made over."""

    _over: Any

    def expand(self, batch_shape: Any) -> Self:
        made = type(self).__new__(type(self))
        made._over = self._over.expand(batch_shape)
        made._batch_shape, made._event_shape = Size(batch_shape), self._event_shape
        made._validate_args = self._validate_args
        return made

    def _given(self) -> dict[str, Tensor]:
        return self._over._given()

    @property
    def probs(self) -> Tensor:
        """The chances, as the distribution beneath has them."""
        return self._over.probs

    @property
    def logits(self) -> Tensor:
        """Their logits, as the distribution beneath has them."""
        return self._over.logits

    @property
    def param_shape(self) -> Size:
        """Shape of ``probs`` and ``logits``."""
        return self._over.param_shape

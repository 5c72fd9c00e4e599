"""The categorical distribution."""

from __future__ import annotations

from functools import cached_property
from typing import Any

from lampas.distributions import constraints
from lampas.distributions._chances import check_one_given
from lampas.distributions.exponential_family import ExponentialFamily
from lampas.dtypes import finfo
from lampas.engine.modes import enable_grad, no_grad
from lampas.engine.tensor import Size, Tensor
from lampas.errors import ArgumentError
from lampas.ops.views import broadcast_tensors
from lampas.ops.with_out import arange, multinomial, softmax

__all__ = ["Categorical"]


class Categorical(ExponentialFamily):
    """The number ``i`` with a chance in proportion to ``probs[..., i]``.

    Args:
        probs: nonnegative weights along the last dimension, scaled to sum to 1.
        logits: logarithms of weights; exactly one of the two is given.
        validate_args: whether arguments are checked.

    Raises:
        ValueError: both or none of ``probs`` and ``logits`` were given, or a scalar.

    >>> import lampas
    >>> Categorical(lampas.tensor([1.0, 3.0])).probs
    tensor([0.2500, 0.7500])
    """

    arg_constraints = {
        "probs": constraints.simplex,
        "logits": constraints.real_vector,
    }
    has_enumerate_support = True
    _mean_carrier_measure = 0

    def __init__(
        self,
        probs: Tensor | None = None,
        logits: Tensor | None = None,
        validate_args: bool | None = None,
    ) -> None:
        check_one_given(probs, logits)
        for name, given in (("probs", probs), ("logits", logits)):
            if given is None:
                continue
            if given.dim() < 1:
                raise ArgumentError(f"`{name}` must be at least one-dimensional.")
            vars(self)[name] = (
                given / given.sum(-1, keepdim=True)
                if name == "probs"
                else given - given.logsumexp(-1, keepdim=True)
            )
            super().__init__(given.shape[:-1], validate_args=validate_args)

    @constraints.dependent_property(is_discrete=True, event_dim=0)
    def support(self) -> constraints.Constraint:
        return constraints.integer_interval(0, self._num_events - 1)

    @cached_property
    @enable_grad()  # kept, even if first read while drawing
    def probs(self) -> Tensor:
        """Chances along the last dimension."""
        return softmax(self.logits, -1)

    @cached_property
    @enable_grad()  # kept, even if first read while drawing
    def logits(self) -> Tensor:
        """Logarithms of the chances."""
        tiny = finfo(self.probs.dtype).eps
        return self.probs.clamp(tiny, 1 - tiny).log()

    @property
    def param_shape(self) -> Size:
        """Shape of ``probs`` and ``logits``."""
        return next(iter(self._given().values())).shape

    @property
    def _num_events(self) -> int:
        return self.param_shape[-1]

    @property
    def mean(self) -> Tensor:
        return self._undefined()

    @property
    def mode(self) -> Tensor:
        return self.probs.argmax(dim=-1)

    @property
    def variance(self) -> Tensor:
        return self._undefined()

    def _undefined(self) -> Tensor:
        return self.probs.sum(-1) * float("nan")

    def sample(self, sample_shape: Any = ()) -> Tensor:
        shape = Size(sample_shape)
        with no_grad():
            rows = self.probs.reshape(-1, self._num_events)
            drawn = multinomial(rows, shape.numel(), True)
            return drawn.T.reshape(self._extended_shape(shape))

    def log_prob(self, value: Tensor) -> Tensor:
        if self._validate_args:
            self._validate_sample(value)
        value, logits = broadcast_tensors(value.long().unsqueeze(-1), self.logits)
        return logits.gather(-1, value[..., :1]).squeeze(-1)

    def entropy(self) -> Tensor:
        # A chance of 0 adds nothing.
        logits = self.logits.clamp(min=finfo(self.logits.dtype).min)
        return -(logits * self.probs).sum(-1)

    def enumerate_support(self, expand: bool = True) -> Tensor:
        values = arange(self._num_events, device=self.probs.device)
        return self._enumerated(values, expand)

    @property
    def _natural_params(self) -> tuple[Tensor, ...]:
        return (self.logits,)

    def _log_normalizer(self, *natural_params: Tensor) -> Tensor:
        return natural_params[0].logsumexp(-1)

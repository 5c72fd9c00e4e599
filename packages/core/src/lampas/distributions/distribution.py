"""What all distributions share: shapes, validation, expansion."""

from __future__ import annotations

from typing import Any, ClassVar, Self

from lampas.distributions import constraints
from lampas.dtypes import get_default_dtype
from lampas.engine.modes import no_grad
from lampas.engine.tensor import Size, Tensor
from lampas.errors import ArgumentError, LampasError
from lampas.ops.create import tensor
from lampas.ops.views import broadcast_tensors

__all__ = ["Distribution", "MissingMethodError", "broadcast_all"]

_NO_SIZE = Size([])


class MissingMethodError(LampasError, NotImplementedError):
    """The distribution has no formula for what was asked."""


def broadcast_all(*values: Any) -> tuple[Tensor, ...]:
    """Tensors of one shape; numbers take the dtype of the first tensor.

    Raises:
        RuntimeError: the shapes do not fit together.
    """
    like = next((value for value in values if isinstance(value, Tensor)), None)
    dtype = get_default_dtype() if like is None else like.dtype
    if not dtype.is_floating_point:
        dtype = get_default_dtype()
    device = "cpu" if like is None else like.device
    made = [
        value
        if isinstance(value, Tensor)
        else tensor(value, dtype=dtype, device=device)
        for value in values
    ]
    return tuple(broadcast_tensors(*made))


def _text(value: Tensor) -> Any:
    """Scalars as numbers."""
    return value.item() if value.ndim == 0 else value


class Distribution:
    """Base of all distributions.

    A sample has the shape ``sample_shape + batch_shape + event_shape``: many draws
    from many independent distributions whose single draw is an event.

    Args:
        batch_shape: shape of the parameters.
        event_shape: shape of one draw.
        validate_args: whether parameters and values are checked; by default they are.
    """

    has_rsample: ClassVar[bool] = False
    has_enumerate_support: ClassVar[bool] = False
    arg_constraints: ClassVar[dict[str, constraints.Constraint]] = {}
    support: constraints.Constraint | property
    _checks: ClassVar[bool] = __debug__
    _validate_args: bool

    @staticmethod
    def set_default_validate_args(value: bool) -> None:
        """Whether distributions made from now on check their arguments."""
        if value not in (True, False):
            raise ArgumentError(f"value must be a bool, got {value!r}")
        Distribution._checks = value

    def __init__(
        self,
        batch_shape: Any = _NO_SIZE,
        event_shape: Any = _NO_SIZE,
        validate_args: bool | None = None,
    ) -> None:
        self._batch_shape = Size(batch_shape)
        self._event_shape = Size(event_shape)
        self._validate_args = self._checks if validate_args is None else validate_args
        if self._validate_args:
            self._validate_parameters()

    def _given(self) -> dict[str, Tensor]:
        """The parameters that were given, not those computed from others."""
        return {
            name: vars(self)[name]
            for name in self.arg_constraints
            if name in vars(self)
        }

    def _validate_parameters(self) -> None:
        for name, value in self._given().items():
            constraint = self.arg_constraints[name]
            if constraints.is_dependent(constraint):
                continue
            valid = constraint.check(value)
            if not valid.all().item():
                raise ArgumentError(
                    f"Expected parameter {name} ({type(value).__name__} of shape "
                    f"{tuple(value.shape)}) of distribution {self!r} to satisfy the "
                    f"constraint {constraint!r}, but found invalid values:\n"
                    f"{_text(value)}"
                )

    def _validate_sample(self, value: Tensor) -> None:
        """Raises ValueError if ``value`` cannot be a sample."""
        if not isinstance(value, Tensor):
            raise ArgumentError("The value argument to log_prob must be a Tensor")
        events = len(self._event_shape)
        if value.shape[value.ndim - events :] != self._event_shape:
            raise ArgumentError(
                "The right-most size of value must match event_shape: "
                f"{value.shape} vs {self._event_shape}."
            )
        expected = (*self._batch_shape, *self._event_shape)
        pairs = zip(reversed(value.shape), reversed(expected), strict=False)
        if any(i != j and 1 not in (i, j) for i, j in pairs):
            raise ArgumentError(
                "Value is not broadcastable with batch_shape+event_shape: "
                f"{value.shape} vs {Size(expected)}."
            )
        support: Any = self.support
        if not support.check(value).all().item():
            raise ArgumentError(
                f"Expected value argument ({type(value).__name__} of shape "
                f"{tuple(value.shape)}) to be within the support ({support!r}) of the "
                f"distribution {self!r}, but found invalid values:\n{_text(value)}"
            )

    def expand(self, batch_shape: Any) -> Self:
        """The same distribution with its parameters expanded to ``batch_shape``."""
        shape = Size(batch_shape)
        made = type(self).__new__(type(self))
        for name, value in self._given().items():
            event = value.shape[len(self._batch_shape) :]
            vars(made)[name] = value.expand((*shape, *event))
        made._batch_shape, made._event_shape = shape, self._event_shape
        made._validate_args = self._validate_args
        return made

    @property
    def batch_shape(self) -> Size:
        """Shape of the independent distributions."""
        return self._batch_shape

    @property
    def event_shape(self) -> Size:
        """Shape of one draw."""
        return self._event_shape

    def _missing(self, name: str) -> MissingMethodError:
        return MissingMethodError(f"{type(self).__name__} has no {name}")

    @property
    def mean(self) -> Tensor:
        """The expectation."""
        raise self._missing("mean")

    @property
    def mode(self) -> Tensor:
        """Where the density is greatest."""
        raise self._missing("mode")

    @property
    def variance(self) -> Tensor:
        """The expected square of the distance from the mean."""
        raise self._missing("variance")

    @property
    def stddev(self) -> Tensor:
        """The root of the variance."""
        return self.variance.sqrt()

    def sample(self, sample_shape: Any = _NO_SIZE) -> Tensor:
        """Draws without a gradient, of shape ``sample_shape + batch + event``."""
        with no_grad():
            return self.rsample(sample_shape)

    def rsample(self, sample_shape: Any = _NO_SIZE) -> Tensor:
        """Draws through which gradients reach the parameters."""
        raise self._missing("rsample")

    def sample_n(self, n: int) -> Tensor:
        """``n`` draws: ``sample((n,))``."""
        return self.sample((n,))

    def log_prob(self, value: Tensor) -> Tensor:
        """The logarithm of the density, or of the probability, at ``value``."""
        raise self._missing("log_prob")

    def cdf(self, value: Tensor) -> Tensor:
        """The probability of a draw of at most ``value``."""
        raise self._missing("cdf")

    def icdf(self, value: Tensor) -> Tensor:
        """The draw that lies above the share ``value`` of all draws."""
        raise self._missing("icdf")

    def entropy(self) -> Tensor:
        """The expectation of ``-log_prob``, in nats."""
        raise self._missing("entropy")

    def perplexity(self) -> Tensor:
        """``exp(entropy)``."""
        return self.entropy().exp()

    def enumerate_support(self, expand: bool = True) -> Tensor:
        """All values of a discrete distribution, along a new first dimension."""
        raise self._missing("enumerate_support")

    def _enumerated(self, values: Tensor, expand: bool) -> Tensor:
        values = values.reshape((-1, *(1 for _ in self._batch_shape)))
        return values.expand((-1, *self._batch_shape)) if expand else values

    def _extended_shape(self, sample_shape: Any = _NO_SIZE) -> Size:
        return Size((*Size(sample_shape), *self._batch_shape, *self._event_shape))

    def __repr__(self) -> str:
        parts = ", ".join(
            f"{name}: {_text(value) if value.numel() == 1 else value.shape}"
            for name, value in self._given().items()
        )
        return f"{type(self).__name__}({parts})"

"""What every constraint is, and those that only a distribution's instance knows."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from lampas.engine.tensor import Tensor
from lampas.errors import ArgumentError, LampasError

__all__ = ["Constraint", "dependent", "dependent_property", "is_dependent"]


class ConstraintUnknownError(LampasError, NotImplementedError):
    """Only an instance of a distribution can tell."""


class Constraint:
    """A set of values; ``event_dim`` of their last dimensions belong together."""

    is_discrete: Any = False
    event_dim: Any = 0

    def check(self, value: Tensor) -> Tensor:
        """Bools, one for each event of ``value``: whether it lies in the set."""
        raise NotImplementedError

    def __repr__(self) -> str:
        return f"{type(self).__name__.lstrip('_')}()"


class _Dependent(Constraint):
    """A set that depends on other values.

    Args:
        is_discrete, event_dim: what is known of it without them.
    """

    def __init__(
        self, *, is_discrete: bool | None = None, event_dim: int | None = None
    ) -> None:
        self._is_discrete = is_discrete
        self._event_dim = event_dim

    @property
    def is_discrete(self) -> bool:
        if self._is_discrete is None:
            raise ConstraintUnknownError(".is_discrete cannot be determined statically")
        return self._is_discrete

    @property
    def event_dim(self) -> int:
        if self._event_dim is None:
            raise ConstraintUnknownError(".event_dim cannot be determined statically")
        return self._event_dim

    def check(self, value: Tensor) -> Tensor:
        raise ArgumentError("Cannot determine validity of dependent constraint")


class dependent_property(property, _Dependent):
    """A property whose constraint depends on the distribution's parameters.

    Args:
        fn: the method that gives the constraint.
        is_discrete, event_dim: what is known of it without the parameters.
    """

    def __init__(
        self,
        fn: Callable[[Any], Constraint] | None = None,
        *,
        is_discrete: bool | None = None,
        event_dim: int | None = None,
    ) -> None:
        super().__init__(fn)
        self._is_discrete = is_discrete
        self._event_dim = event_dim

    def __call__(self, fn: Callable[[Any], Constraint]) -> Any:
        return dependent_property(
            fn, is_discrete=self._is_discrete, event_dim=self._event_dim
        )


def is_dependent(constraint: Constraint) -> bool:
    """Whether only an instance of the distribution knows this constraint."""
    return isinstance(constraint, _Dependent)


class _DependentObject(_Dependent):
    def __call__(
        self, *, is_discrete: bool | None = None, event_dim: int | None = None
    ) -> _DependentObject:
        return _DependentObject(
            is_discrete=self._is_discrete if is_discrete is None else is_discrete,
            event_dim=self._event_dim if event_dim is None else event_dim,
        )


dependent = _DependentObject()

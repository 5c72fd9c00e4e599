"""From a constraint to a transform of all real numbers into it.

``biject_to(constraint)`` is one to one, so that densities can follow it;
``transform_to(constraint)`` may be simpler: parameters to be optimized need no more.

>>> import lampas
>>> from lampas.distributions import constraints, transform_to
>>> transform_to(constraints.positive)(lampas.tensor(0.0))
tensor(1.)
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from lampas.distributions import constraints, transforms
from lampas.distributions.distribution import MissingMethodError
from lampas.distributions.transforms import Transform
from lampas.errors import ArgumentTypeError

__all__ = ["ConstraintRegistry", "biject_to", "transform_to"]

Factory = Callable[[Any], Transform]


class ConstraintRegistry:
    """A table from classes of constraints to what makes a transform of one.

    >>> from lampas.distributions import transforms
    >>> registry = ConstraintRegistry()
    >>> make = registry.register(constraints.simplex, lambda c: SoftmaxTransform())
    >>> from lampas.distributions.transforms import SoftmaxTransform
    >>> registry(constraints.simplex)
    SoftmaxTransform()
    """

    def __init__(self) -> None:
        self._factories: dict[type, Factory] = {}

    def register(self, constraint: Any, factory: Factory | None = None) -> Any:
        """Registers what makes a transform for constraints of a class.

        Args:
            constraint: a subclass of ``Constraint``, or an instance of one.
            factory: takes the constraint, returns the transform; without it, the
                result is a decorator of such a function.

        Raises:
            TypeError: ``constraint`` is no constraint.
        """
        kind = type(constraint) if _is_constraint(constraint) else constraint
        if not (isinstance(kind, type) and issubclass(kind, constraints.Constraint)):
            raise ArgumentTypeError(
                "Expected constraint to be either a Constraint subclass or instance, "
                f"but got {constraint!r}"
            )

        def keep(factory: Factory) -> Factory:
            self._factories[kind] = factory
            return factory

        return keep if factory is None else keep(factory)

    def __call__(self, constraint: Any) -> Transform:
        """The transform into ``constraint``.

        Raises:
            NotImplementedError: none is registered for its class.
        """
        factory = self._factories.get(type(constraint))
        if factory is None:
            raise MissingMethodError(
                f"Cannot transform {type(constraint).__name__} constraints"
            )
        return factory(constraint)


def _is_constraint(value: Any) -> bool:
    return isinstance(value, constraints.Constraint)


biject_to = ConstraintRegistry()
"""Bijections, whose ``log_abs_det_jacobian`` is known."""

transform_to = ConstraintRegistry()
"""Transforms that reach everything, perhaps from several places."""


def _both(*kinds: Any) -> Callable[[Factory], Factory]:
    def keep(factory: Factory) -> Factory:
        for kind in kinds:
            biject_to.register(kind, factory)
            transform_to.register(kind, factory)
        return factory

    return keep


@_both(constraints.real)
def _real(constraint: Any) -> Transform:
    return transforms.identity_transform


def _is_number(value: Any, number: float) -> bool:
    return isinstance(value, int | float) and value == number


def _from(bound: Any, direction: int) -> Transform:
    if direction == 1 and _is_number(bound, 0):
        return transforms.ExpTransform()
    shift = transforms.AffineTransform(bound, direction)
    return transforms.ComposeTransform([transforms.ExpTransform(), shift])


@_both(constraints.greater_than, constraints.greater_than_eq)
def _above(constraint: Any) -> Transform:
    return _from(constraint.lower_bound, 1)


@_both(constraints.less_than)
def _below(constraint: Any) -> Transform:
    return _from(constraint.upper_bound, -1)


@_both(constraints.interval, constraints.half_open_interval)
def _between(constraint: Any) -> Transform:
    low, high = constraint.lower_bound, constraint.upper_bound
    if _is_number(low, 0) and _is_number(high, 1):
        return transforms.SigmoidTransform()
    widened = transforms.AffineTransform(low, high - low)
    return transforms.ComposeTransform([transforms.SigmoidTransform(), widened])


biject_to.register(
    constraints.simplex, lambda constraint: transforms.StickBreakingTransform()
)
transform_to.register(
    constraints.simplex, lambda constraint: transforms.SoftmaxTransform()
)
transform_to.register(
    constraints.lower_cholesky, lambda constraint: transforms.LowerCholeskyTransform()
)
for _definite in (constraints.positive_definite, constraints.positive_semidefinite):
    transform_to.register(
        _definite, lambda constraint: transforms.PositiveDefiniteTransform()
    )


@_both(constraints.corr_cholesky)
def _correlation(constraint: Any) -> Transform:
    return transforms.CorrCholeskyTransform()


def _composites(registry: ConstraintRegistry) -> None:
    """Constraints made of others need the transforms of their parts."""

    @registry.register(constraints.independent)
    def independent(constraint: Any) -> Transform:
        return transforms.IndependentTransform(
            registry(constraint.base_constraint), constraint.reinterpreted_batch_ndims
        )

    @registry.register(constraints.cat)
    def cat(constraint: Any) -> Transform:
        parts = [registry(part) for part in constraint.cseq]
        return transforms.CatTransform(parts, constraint.dim, constraint.lengths)

    @registry.register(constraints.stack)
    def stack(constraint: Any) -> Transform:
        parts = [registry(part) for part in constraint.cseq]
        return transforms.StackTransform(parts, constraint.dim)


_composites(biject_to)
_composites(transform_to)

"""What all transforms share: calls, inverses, caches, chains of transforms."""

from __future__ import annotations

import functools
import itertools
import operator
import weakref
from collections.abc import Sequence
from typing import Any

from lampas.distributions import constraints
from lampas.distributions.distribution import MissingMethodError
from lampas.engine.tensor import Tensor
from lampas.errors import ArgumentError
from lampas.ops.like import zeros_like

__all__ = [
    "ComposeTransform",
    "Parameterless",
    "Transform",
    "identity_transform",
    "sum_rightmost",
]


def sum_rightmost(values: Tensor, ndims: int) -> Tensor:
    """The sum over the last ``ndims`` dimensions.

    >>> import lampas
    >>> sum_rightmost(lampas.ones(2, 3, 4), 2)
    tensor([12., 12.])
    """
    return values.sum(tuple(range(-ndims, 0))) if ndims > 0 else values


class Transform:
    """Base of the differentiable maps whose Jacobian's determinant is known.

    A subclass has a ``domain`` and a ``codomain`` (constraints), ``_call``,
    ``_inverse`` and, where it is ``bijective``, ``log_abs_det_jacobian``.

    Args:
        cache_size: 1 keeps the last input beside its output, so that the inverse of
            what was just computed is exact and free; 0 keeps nothing.

    Raises:
        ValueError: ``cache_size`` is neither.

    >>> import lampas
    >>> from lampas.distributions.transforms import ExpTransform
    >>> ExpTransform().inv(lampas.tensor(1.0))
    tensor(0.)
    """

    bijective: bool = False
    domain: Any
    codomain: Any

    def __init__(self, cache_size: int = 0) -> None:
        if cache_size not in (0, 1):
            raise ArgumentError(f"cache_size must be 0 or 1, got {cache_size!r}")
        self._cache_size = cache_size
        self._cached: tuple[Tensor, Tensor] | None = None
        self._inv: weakref.ref[Transform] | None = None

    def __getstate__(self) -> dict[str, Any]:
        # Neither the cache nor the inverse is part of what the transform is.
        return {**vars(self), "_cached": None, "_inv": None}

    @property
    def event_dim(self) -> int:
        """How many last dimensions are transformed together.

        Raises:
            ValueError: the domain and the codomain have different numbers of them.
        """
        if self.domain.event_dim != self.codomain.event_dim:
            raise ArgumentError(
                f"{type(self).__name__} has no single event_dim: ask "
                "domain.event_dim or codomain.event_dim"
            )
        return self.domain.event_dim

    @property
    def inv(self) -> Transform:
        """The inverse, whose own inverse is this transform."""
        made = None if self._inv is None else self._inv()
        if made is None:
            made = self._inverted()
            self._inv = weakref.ref(made)
        return made

    def _inverted(self) -> Transform:
        return _InverseTransform(self)

    @property
    def sign(self) -> Any:
        """1 for what increases, -1 for what decreases; of one variable only."""
        raise self._missing("sign")

    def _missing(self, name: str) -> MissingMethodError:
        return MissingMethodError(f"{type(self).__name__} has no {name}")

    def with_cache(self, cache_size: int = 1) -> Transform:
        """The same transform with another ``cache_size``."""
        if self._cache_size == cache_size:
            return self
        if type(self).__init__ is Transform.__init__:
            return type(self)(cache_size=cache_size)
        raise self._missing("with_cache")

    def __eq__(self, other: object) -> bool:
        return self is other

    def __call__(self, x: Tensor) -> Tensor:
        if self._cached is not None and x is self._cached[0]:
            return self._cached[1]
        y = self._call(x)
        if self._cache_size:
            self._cached = x, y
        return y

    def _inv_call(self, y: Tensor) -> Tensor:
        if self._cached is not None and y is self._cached[1]:
            return self._cached[0]
        x = self._inverse(y)
        if self._cache_size:
            self._cached = x, y
        return x

    def _call(self, x: Tensor) -> Tensor:
        raise self._missing("forward call")

    def _inverse(self, y: Tensor) -> Tensor:
        raise self._missing("inverse")

    def log_abs_det_jacobian(self, x: Tensor, y: Tensor) -> Tensor:
        """``log |det dy/dx|``, one for each event.

        Args:
            x: an input.
            y: the output for it.
        """
        raise self._missing("log_abs_det_jacobian")

    def forward_shape(self, shape: Any) -> Any:
        """Shape of the output for an input of ``shape``."""
        return shape

    def inverse_shape(self, shape: Any) -> Any:
        """Shape of the input for an output of ``shape``."""
        return shape

    def __repr__(self) -> str:
        return f"{type(self).__name__}()"


class Parameterless(Transform):
    """Base of the transforms without parameters: all of a kind are equal."""

    def __eq__(self, other: object) -> bool:
        return type(self) is type(other)


class _InverseTransform(Transform):
    """A transform read from right to left; the cache is the forward one's."""

    def __init__(self, transform: Transform) -> None:
        super().__init__()
        self._forward = transform
        self.bijective = transform.bijective

    @constraints.dependent_property
    def domain(self) -> constraints.Constraint:
        return self._forward.codomain

    @constraints.dependent_property
    def codomain(self) -> constraints.Constraint:
        return self._forward.domain

    @property
    def inv(self) -> Transform:
        return self._forward

    @property
    def sign(self) -> Any:
        return self._forward.sign

    def with_cache(self, cache_size: int = 1) -> Transform:
        return self._forward.with_cache(cache_size).inv

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, _InverseTransform):
            return False
        return self._forward == other._forward

    def __call__(self, x: Tensor) -> Tensor:
        return self._forward._inv_call(x)

    def _inv_call(self, y: Tensor) -> Tensor:
        return self._forward(y)

    def log_abs_det_jacobian(self, x: Tensor, y: Tensor) -> Tensor:
        return -self._forward.log_abs_det_jacobian(y, x)

    def forward_shape(self, shape: Any) -> Any:
        return self._forward.inverse_shape(shape)

    def inverse_shape(self, shape: Any) -> Any:
        return self._forward.forward_shape(shape)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self._forward!r})"


def _widened(constraint: Any, event_dim: int) -> Any:
    """The constraint on events of at least ``event_dim`` dimensions."""
    missing = event_dim - constraint.event_dim
    return constraints.independent(constraint, missing) if missing > 0 else constraint


class ComposeTransform(Transform):
    """One transform after another: ``parts[-1](... parts[0](x))``.

    Args:
        parts: transforms, the first to be applied first; none is the identity.
        cache_size: given to every part.

    >>> import lampas
    >>> from lampas.distributions.transforms import AffineTransform, ExpTransform
    >>> ComposeTransform([AffineTransform(0.0, 2.0), ExpTransform()])(lampas.zeros(2))
    tensor([1., 1.])
    """

    def __init__(self, parts: Sequence[Transform], cache_size: int = 0) -> None:
        super().__init__(cache_size=cache_size)
        if cache_size:
            parts = [part.with_cache(cache_size) for part in parts]
        self.parts = list(parts)
        self.bijective = all(part.bijective for part in self.parts)

    def _ends(self) -> tuple[int, int]:
        """Event dimensions before the first part and after the last."""
        before = 0
        for part in reversed(self.parts):
            before += part.domain.event_dim - part.codomain.event_dim
            before = max(before, part.domain.event_dim)
        change = sum(p.codomain.event_dim - p.domain.event_dim for p in self.parts)
        return before, before + change

    @constraints.dependent_property
    def domain(self) -> constraints.Constraint:
        if not self.parts:
            return constraints.real
        return _widened(self.parts[0].domain, self._ends()[0])

    @constraints.dependent_property
    def codomain(self) -> constraints.Constraint:
        if not self.parts:
            return constraints.real
        return _widened(self.parts[-1].codomain, self._ends()[1])

    @property
    def sign(self) -> Any:
        return functools.reduce(operator.mul, (part.sign for part in self.parts), 1)

    def _inverted(self) -> Transform:
        made = ComposeTransform([part.inv for part in reversed(self.parts)])
        made._inv = weakref.ref(self)
        return made

    def with_cache(self, cache_size: int = 1) -> Transform:
        if self._cache_size == cache_size:
            return self
        parts = [part.with_cache(cache_size) for part in self.parts]
        return ComposeTransform(parts, cache_size=cache_size)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, ComposeTransform) and self.parts == other.parts

    def __call__(self, x: Tensor) -> Tensor:
        for part in self.parts:
            x = part(x)
        return x

    def _inv_call(self, y: Tensor) -> Tensor:
        for part in reversed(self.parts):
            y = part._inv_call(y)
        return y

    def log_abs_det_jacobian(self, x: Tensor, y: Tensor) -> Tensor:
        if not self.parts:
            return zeros_like(x)
        points = [x]
        for part in self.parts[:-1]:
            points.append(part(points[-1]))
        points.append(y)
        terms = []
        event_dim = self._ends()[0]
        for part, ends in zip(self.parts, itertools.pairwise(points), strict=True):
            term = part.log_abs_det_jacobian(*ends)
            terms.append(sum_rightmost(term, event_dim - part.domain.event_dim))
            event_dim += part.codomain.event_dim - part.domain.event_dim
        return functools.reduce(operator.add, terms)

    def forward_shape(self, shape: Any) -> Any:
        for part in self.parts:
            shape = part.forward_shape(shape)
        return shape

    def inverse_shape(self, shape: Any) -> Any:
        for part in reversed(self.parts):
            shape = part.inverse_shape(shape)
        return shape

    def __repr__(self) -> str:
        inner = ",\n".join(f"    {part!r}" for part in self.parts)
        return f"ComposeTransform(\n{inner}\n)"


identity_transform = ComposeTransform([])
"""The transform that leaves its input as it is."""

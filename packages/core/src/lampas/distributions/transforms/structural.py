"""Transforms made of others, and of the shape alone."""

from __future__ import annotations

import functools
import operator
from collections.abc import Sequence
from typing import Any

from lampas.distributions import constraints
from lampas.distributions.transforms.base import Transform, sum_rightmost
from lampas.engine.tensor import Size, Tensor
from lampas.errors import ArgumentError, ArgumentTypeError
from lampas.ops.views import narrow
from lampas.ops.with_out import cat, stack

__all__ = [
    "CatTransform",
    "IndependentTransform",
    "ReshapeTransform",
    "StackTransform",
]


class IndependentTransform(Transform):
    """``base_transform`` with more of the last dimensions as part of the event.

    Values stay the same; the logarithms of determinants are summed over them.

    Args:
        base_transform: any transform.
        reinterpreted_batch_ndims: how many dimensions join the event.
        cache_size: as for :class:`Transform`.

    >>> import lampas
    >>> from lampas.distributions.transforms import ExpTransform
    >>> x = lampas.ones(2, 3)
    >>> IndependentTransform(ExpTransform(), 1).log_abs_det_jacobian(x, x.exp())
    tensor([3., 3.])
    """

    def __init__(
        self,
        base_transform: Transform,
        reinterpreted_batch_ndims: int,
        cache_size: int = 0,
    ) -> None:
        super().__init__(cache_size=cache_size)
        self.base_transform = base_transform.with_cache(cache_size)
        self.reinterpreted_batch_ndims = reinterpreted_batch_ndims
        self.bijective = base_transform.bijective

    def with_cache(self, cache_size: int = 1) -> Transform:
        if self._cache_size == cache_size:
            return self
        return IndependentTransform(
            self.base_transform, self.reinterpreted_batch_ndims, cache_size
        )

    def __eq__(self, other: object) -> bool:
        return (
            isinstance(other, IndependentTransform)
            and self.base_transform == other.base_transform
            and self.reinterpreted_batch_ndims == other.reinterpreted_batch_ndims
        )

    @constraints.dependent_property
    def domain(self) -> constraints.Constraint:
        return constraints.independent(
            self.base_transform.domain, self.reinterpreted_batch_ndims
        )

    @constraints.dependent_property
    def codomain(self) -> constraints.Constraint:
        return constraints.independent(
            self.base_transform.codomain, self.reinterpreted_batch_ndims
        )

    @property
    def sign(self) -> Any:
        return self.base_transform.sign

    def _call(self, x: Tensor) -> Tensor:
        if x.ndim < self.domain.event_dim:
            raise ArgumentError("Too few dimensions on input")
        return self.base_transform(x)

    def _inverse(self, y: Tensor) -> Tensor:
        if y.ndim < self.codomain.event_dim:
            raise ArgumentError("Too few dimensions on input")
        return self.base_transform.inv(y)

    def log_abs_det_jacobian(self, x: Tensor, y: Tensor) -> Tensor:
        terms = self.base_transform.log_abs_det_jacobian(x, y)
        return sum_rightmost(terms, self.reinterpreted_batch_ndims)

    def forward_shape(self, shape: Any) -> Any:
        return self.base_transform.forward_shape(shape)

    def inverse_shape(self, shape: Any) -> Any:
        return self.base_transform.inverse_shape(shape)

    def __repr__(self) -> str:
        return (
            f"IndependentTransform({self.base_transform!r}, "
            f"{self.reinterpreted_batch_ndims})"
        )


def _reshaped(shape: Any, before: Size, after: Size) -> Size:
    """``shape`` with ``after`` in place of ``before`` at its end."""
    if len(shape) < len(before):
        raise ArgumentError("Too few dimensions on input")
    cut = len(shape) - len(before)
    if tuple(shape[cut:]) != before:
        raise ArgumentError(
            f"Shape mismatch: expected {tuple(before)} at the end of the shape, got "
            f"{tuple(shape)}"
        )
    return Size((*shape[:cut], *after))


class ReshapeTransform(Transform):
    """The last dimensions in another shape.

    Args:
        in_shape: their shape in the input.
        out_shape: their shape in the output, of as many entries.
        cache_size: as for :class:`Transform`.

    Raises:
        ValueError: the two have different numbers of entries.

    >>> import lampas
    >>> ReshapeTransform((2, 3), (6,))(lampas.zeros(4, 2, 3)).shape
    lampas.Size([4, 6])
    """

    bijective = True

    def __init__(self, in_shape: Any, out_shape: Any, cache_size: int = 0) -> None:
        self.in_shape, self.out_shape = Size(in_shape), Size(out_shape)
        if self.in_shape.numel() != self.out_shape.numel():
            raise ArgumentError(
                "in_shape and out_shape have different numbers of elements: "
                f"{tuple(self.in_shape)} and {tuple(self.out_shape)}"
            )
        super().__init__(cache_size=cache_size)

    @constraints.dependent_property
    def domain(self) -> constraints.Constraint:
        return constraints.independent(constraints.real, len(self.in_shape))

    @constraints.dependent_property
    def codomain(self) -> constraints.Constraint:
        return constraints.independent(constraints.real, len(self.out_shape))

    def with_cache(self, cache_size: int = 1) -> Transform:
        if self._cache_size == cache_size:
            return self
        return ReshapeTransform(self.in_shape, self.out_shape, cache_size)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, ReshapeTransform):
            return False
        return (self.in_shape, self.out_shape) == (other.in_shape, other.out_shape)

    def _call(self, x: Tensor) -> Tensor:
        return x.reshape(self.forward_shape(x.shape))

    def _inverse(self, y: Tensor) -> Tensor:
        return y.reshape(self.inverse_shape(y.shape))

    def log_abs_det_jacobian(self, x: Tensor, y: Tensor) -> Tensor:
        return x.new_zeros(x.shape[: x.ndim - len(self.in_shape)])

    def forward_shape(self, shape: Any) -> Size:
        return _reshaped(shape, self.in_shape, self.out_shape)

    def inverse_shape(self, shape: Any) -> Size:
        return _reshaped(shape, self.out_shape, self.in_shape)


class _Parts(Transform):
    """Several transforms, each of its own part of the entries along ``dim``."""

    def __init__(self, tseq: Sequence[Transform], dim: int, cache_size: int) -> None:
        for part in tseq:
            if not isinstance(part, Transform):
                raise ArgumentTypeError(
                    f"All elements of tseq must be Transform instances, got {part!r}"
                )
        if cache_size:
            tseq = [part.with_cache(cache_size) for part in tseq]
        super().__init__(cache_size=cache_size)
        self.transforms = list(tseq)
        self.dim = dim
        self.bijective = all(part.bijective for part in self.transforms)

    def _dim(self, value: Tensor, length: int) -> int:
        """``dim`` counted from the front, after a look at the size there."""
        if not -value.ndim <= self.dim < value.ndim:
            raise ArgumentError(
                f"{type(self).__name__}: dim is {self.dim}, but the input has "
                f"{value.ndim} dimensions"
            )
        if value.shape[self.dim] != length:
            raise ArgumentError(
                f"{type(self).__name__}: the input's size along dim {self.dim} must "
                f"be {length}, got {value.shape[self.dim]}"
            )
        return self.dim % value.ndim

    def _key(self) -> Any:
        return self.dim, self.transforms

    def __eq__(self, other: object) -> bool:
        return (
            type(self) is type(other)
            and isinstance(other, _Parts)
            and self._key() == other._key()
        )


class CatTransform(_Parts):
    """Transforms of consecutive slices along a dimension.

    Args:
        tseq: one transform for each slice.
        dim: the dimension.
        lengths: how long each slice is; 1 each by default.
        cache_size: as for :class:`Transform`.

    Raises:
        TypeError: something in ``tseq`` is no transform.
        ValueError: there are not as many lengths as transforms.

    >>> import lampas
    >>> from lampas.distributions.transforms import ExpTransform, identity_transform
    >>> t = CatTransform([ExpTransform(), identity_transform], lengths=[1, 2])
    >>> t(lampas.zeros(3))
    tensor([1., 0., 0.])
    """

    def __init__(
        self,
        tseq: Sequence[Transform],
        dim: int = 0,
        lengths: Sequence[int] | None = None,
        cache_size: int = 0,
    ) -> None:
        super().__init__(tseq, dim, cache_size)
        self.lengths = [1] * len(self.transforms) if lengths is None else list(lengths)
        if len(self.lengths) != len(self.transforms):
            raise ArgumentError(
                f"lengths must have one entry for each of {len(self.transforms)} "
                f"transforms, got {len(self.lengths)}"
            )

    @property
    def event_dim(self) -> int:
        return max(part.event_dim for part in self.transforms)

    @property
    def length(self) -> int:
        """Size along ``dim``."""
        return sum(self.lengths)

    @constraints.dependent_property
    def domain(self) -> constraints.Constraint:
        parts = [part.domain for part in self.transforms]
        return constraints.cat(parts, self.dim, self.lengths)

    @constraints.dependent_property
    def codomain(self) -> constraints.Constraint:
        parts = [part.codomain for part in self.transforms]
        return constraints.cat(parts, self.dim, self.lengths)

    def with_cache(self, cache_size: int = 1) -> Transform:
        if self._cache_size == cache_size:
            return self
        return CatTransform(self.transforms, self.dim, self.lengths, cache_size)

    def _key(self) -> Any:
        return (*super()._key(), self.lengths)

    def _slices(self, value: Tensor) -> list[Tensor]:
        dim = self._dim(value, self.length)
        starts = [sum(self.lengths[:i]) for i in range(len(self.lengths))]
        pairs = zip(starts, self.lengths, strict=True)
        return [narrow(value, dim, start, length) for start, length in pairs]

    def _call(self, x: Tensor) -> Tensor:
        pairs = zip(self.transforms, self._slices(x), strict=True)
        return cat([part(piece) for part, piece in pairs], self.dim)

    def _inverse(self, y: Tensor) -> Tensor:
        pairs = zip(self.transforms, self._slices(y), strict=True)
        return cat([part.inv(piece) for part, piece in pairs], self.dim)

    def log_abs_det_jacobian(self, x: Tensor, y: Tensor) -> Tensor:
        event_dim = self.event_dim
        terms = []
        pieces = zip(self.transforms, self._slices(x), self._slices(y), strict=True)
        for part, before, after in pieces:
            term = part.log_abs_det_jacobian(before, after)
            terms.append(sum_rightmost(term, event_dim - part.event_dim))
        dim = self._dim(x, self.length)
        if dim < x.ndim - event_dim:
            return cat(terms, dim)
        return functools.reduce(operator.add, terms)


class StackTransform(_Parts):
    """One transform for each position along a dimension.

    Args:
        tseq: the transforms.
        dim: the dimension, as long as ``tseq``.
        cache_size: as for :class:`Transform`.

    Raises:
        TypeError: something in ``tseq`` is no transform.

    >>> import lampas
    >>> from lampas.distributions.transforms import ExpTransform, identity_transform
    >>> StackTransform([ExpTransform(), identity_transform])(lampas.zeros(2))
    tensor([1., 0.])
    """

    def __init__(
        self, tseq: Sequence[Transform], dim: int = 0, cache_size: int = 0
    ) -> None:
        super().__init__(tseq, dim, cache_size)

    @constraints.dependent_property
    def domain(self) -> constraints.Constraint:
        return constraints.stack([part.domain for part in self.transforms], self.dim)

    @constraints.dependent_property
    def codomain(self) -> constraints.Constraint:
        return constraints.stack([part.codomain for part in self.transforms], self.dim)

    def with_cache(self, cache_size: int = 1) -> Transform:
        if self._cache_size == cache_size:
            return self
        return StackTransform(self.transforms, self.dim, cache_size)

    def _along(self, value: Tensor) -> int:
        return self._dim(value, len(self.transforms))

    def _slices(self, value: Tensor) -> list[Tensor]:
        dim = self._along(value)
        return [value.select(dim, i) for i in range(len(self.transforms))]

    def _call(self, x: Tensor) -> Tensor:
        pairs = zip(self.transforms, self._slices(x), strict=True)
        return stack([part(piece) for part, piece in pairs], self._along(x))

    def _inverse(self, y: Tensor) -> Tensor:
        pairs = zip(self.transforms, self._slices(y), strict=True)
        return stack([part.inv(piece) for part, piece in pairs], self._along(y))

    def log_abs_det_jacobian(self, x: Tensor, y: Tensor) -> Tensor:
        pieces = zip(self.transforms, self._slices(x), self._slices(y), strict=True)
        terms = [part.log_abs_det_jacobian(*pair) for part, *pair in pieces]
        return stack(terms, self._along(x))

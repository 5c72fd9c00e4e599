"""Constraints made of others."""

from __future__ import annotations

from collections.abc import Sequence

from lampas.distributions._constraint import Constraint
from lampas.engine.tensor import Tensor
from lampas.errors import ArgumentError
from lampas.ops.with_out import cat as join
from lampas.ops.with_out import stack as pile

__all__ = ["MixtureSameFamilyConstraint", "cat", "independent", "stack"]


class independent(Constraint):
    """``base_constraint`` for every entry of the last dimensions together.

    Args:
        base_constraint: what every entry satisfies.
        reinterpreted_batch_ndims: how many more dimensions belong together.
    """

    def __init__(
        self, base_constraint: Constraint, reinterpreted_batch_ndims: int
    ) -> None:
        self.base_constraint = base_constraint
        self.reinterpreted_batch_ndims = reinterpreted_batch_ndims

    @property
    def is_discrete(self) -> bool:
        return self.base_constraint.is_discrete

    @property
    def event_dim(self) -> int:
        return self.base_constraint.event_dim + self.reinterpreted_batch_ndims

    def check(self, value: Tensor) -> Tensor:
        found = self.base_constraint.check(value)
        if found.ndim < self.reinterpreted_batch_ndims:
            raise ArgumentError(
                f"Expected value.dim() >= {self.event_dim} but got {value.dim()}"
            )
        for _ in range(self.reinterpreted_batch_ndims):
            found = found.all(-1)
        return found

    def __repr__(self) -> str:
        return (
            f"IndependentConstraint({self.base_constraint!r}, "
            f"{self.reinterpreted_batch_ndims})"
        )


class MixtureSameFamilyConstraint(Constraint):
    """What all components satisfy, of values without the components' dimension.

    Args:
        base_constraint: the support of the components.
    """

    def __init__(self, base_constraint: Constraint) -> None:
        if not isinstance(base_constraint, Constraint):
            raise ArgumentError(
                f"base_constraint must be a Constraint, got {base_constraint!r}"
            )
        self.base_constraint = base_constraint

    @property
    def is_discrete(self) -> bool:
        return self.base_constraint.is_discrete

    @property
    def event_dim(self) -> int:
        return self.base_constraint.event_dim

    def check(self, value: Tensor) -> Tensor:
        found = self.base_constraint.check(value.unsqueeze(-1 - self.event_dim))
        if value.ndim < self.event_dim:
            raise ArgumentError(
                f"Expected value.dim() >= {self.event_dim} but got {value.dim()}"
            )
        return found.all(-1)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.base_constraint!r})"


class _Parts(Constraint):
    """Constraints for parts along a dimension."""

    def __init__(self, cseq: Sequence[Constraint], dim: int = 0) -> None:
        self.cseq = list(cseq)
        self.dim = dim
        if not all(isinstance(part, Constraint) for part in self.cseq):
            raise ArgumentError(f"cseq must hold constraints, got {self.cseq}")

    @property
    def is_discrete(self) -> bool:
        return any(part.is_discrete for part in self.cseq)

    def _require_dim(self, value: Tensor) -> None:
        if not -value.dim() <= self.dim < value.dim():
            raise ArgumentError(
                f"dim {self.dim} is out of range for a value of {value.dim()} "
                "dimensions"
            )


class cat(_Parts):
    """One constraint after the other along ``dim``, as :func:`lampas.cat` joins.

    Args:
        cseq: the constraints.
        dim: the dimension.
        lengths: how many entries each constraint is for, 1 by default.

    Raises:
        ValueError: there are not as many lengths as constraints.
    """

    def __init__(
        self,
        cseq: Sequence[Constraint],
        dim: int = 0,
        lengths: Sequence[int] | None = None,
    ) -> None:
        super().__init__(cseq, dim)
        self.lengths = [1] * len(self.cseq) if lengths is None else list(lengths)
        if len(self.lengths) != len(self.cseq):
            raise ArgumentError(
                f"lengths ({len(self.lengths)}) must be as many as cseq "
                f"({len(self.cseq)})"
            )

    @property
    def event_dim(self) -> int:
        return max(part.event_dim for part in self.cseq)

    def check(self, value: Tensor) -> Tensor:
        self._require_dim(value)
        found, start = [], 0
        for part, length in zip(self.cseq, self.lengths, strict=True):
            found.append(part.check(value.narrow(self.dim, start, length)))
            start += length
        return join(found, self.dim)


class stack(_Parts):
    """One constraint for each index along ``dim``, as :func:`lampas.stack` joins.

    Args:
        cseq: the constraints.
        dim: the dimension.
    """

    @property
    def event_dim(self) -> int:
        most = max(part.event_dim for part in self.cseq)
        return most + 1 if self.dim + most < 0 else most

    def check(self, value: Tensor) -> Tensor:
        self._require_dim(value)
        found = [
            part.check(entry)
            for part, entry in zip(self.cseq, value.unbind(self.dim), strict=True)
        ]
        return pile(found, self.dim)

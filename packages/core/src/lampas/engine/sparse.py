"""Sparse tensors in coordinate form: the values at listed places, zeros elsewhere.

A sparse tensor is a Tensor of another class, so every fast path leaves it at once. The
history of its values is its own: a gradient has the same places. Ops that know the
layout stand in ``RULES``; any other refuses by name, and none gives a wrong result.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Callable
from typing import Any, NoReturn

from lampas.engine.callpath import LAYOUTS
from lampas.engine.modes import mode
from lampas.engine.pattern import Pattern
from lampas.engine.printing import (
    elements,
    finished,
    history_suffixes,
    host_array,
    kind_suffixes,
)
from lampas.engine.record import Record
from lampas.engine.rows import SPARSE_OF
from lampas.engine.tape import Leaf
from lampas.engine.tensor import Tensor, wrap
from lampas.errors import GradientError, LampasError

__all__ = [
    "RULES",
    "LayoutError",
    "SparseTensor",
    "dispatch",
    "field",
    "fill_sparse",
    "sparse_of",
]

RULES: dict[str, Callable[..., Any]] = {}
"""What an op does with sparse operands, by the name of its record."""


class LayoutError(LampasError, NotImplementedError, AttributeError):
    """An operation has no form for tensors of this layout."""


class _Places:
    """Stands where a dense tensor has its array: shape and type, no elements."""

    __slots__ = ("dtype", "itemsize", "nbytes", "ndim", "shape", "size")

    base = None

    def __init__(self, shape: tuple[int, ...], dtype: Any) -> None:
        self.shape, self.dtype, self.ndim = shape, dtype, len(shape)
        self.size, self.itemsize = math.prod(shape), dtype.itemsize
        self.nbytes = self.size * self.itemsize

    def __getattr__(self, name: str) -> NoReturn:
        raise LayoutError(
            f"{name}: this operation takes no sparse tensor; call to_dense() first"
        )

    def _refuse(self, *args: Any, **kwargs: Any) -> NoReturn:
        self.__getattr__("an operation")

    __array__ = __array_ufunc__ = __array_function__ = _refuse
    __getitem__ = __setitem__ = __iter__ = __len__ = __bool__ = _refuse
    __add__ = __radd__ = __iadd__ = _refuse


class SparseTensor(Tensor):
    """A tensor in coordinate form; made by :func:`lampas.sparse_coo_tensor`."""

    __slots__ = ("_is_coalesced", "_pattern", "_places", "_stored")

    is_sparse = True

    @property
    def _node(self) -> Any:  # type: ignore[override]
        return self._stored._node

    @_node.setter
    def _node(self, node: Any) -> None:
        self._stored._node = node

    @property
    def layout(self) -> str:
        """Always the coordinate form."""
        return "lampas.sparse_coo"

    @property
    def device(self) -> Any:
        """The device on which the values live."""
        return self._stored.device

    @property
    def is_distinct(self) -> bool:
        """Whether each place is listed once, in whatever order the layout has."""
        return self._is_coalesced

    def zero_(self) -> Tensor:
        """Let go of all places, in place; returns the tensor."""
        stored = self._stored._data
        self._relist(self._places[:, :0].copy(), wrap(stored[:0].copy()), True)
        return self

    def _relist(self, places: Any, stored: Tensor, coalesced: bool) -> None:
        """List other values, at other places."""
        self._places, self._stored, self._pattern = places, stored, None
        self._is_coalesced = coalesced

    def become(
        self, places: Any, stored: Tensor, shape: tuple[int, ...], coalesced: bool
    ) -> Tensor:
        """Take another shape, places and values, in place; returns the tensor.

        Raises:
            RuntimeError: the tensor has a history, or is a leaf that needs a gradient.
        """
        if self._stored._node is not None:
            raise GradientError(
                "a sparse tensor that requires grad can't be resized; do it with its "
                "detach()"
            )
        self._data = _Places(shape, stored._data.dtype)
        self._relist(places, stored, coalesced)
        return self

    def hold(self, result: Any, name: str) -> Tensor:
        """Hold the places and values of another sparse tensor; returns this one.

        Raises:
            RuntimeError: this is a leaf that requires grad, or the result has another
                layout, shape or dtype.
        """
        alike = isinstance(result, SparseTensor) and result.shape == self.shape
        if not alike or result.dtype is not self.dtype:
            raise LayoutError(
                f"{name}_: the result must be a sparse tensor of shape "
                f"{tuple(self.shape)} and dtype {self.dtype}; use {name} without the _"
            )
        old = self._stored
        if type(old._node) is Leaf and (
            mode.grad or result._places is not self._places
        ):
            raise GradientError(
                f"{name}_: a sparse leaf that requires grad is changed in place; do it "
                "with its detach(), or on a clone()"
            )
        if result._places is self._places and result._node is None:
            old.copy_(result._stored)  # type: ignore[attr-defined]
            return self
        self._relist(result._places, result._stored, result._is_coalesced)
        return self

    def pattern(self) -> Pattern:
        """The places of a matrix, with what products of it keep."""
        if self._pattern is None:
            self._pattern = Pattern(*self._places, self._data.shape[:2])
        return self._pattern

    def with_values(self, stored: Tensor) -> SparseTensor:
        """Other values, (nnz, ...), at the places of this tensor."""
        kept = len(self._places)
        shape = (*self._data.shape[:kept], *stored._data.shape[1:])
        made = sparse_of(self._places, stored, shape, self._is_coalesced)
        if kept == 2:
            made._pattern = self.pattern()
        return made

    @property
    def grad(self) -> Tensor | None:
        """The gradient at the places of this tensor, or None."""
        g = self._stored.grad
        return None if g is None else self.with_values(g)

    @grad.setter
    def grad(self, value: Any) -> None:
        self._stored.grad = None if value is None else value._stored

    def requires_grad_(self, requires_grad: bool = True) -> Tensor:
        """Start or stop recording operations on the values; returns the tensor."""
        self._stored.requires_grad_(requires_grad)
        return self

    def detach(self) -> Tensor:
        """The same places and values, cut off from what made them."""
        return self.with_values(self._stored.detach())

    def t(self) -> Tensor:
        """The transpose of a matrix.

        Raises:
            RuntimeError: it has not just two dimensions, both sparse.
        """
        if self._data.ndim != 2 or len(self._places) != 2:
            raise LayoutError("t: a sparse tensor must have two sparse dimensions")
        return self.turned_with(self._stored)

    def turned_with(self, stored: Tensor) -> SparseTensor:
        """Other values, with the two sparse dimensions of this tensor exchanged."""
        n, m = self._data.shape[:2]
        shape = (m, n, *stored._data.shape[1:])
        made = sparse_of(self._places[::-1], stored, shape)
        made._pattern = self.pattern().turned
        return made

    @property
    def data(self) -> Tensor:  # type: ignore[override]
        """The same places and values, of their own history."""
        return self.detach()

    def __repr__(self) -> str:
        places = field("tensor(indices=tensor(", self._places)
        values = field("       values=tensor(", host_array(self._stored))
        text = f"{places}{values}       size={tuple(self.shape)}"
        suffixes = [f"nnz={self._places.shape[1]}", *kind_suffixes(self)]
        suffixes += [f"layout={self.layout}", *history_suffixes(self)]
        return finished(self, text, suffixes)

    def __deepcopy__(self, memo: dict[int, Any]) -> Tensor:
        places, stored = self._places.copy(), copy.deepcopy(self._stored, memo)
        made = sparse_of(places, stored, self._data.shape, self._is_coalesced)
        memo[id(self)] = made
        return made

    def __reduce_ex__(self, protocol: Any) -> Any:
        parts = self._places, self._stored, self._data.shape, self._is_coalesced
        return sparse_of, parts


def field(head: str, array: Any) -> str:
    """A line of the text, or several, for one of the arrays."""
    size = "" if array.size else f", size={array.shape}"
    return f"{head}{elements(array, len(head))}{size}),\n"


def sparse_of(
    places: Any, stored: Tensor, shape: tuple[int, ...], coalesced: bool = False
) -> SparseTensor:
    """A sparse tensor of values, (nnz, ...), at places, (sparse dimensions, nnz)."""
    made = object.__new__(SparseTensor)
    fill_sparse(made, places, stored, shape, coalesced)
    return made


def fill_sparse(
    made: SparseTensor, places: Any, stored: Tensor, shape: Any, coalesced: bool
) -> None:
    """Give a new sparse tensor what it holds."""
    made._data = _Places(shape, stored._data.dtype)
    made._places, made._stored, made._is_coalesced = places, stored, coalesced
    made._cell = made._view = made._extra = made._pattern = None


def dispatch(record: Record, operands: tuple[Any, ...], params: Any) -> Any:
    """Run an op on sparse operands."""
    rule = RULES.get(record.name)
    if rule is None:
        raise LayoutError(
            f"{record.name}: takes no tensor of layout lampas.sparse_coo; call "
            "to_dense() first"
        )
    return rule(*operands, **params)


LAYOUTS.append((SparseTensor, dispatch))


def _of_arrays(places: Any, parts: Any, shape: Any, coalesced: bool) -> SparseTensor:
    return sparse_of(places, wrap(parts), shape, coalesced)


SPARSE_OF.append(_of_arrays)

"""Compressed sparse matrices: rows (CSR) or columns (CSC) behind one another.

Inside they are coordinates in that order, each place once, so that every rule of the
coordinate form serves them; what the user sees are where each row begins, and the
columns. A matrix of which all sparse operands were compressed is so as the first was.
"""

from __future__ import annotations

import copy
from typing import Any

import numpy as np

from lampas.engine.callpath import LAYOUTS
from lampas.engine.printing import finished, history_suffixes, host_array, kind_suffixes
from lampas.engine.record import Record
from lampas.engine.sparse import SparseTensor, dispatch, field, fill_sparse
from lampas.engine.tensor import Tensor

__all__ = ["COMPRESS", "CompressedTensor", "compressed_of", "starts_of"]

_LAYOUTS = "lampas.sparse_csr", "lampas.sparse_csc"
_NAMES = ("crow_indices", "col_indices"), ("ccol_indices", "row_indices")


class CompressedTensor(SparseTensor):
    """A matrix in compressed form; made by :func:`lampas.sparse_csr_tensor`."""

    __slots__ = ("_along",)

    is_sparse = False

    @property
    def is_sparse_csr(self) -> bool:  # type: ignore[override]
        """Whether rows are compressed."""
        return self._along == 0

    @property
    def layout(self) -> str:
        """The form with compressed rows, or that with compressed columns."""
        return _LAYOUTS[self._along]

    @property
    def is_distinct(self) -> bool:
        """Always: each place is listed once."""
        return True

    def with_values(self, stored: Tensor) -> SparseTensor:
        """Other values, (nnz,), at the places of this matrix."""
        made = compressed_of(self._places, stored, self._data.shape, self._along)
        made._pattern = self.pattern()
        return made

    def turned_with(self, stored: Tensor) -> SparseTensor:
        """Other values, with rows and columns exchanged: CSR becomes CSC."""
        shape = self._data.shape[::-1]
        made = compressed_of(self._places[::-1], stored, shape, 1 - self._along)
        made._pattern = self.pattern().turned
        return made

    def __repr__(self) -> str:
        of_starts, of_others = _NAMES[self._along]
        head = f"tensor({of_starts}=tensor("
        text = field(head, starts_of(self))
        text += field(f"       {of_others}=tensor(", self._places[1 - self._along])
        values = field("       values=tensor(", host_array(self._stored))
        text += values.removesuffix("\n")
        suffixes = [f"size={tuple(self.shape)}", f"nnz={self._places.shape[1]}"]
        suffixes += [*kind_suffixes(self), f"layout={self.layout}"]
        return finished(
            self, text.removesuffix(","), [*suffixes, *history_suffixes(self)]
        )

    def __deepcopy__(self, memo: dict[int, Any]) -> Tensor:
        stored = copy.deepcopy(self._stored, memo)
        made = memo[id(self)] = self.with_values(stored)
        return made

    def __reduce_ex__(self, protocol: Any) -> Any:
        return compressed_of, (
            self._places,
            self._stored,
            self._data.shape,
            self._along,
        )


def compressed_of(
    places: Any, stored: Tensor, shape: tuple[int, ...], along: int
) -> CompressedTensor:
    """A matrix of values, (nnz,), at places, (2, nnz): each once, and in order."""
    made = object.__new__(CompressedTensor)
    # In order for what searches places: row by row.
    fill_sparse(made, places, stored, shape, along == 0)
    made._along = along
    return made


def starts_of(x: CompressedTensor) -> np.ndarray:
    """Where each row, or column, begins among the values, and the end: (n + 1,)."""
    along, count = x._along, x._data.shape[x._along]
    sizes = np.bincount(x._places[along], minlength=count)
    return np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64)


COMPRESS: list[Any] = []
"""What compresses a matrix in coordinate form; ops.sparse_compressed puts it here."""


def _dispatch(record: Record, operands: tuple[Any, ...], params: Any) -> Any:
    """Run an op; its result is compressed if all its sparse operands are."""
    result = dispatch(record, operands, params)
    if type(result) is not SparseTensor or len(result._places) != 2:
        return result
    sparse = [x for x in operands if isinstance(x, SparseTensor)]
    if result._data.ndim != 2 or not all(type(x) is CompressedTensor for x in sparse):
        return result
    return COMPRESS[0](result, sparse[0]._along)


LAYOUTS.insert(0, (CompressedTensor, _dispatch))

"""Where the values of a sparse matrix stand, and the order in which products go.

A product of a sparse and a dense matrix gathers a dense row for each value and adds up
those of one row. Rows that have equally many values are one batch of small matrix
products, so values are taken in the order of their rows' counts. Finding that order
costs more than the product of a small graph: it is kept here, for every later step.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from lampas.engine.rows import runs

__all__ = ["Part", "Pattern"]


@dataclass(frozen=True, slots=True)
class Part:
    """Rows that have equally many values, or a stretch of one row.

    Attributes:
        first, last: the rows, counted in the order of their counts.
        start, stop: their values, counted in the order of the product.
        begins: False of all stretches of a row but the first.
    """

    first: int
    last: int
    start: int
    stop: int
    begins: bool = True


class Pattern:
    """The places of the values of a sparse matrix.

    Attributes:
        rows, columns: (nnz,), integers within ``shape``, in any order; a place may be
            listed more than once.
        shape: of the matrix.
    """

    __slots__ = ("_groups", "_order", "_turned", "columns", "rows", "shape")

    def __init__(self, rows: Any, columns: Any, shape: tuple[int, int]) -> None:
        self.rows, self.columns, self.shape = rows, columns, shape
        self._turned: Pattern | None = None
        self._order: tuple[Any, Any, Any, Any] | None = None
        self._groups: list[Part] = []

    def __repr__(self) -> str:
        return f"<{len(self.rows)} places of {self.shape}>"

    @property
    def turned(self) -> Pattern:
        """The places of the transpose; the same object at each asking."""
        if self._turned is None:
            self._turned = Pattern(self.columns, self.rows, self.shape[::-1])
            self._turned._turned = self
        return self._turned

    def order(self) -> tuple[Any, Any, Any, Any]:
        """The order of the product, found when first asked for.

        Returns:
            For each value in that order where it is listed, and its column; the rows by
            their counts; and where each row stands among these.
        """
        if self._order is None:
            self._order = self._sorted()
        return self._order

    def _sorted(self) -> tuple[Any, Any, Any, Any]:
        count = self.shape[0]
        counts = np.bincount(self.rows, minlength=count)
        by_count = np.argsort(counts, kind="stable")
        place = np.empty(count, np.int64)
        place[by_count] = np.arange(count)
        order, _ = runs(place[self.rows])
        ordered = counts[by_count]
        sizes, firsts = np.unique(ordered, return_index=True)
        lasts, start = np.append(firsts[1:], count)[: len(sizes)].tolist(), 0
        for size, first, last in zip(
            sizes.tolist(), firsts.tolist(), lasts, strict=True
        ):
            stop = start + size * (last - first)
            self._groups.append(Part(first, last, start, stop))
            start = stop
        return order, self.columns[order], by_count, place

    def batches(self, limit: int) -> Iterator[list[Part]]:
        """All values in order, in lists of parts of at most ``limit`` values together.

        Rows without values are in no part.
        """
        self.order()
        batch: list[Part] = []
        for group in self._groups:
            for part in _pieces(group, limit):
                if batch and part.stop - batch[0].start > limit:
                    yield batch
                    batch = []
                batch.append(part)
        if batch:
            yield batch


def _pieces(group: Part, limit: int) -> Iterator[Part]:
    """The part, in pieces of at most ``limit`` values."""
    count = group.last - group.first
    size = (group.stop - group.start) // max(count, 1)
    if not size:
        return
    if size > limit:
        for row in range(count):
            begin = group.start + row * size
            for start in range(begin, begin + size, limit):
                stop = min(start + limit, begin + size)
                at = group.first + row
                yield Part(at, at + 1, start, stop, start == begin)
        return
    step = limit // size
    for row in range(0, count, step):
        more = min(step, count - row)
        start, first = group.start + row * size, group.first + row
        yield Part(first, first + more, start, start + more * size)

"""The shape of a tensor."""

from __future__ import annotations

from typing import Any

from lampas.dtypes import NAMESPACE

__all__ = ["Size"]


class Size(tuple):
    """A shape; a tuple that prints as PyTorch's and counts its elements.

    >>> import lampas
    >>> lampas.zeros(2, 3).shape.numel()
    6
    """

    __slots__ = ()

    def numel(self) -> int:
        """The product of the sizes."""
        count = 1
        for size in self:
            count *= size
        return count

    def __repr__(self) -> str:
        return f"{NAMESPACE[0]}.Size([{', '.join(map(str, self))}])"

    def __getitem__(self, index: Any) -> Any:
        item = tuple.__getitem__(self, index)
        return Size(item) if isinstance(index, slice) else item

    def __add__(self, other: Any) -> Size:
        return Size(tuple.__add__(self, other))

    def __mul__(self, count: Any) -> Size:
        return Size(tuple.__mul__(self, count))

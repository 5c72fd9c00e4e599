"""What indexing asks of arrays: bounds of integers, the places of what is not zero."""

from __future__ import annotations

from typing import Any

from lampas.backend.native import bind

__all__ = ["bounds", "nonzero_places"]


def _bounds(array: Any) -> tuple[int, int]:
    """The least and the largest element; the array has one at least."""
    return int(array.min()), int(array.max())


def _nonzero_places(array: Any) -> tuple[Any, ...]:
    """For each dimension the indices of the elements that are not zero."""
    return tuple(array.nonzero())


bounds = bind("bounds", _bounds)
nonzero_places = bind("nonzero_places", _nonzero_places)

"""Put samples together into a batch."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from lampas.engine.tensor import Tensor, wrap
from lampas.errors import ArgumentError, ArgumentTypeError, ShapeError
from lampas.ops.create import as_tensor, tensor
from lampas.ops.join import stack

__all__ = ["default_collate", "default_convert"]

_NUMBERS = (bool, int, float, complex)


def default_convert(data: Any) -> Any:
    """Turn arrays inside of nested containers into tensors; leave the rest.

    >>> import numpy
    >>> default_convert({"x": numpy.array([1, 2]), "name": "a"})
    {'x': tensor([1, 2]), 'name': 'a'}
    """
    if isinstance(data, (np.ndarray, np.generic)) and data.dtype.kind not in "OUSV":
        return as_tensor(data)
    if isinstance(data, Mapping):
        return _like(data, {key: default_convert(data[key]) for key in data})
    if isinstance(data, tuple) and hasattr(data, "_fields"):
        return type(data)(*(default_convert(item) for item in data))
    if isinstance(data, tuple):
        return [default_convert(item) for item in data]
    if isinstance(data, Sequence) and not isinstance(data, (str, bytes)):
        return _like(data, [default_convert(item) for item in data])
    return data


def default_collate(batch: Sequence[Any]) -> Any:
    """Put samples together along a new first dimension.

    Tensors and arrays are stacked, numbers become a tensor, strings a list; mappings,
    named tuples and sequences are gone through, entry by entry.

    Args:
        batch: samples of equal structure.

    Raises:
        RuntimeError: shapes or lengths differ; the text says where and which.
        TypeError: a sample holds something else.

    >>> import lampas
    >>> default_collate([{"x": lampas.ones(2), "y": 3}, {"x": lampas.zeros(2), "y": 4}])
    {'x': tensor([[1., 1.],
            [0., 0.]]), 'y': tensor([3, 4])}
    """
    if not batch:
        raise ArgumentError("default_collate: batch must hold at least one sample")
    return _collate(list(batch), "")


def _collate(items: list[Any], where: str) -> Any:
    first = items[0]
    if isinstance(first, Tensor):
        return _stacked_tensors(items, where)
    if isinstance(first, (np.ndarray, np.generic)):
        return as_tensor(_stacked([np.asarray(item) for item in items], where))
    if isinstance(first, _NUMBERS):
        # Python's floats have 53 bits: PyTorch keeps them
        return tensor(np.asarray(items)) if isinstance(first, float) else tensor(items)
    if isinstance(first, (str, bytes)):
        return items
    if isinstance(first, Mapping):
        _same(items, where, lambda item: sorted(map(str, item)), "keys")
        entries = {
            key: _collate([item[key] for item in items], f"{where}[{key!r}]")
            for key in first
        }
        return _like(first, entries)
    if isinstance(first, Sequence):
        _same(items, where, len, "lengths")
        columns = [
            _collate(list(column), f"{where}[{i}]")
            for i, column in enumerate(zip(*items, strict=True))
        ]
        if hasattr(first, "_fields"):
            return type(first)(*columns)
        return columns if isinstance(first, tuple) else _like(first, columns)
    raise ArgumentTypeError(
        f"default_collate: sample{where} must be a tensor, an array, a number, a "
        "string, or a mapping or sequence of them; got "
        f"{type(first).__name__}. Pass collate_fn= to put such samples together"
    )


def _like(original: Any, content: Any) -> Any:
    """The content as the original's own type, where that can be made from it."""
    if type(original) in (dict, list):
        return content
    try:
        return type(original)(content)
    except TypeError:
        return content


def _same(
    items: list[Any], where: str, measure: Callable[[Any], Any], what: str
) -> None:
    first = measure(items[0])
    for i, item in enumerate(items):
        if (found := measure(item)) != first:
            raise ShapeError(
                f"default_collate: {what} of sample{where} differ within the batch: "
                f"{first} (number 0) and {found} (number {i}); make them equal, or "
                "pass collate_fn="
            )


def _stacked(arrays: list[Any], where: str) -> Any:
    if arrays[0].dtype.kind in "OUS":
        raise ArgumentTypeError(
            f"default_collate: sample{where} is an array of {arrays[0].dtype}; only "
            "numbers become tensors"
        )
    _same(arrays, where, lambda array: tuple(array.shape), "shapes")
    return np.stack(arrays)


def _stacked_tensors(tensors: list[Tensor], where: str) -> Tensor:
    if any(t._node is not None for t in tensors):
        _same(tensors, where, lambda t: tuple(t.shape), "shapes")
        return stack(tensors)
    return wrap(_stacked([t._data for t in tensors], where))

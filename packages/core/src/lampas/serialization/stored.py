"""Tensors and storages as a checkpoint's pickle describes them.

Every builder receives arguments that a file chose: it checks their types and limits
before it uses them.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from lampas import dtypes
from lampas.dtypes import DType
from lampas.serialization.names import Name, damaged, shown

__all__ = [
    "STORAGE_TYPES",
    "ArrayMaker",
    "Maker",
    "Storage",
    "storage_of",
    "tensor_names",
    "view",
]


@dataclass(frozen=True, slots=True)
class Storage:
    """The memory that tensors of a file look into.

    Attributes:
        key: its name in the file.
        data: its bytes.
        dtype: type of one element.
        count: how many elements.
        location: the device it was saved from, for example ``"cuda:0"``.
    """

    key: str
    data: np.ndarray
    dtype: DType
    count: int
    location: str


class Maker(Protocol):
    """Turns what a file describes into the objects that a caller wants."""

    def tensor(
        self, array: np.ndarray, storage: Storage, requires_grad: bool
    ) -> object: ...

    def parameter(self, tensor: object, requires_grad: bool) -> object: ...

    def sparse(
        self, indices: object, values: object, size: object, coalesced: bool
    ) -> object: ...

    def size(self, shape: tuple[int, ...]) -> object: ...

    def device(self, type: str, index: int | None) -> object: ...

    def find(self, text: str) -> Name | None:
        """What ``"module name"`` stands for, where it is no tensor or plain data."""

    def restore(self, target: object, state: object) -> object | None:
        """``target`` with its state, where it is no plain data."""


class ArrayMaker:
    """Leaves everything as arrays and tuples.

    Args:
        other: whose further names are found, and restored as it does.
    """

    def __init__(self, other: Maker | None = None) -> None:
        self.other = other

    def find(self, text: str) -> Name | None:
        """What the other maker finds."""
        return self.other.find(text) if self.other else None

    def restore(self, target: object, state: object) -> object | None:
        """What the other maker restores."""
        return self.other.restore(target, state) if self.other else None

    def tensor(
        self, array: np.ndarray, storage: Storage, requires_grad: bool
    ) -> np.ndarray:
        """The array as it is."""
        return array

    def parameter(self, tensor: object, requires_grad: bool) -> object:
        """The array as it is."""
        return tensor

    def sparse(
        self, indices: object, values: object, size: object, coalesced: bool
    ) -> object:
        """Its parts."""
        return indices, values, size

    def size(self, shape: tuple[int, ...]) -> object:
        """A plain tuple."""
        return shape

    def device(self, type: str, index: int | None) -> object:
        """A string such as ``"cuda:0"``."""
        return type if index is None else f"{type}:{index}"


def is_count(value: object) -> bool:
    return type(value) is int and 0 <= value < 2**63


def counts(value: object, what: str) -> tuple[int, ...]:
    if type(value) is not tuple or len(value) > 64 or not all(map(is_count, value)):
        raise damaged(f"{shown(value)} is not a {what}")
    return value


def at_least(arguments: tuple, count: int, what: str) -> None:
    if len(arguments) < count:
        raise damaged(f"{what} has {len(arguments)} parts, expected {count}")


def view(storage: object, offset: Any, size: object, stride: object) -> np.ndarray:
    """Look into a storage, having checked that every element lies inside it.

    Args:
        storage: a :class:`Storage`.
        offset: where the first element stands, in elements.
        size: sizes by dimension.
        stride: steps by dimension, in elements.

    Returns:
        An array that shares the storage's memory.

    Raises:
        RuntimeError: the view reaches outside, or is none.
    """
    if type(storage) is not Storage:
        raise damaged(f"a tensor looks into a {type(storage).__name__}")
    size, stride = counts(size, "size"), counts(stride, "stride")
    if not is_count(offset) or len(size) != len(stride):
        raise damaged(f"offset {shown(offset)}, size {size} and stride {stride} differ")
    last = offset + sum((n - 1) * s for n, s in zip(size, stride, strict=True))
    empty = 0 in size
    if (not empty and last >= storage.count) or math.prod(size) >= 2**62:
        raise damaged(
            f"a tensor of size {size}, stride {stride} and offset {offset} reaches "
            f"element {last} of storage {storage.key!r}, which has {storage.count}"
        )
    item = storage.dtype.itemsize
    if empty:
        return np.empty(size, storage.dtype.numpy)
    try:
        return np.ndarray(
            size,
            storage.dtype.numpy,
            buffer=storage.data,
            offset=offset * item,
            strides=tuple(s * item for s in stride),
        )
    except (ValueError, OverflowError) as error:
        raise damaged(f"a tensor of size {size}, stride {stride}: {error}") from error


def tensor_names(maker: Maker) -> dict[str, object]:
    """What a file may say about tensors, built by ``maker``."""

    def plain(arguments: tuple) -> object:
        at_least(arguments, 4, "a tensor")
        flag = arguments[4] if len(arguments) > 4 else False
        array = view(*arguments[:4])
        return maker.tensor(array, arguments[0], flag is True)

    def parameter(arguments: tuple) -> object:
        at_least(arguments, 2, "a parameter")
        return maker.parameter(arguments[0], arguments[1] is True)

    def layout(arguments: tuple) -> object:
        at_least(arguments, 1, "a layout")
        return arguments[0]

    def sparse(arguments: tuple) -> object:
        at_least(arguments, 2, "a sparse tensor")
        if arguments[0] != _COORDINATES or type(arguments[1]) is not tuple:
            raise damaged(f"a sparse tensor has the layout {shown(arguments[0])}")
        at_least(arguments[1], 3, "a sparse tensor")
        # Older files don't say whether it was coalesced.
        indices, values, size, coalesced = (*arguments[1], False)[:4]
        return maker.sparse(indices, values, size, coalesced is True)

    def with_attributes(arguments: tuple) -> object:
        """A tensor that had attributes of Python's; they are left out."""
        at_least(arguments, 3, "a tensor with attributes")
        function, kind, inner = arguments[:3]
        if not all(type(part) is Name for part in (function, kind)):
            raise damaged(f"a tensor is made by {shown(function)} of {shown(kind)}")
        if kind.text not in _TENSOR_TYPES or function.text not in made_by:
            raise damaged(f"a tensor is made by {shown(function)} as a {shown(kind)}")
        if type(inner) is not tuple:
            raise damaged("the arguments of a tensor are not a tuple")
        return made_by[function.text](inner)

    def size(arguments: tuple) -> object:
        at_least(arguments, 1, "a size")
        return maker.size(counts(arguments[0], "size"))

    def device(arguments: tuple) -> object:
        at_least(arguments, 1, "a device")
        kind, index = (*arguments, None)[:2]
        if type(kind) is not str or not (index is None or is_count(index)):
            raise damaged(f"{shown(arguments)} is not a device")
        return maker.device(kind, index)

    made_by = {
        "torch._utils _rebuild_tensor": plain,
        "torch._utils _rebuild_tensor_v2": plain,
        "torch._utils _rebuild_parameter": parameter,
        # Its last part holds the Python attributes of the parameter.
        "torch._utils _rebuild_parameter_with_state": parameter,
    }
    builders = {
        **made_by,
        "torch._tensor _rebuild_from_type_v2": with_attributes,
        "torch._utils _rebuild_sparse_tensor": sparse,
        "torch.serialization _get_layout": layout,
        "torch Size": size,
        "torch device": device,
    }
    named = {text: Name(text, build) for text, build in builders.items()}
    types = {text: Name(text) for text in _TENSOR_TYPES}
    return {**named, **types, **_storage_names(), **_DTYPE_NAMES}


_COORDINATES = "torch.sparse_coo"

_TENSOR_TYPES = (
    "torch Tensor",
    "torch.nn.parameter Parameter",
    "torch.nn.parameter Buffer",
)

STORAGE_TYPES = {
    "Double": dtypes.float64,
    "Float": dtypes.float32,
    "Half": dtypes.float16,
    "BFloat16": dtypes.bfloat16,
    "Long": dtypes.int64,
    "Int": dtypes.int32,
    "Short": dtypes.int16,
    "Char": dtypes.int8,
    "Byte": dtypes.uint8,
    "Bool": dtypes.bool_,
    "ComplexFloat": dtypes.complex64,
    "ComplexDouble": dtypes.complex128,
}

_DTYPE_NAMES = {f"torch {dtype.name}": dtype for dtype in STORAGE_TYPES.values()}


def _storage_names() -> dict[str, object]:
    names: dict[str, object] = {}
    for folder in ("torch", "torch.cuda"):
        for kind, dtype in STORAGE_TYPES.items():
            text = f"{folder} {kind}Storage"
            names[text] = Name(text, value=dtype)
    for text in ("torch.storage UntypedStorage", "torch UntypedStorage"):
        names[text] = Name(text, value=dtypes.uint8)
    return names


def storage_of(identity: object, fetch: Callable[[str, int], np.ndarray]) -> Storage:
    """The storage behind ``('storage', type, key, location, count)``.

    Args:
        identity: what the file gives as persistent id.
        fetch: ``(key, bytes)`` -> at least that many bytes, or an error.

    Raises:
        RuntimeError: the id is malformed.
    """
    if type(identity) is not tuple or len(identity) != 5 or identity[0] != "storage":
        raise damaged(f"the persistent id {shown(identity)} is not a storage")
    _, kind, key, location, count = identity
    if type(kind) is not Name or type(kind.value) is not DType:
        raise damaged(f"a storage has type {shown(kind)}")
    if type(key) is not str or type(location) is not str or not is_count(count):
        raise damaged(f"the storage id {shown(identity)} is malformed")
    data = fetch(key, count * kind.value.itemsize)
    return Storage(key, data, kind.value, count, location)

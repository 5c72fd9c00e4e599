"""Write plain data and tensors as the pickle that PyTorch's checkpoints hold.

The other direction of ``unpickle``: protocol 2, restricted to what ``torch.load`` with
``weights_only=True`` reads, plus NumPy arrays, which PyTorch reads on request.
"""

from __future__ import annotations

import struct
from argparse import Namespace
from collections import Counter, OrderedDict, defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np

from lampas.dtypes import DType, from_numpy_dtype
from lampas.errors import ArgumentError, ArgumentTypeError
from lampas.serialization.stored import STORAGE_TYPES

__all__ = ["Call", "Instance", "Reference", "TensorParts", "pickle_plain"]

_KIND_OF = {dtype: kind for kind, dtype in STORAGE_TYPES.items()}

# Deeper nesting than any checkpoint has, and well inside Python's own stack.
_MAX_DEPTH = 150


@dataclass(frozen=True, slots=True)
class TensorParts:
    """What a file keeps of one tensor.

    Attributes:
        array: its elements, in any strides; views of one array share a storage.
        location: the device it lives on, for example ``"cpu"`` or ``"cuda:0"``.
        requires_grad: whether it asks for a gradient.
        is_parameter: whether it is a parameter of a module.
    """

    array: np.ndarray
    location: str = "cpu"
    requires_grad: bool = False
    is_parameter: bool = False


@dataclass(frozen=True, slots=True)
class Call:
    """An object that is written as a name and arguments, such as a device."""

    name: str
    arguments: tuple


@dataclass(frozen=True, slots=True)
class Instance:
    """An object that is written as the name of its class, and its attributes."""

    name: str
    state: dict[str, object]


@dataclass(frozen=True, slots=True)
class Reference:
    """A class or function that is written as its name."""

    name: str


Described = TensorParts | Call | Instance | Reference


def _root(array: np.ndarray) -> np.ndarray:
    """The array whose memory this one looks into."""
    while isinstance(array.base, np.ndarray):
        array = array.base
    return array


def _as_view(array: np.ndarray) -> tuple[np.ndarray, int, tuple[int, ...]] | None:
    """Bytes of the memory, offset and strides in elements; None if there is no such
    description, as of a reversed view."""
    root = _root(array)
    low, high = np.lib.array_utils.byte_bounds(root)
    start = array.__array_interface__["data"][0] - low
    steps = (start, *array.strides)
    if high - low != root.nbytes or min(root.strides, default=0) < 0:
        return None
    if root.nbytes % array.itemsize or any(s < 0 or s % array.itemsize for s in steps):
        return None
    # In the order of memory: no copy, whichever way the dimensions are permuted.
    memory = root.ravel(order="K").view(np.uint8)
    offset, *strides = (step // array.itemsize for step in steps)
    return memory, offset, tuple(strides)


def _stored(array: np.ndarray) -> tuple[np.ndarray, int, tuple[int, ...]]:
    looked = _as_view(array) if array.size else None
    if looked is None:
        fresh = np.array(array, order="C", copy=True)
        steps = tuple(step // array.itemsize for step in fresh.strides)
        looked = fresh.reshape(-1).view(np.uint8), 0, steps
    return looked


@dataclass
class _Writer:
    """The bytes so far, and what has been written already."""

    describe: Callable[[object], Described | None]
    out: bytearray = field(default_factory=lambda: bytearray(b"\x80\x02"))
    memo: dict[object, int] = field(default_factory=dict)
    alive: list[object] = field(default_factory=list)
    keys: dict[tuple[int, int], int] = field(default_factory=dict)
    storages: list[np.ndarray] = field(default_factory=list)
    path: list[str] = field(default_factory=list)

    def remember(self, key: object, value: object) -> None:
        """Keep what was just written, and the object itself so that ids stay true."""
        number = self.memo[key] = len(self.memo)
        self.alive.append(value)
        self.out += b"q" + bytes([number]) if number < 256 else b"r" + _u4(number)

    def recall(self, key: object) -> bool:
        """Write a reference if ``key`` was written before."""
        number = self.memo.get(key)
        if number is None:
            return False
        self.out += b"h" + bytes([number]) if number < 256 else b"j" + _u4(number)
        return True

    def name(self, text: str) -> None:
        if not self.recall(("name", text)):
            module, _, attribute = text.partition(" ")
            self.out += b"c" + f"{module}\n{attribute}\n".encode()
            self.remember(("name", text), text)

    def call(self, text: str, *arguments: object) -> None:
        self.name(text)
        _write_tuple(self, arguments)
        self.out += b"R"

    def inside(self, step: str, value: object) -> None:
        """Write a part, knowing its path for errors."""
        self.path.append(step)
        if len(self.path) > _MAX_DEPTH:
            raise ArgumentError(
                f"{self.where()}: nested more than {_MAX_DEPTH} deep, or holds itself "
                "through a tuple"
            )
        _write(self, value)
        self.path.pop()

    def where(self) -> str:
        return "obj" + "".join(self.path[:20])


def _u4(number: int) -> bytes:
    return struct.pack("<I", number)


def _write_str(w: _Writer, value: str) -> None:
    if w.recall(("str", value)):
        return
    raw = value.encode("utf-8", "surrogatepass")
    if len(raw) >= 2**32:
        raise ArgumentError(f"{w.where()}: text of 4 GB and more cannot be saved")
    w.out += b"X" + _u4(len(raw)) + raw
    w.remember(("str", value), value)


def _write_int(w: _Writer, value: int) -> None:
    if 0 <= value < 256:
        w.out += b"K" + bytes([value])
    elif 0 <= value < 65536:
        w.out += b"M" + struct.pack("<H", value)
    elif -(2**31) <= value < 2**31:
        w.out += b"J" + struct.pack("<i", value)
    else:
        raw = value.to_bytes(value.bit_length() // 8 + 1, "little", signed=True)
        if len(raw) > 255:
            raise ArgumentError(f"{w.where()}: an integer of {len(raw)} bytes")
        w.out += b"\x8a" + bytes([len(raw)]) + raw


def _write_float(w: _Writer, value: float) -> None:
    w.out += b"G" + struct.pack(">d", value)


def _write_bytes(w: _Writer, value: bytes) -> None:
    if not w.recall(id(value)):
        w.call("_codecs encode", value.decode("latin-1"), "latin1")
        w.remember(id(value), value)


def _write_tuple(w: _Writer, value: tuple) -> None:
    if not value:
        w.out += b")"
        return
    if w.recall(id(value)):
        return
    w.out += b"("
    for index, item in enumerate(value):
        w.inside(f"[{index}]", item)
    w.out += b"t"
    w.remember(id(value), value)


def _write_list(w: _Writer, value: list) -> None:
    w.out += b"]"
    w.remember(id(value), value)
    w.out += b"("
    for index, item in enumerate(value):
        w.inside(f"[{index}]", item)
    w.out += b"e"


def _write_items(w: _Writer, value: dict) -> None:
    w.out += b"("
    for key, item in value.items():
        w.inside(f" key {key!r:.60}", key)
        w.inside(f"[{key!r:.60}]", item)
    w.out += b"u"


def _write_dict(w: _Writer, value: dict) -> None:
    w.out += b"}"
    w.remember(id(value), value)
    _write_items(w, value)


def _write_ordered(w: _Writer, value: OrderedDict) -> None:
    w.call("collections OrderedDict")
    w.remember(id(value), value)
    _write_items(w, value)
    if value.__dict__:
        w.inside(".__dict__", value.__dict__)
        w.out += b"b"


def _write_counter(w: _Writer, value: Counter) -> None:
    w.call("collections Counter", dict(value))
    w.remember(id(value), value)


def _write_default(w: _Writer, value: defaultdict) -> None:
    factory = value.default_factory
    w.name("collections defaultdict")
    if factory is None:
        w.out += b")"
    elif factory in (dict, list, int, float, bool, str, tuple):
        w.name(f"__builtin__ {factory.__name__}")
        w.out += b"\x85"
    else:
        raise ArgumentTypeError(
            f"{w.where()}: the factory {factory!r:.80} of a defaultdict cannot be "
            "saved; save dict(...) of it"
        )
    w.out += b"R"
    w.remember(id(value), value)
    _write_items(w, value)


def _write_set(w: _Writer, value: set | frozenset) -> None:
    w.call(f"__builtin__ {type(value).__name__}", list(value))
    w.remember(id(value), value)


def _write_bytearray(w: _Writer, value: bytearray) -> None:
    w.call("__builtin__ bytearray", bytes(value))
    w.remember(id(value), value)


def _write_namespace(w: _Writer, value: Namespace) -> None:
    w.name("argparse Namespace")
    w.out += b")\x81"
    w.remember(id(value), value)
    w.inside(".__dict__", value.__dict__)
    w.out += b"b"


def _write_numpy_dtype(w: _Writer, value: np.dtype) -> None:
    if value.kind not in "biufcSU":
        raise ArgumentTypeError(f"{w.where()}: NumPy's {value} cannot be saved")
    w.call("numpy dtype", value.str[1:], False, True)
    order = {"<": "<", ">": ">", "|": "|"}[value.str[0]]
    _write(w, (3, order, None, None, None, -1, -1, 0))
    w.out += b"b"


def _write_array(w: _Writer, value: np.ndarray) -> None:
    w.name("numpy._core.multiarray _reconstruct")
    w.out += b"("
    w.name("numpy ndarray")
    _write(w, (0,))
    _write(w, b"b")
    w.out += b"tR"
    w.remember(id(value), value)
    w.out += b"("
    _write(w, 1)
    _write(w, value.shape)
    _write_numpy_dtype(w, value.dtype)
    _write(w, False)
    _write(w, value.tobytes())
    w.out += b"tb"


def _write_scalar(w: _Writer, value: np.generic) -> None:
    w.name("numpy._core.multiarray scalar")
    w.out += b"("
    _write_numpy_dtype(w, value.dtype)
    _write(w, value.tobytes())
    w.out += b"tR"


def _write_dtype(w: _Writer, value: DType) -> None:
    w.name(f"torch {value.name}")


_WRITERS: dict[type, Callable] = {
    str: _write_str,
    int: _write_int,
    float: _write_float,
    bytes: _write_bytes,
    tuple: _write_tuple,
    list: _write_list,
    dict: _write_dict,
    OrderedDict: _write_ordered,
    Counter: _write_counter,
    defaultdict: _write_default,
    set: _write_set,
    frozenset: _write_set,
    bytearray: _write_bytearray,
    Namespace: _write_namespace,
    np.ndarray: _write_array,
    DType: _write_dtype,
    type(None): lambda w, _: w.out.extend(b"N"),
    bool: lambda w, value: w.out.extend(b"\x88" if value else b"\x89"),
    complex: lambda w, v: w.call("__builtin__ complex", v.real, v.imag),
}


def _write(w: _Writer, value: object) -> None:
    if w.recall(id(value)):
        return
    described = value if isinstance(value, Call) else w.describe(value)
    if isinstance(described, TensorParts):
        _write_tensor(w, described)
        w.remember(id(value), value)
    elif isinstance(described, Call):
        w.call(described.name, *described.arguments)
        w.remember(id(value), value)
    elif isinstance(described, Reference):
        w.name(described.name)
    elif isinstance(described, Instance):
        w.name(described.name)
        w.out += b")\x81"
        w.remember(id(value), value)
        w.inside(".__dict__", described.state)
        w.out += b"b"
    elif type(value) in _WRITERS:
        _WRITERS[type(value)](w, value)
    elif isinstance(value, np.generic):
        _write_scalar(w, value)
    else:
        kind = type(value)
        raise ArgumentTypeError(
            f"{w.where()}: a {kind.__module__}.{kind.__qualname__} cannot be saved; "
            "expected tensors, numbers, text, None and containers of them. Save what "
            "it is made of, such as its state_dict()"
        )


def _write_storage(w: _Writer, memory: np.ndarray, dtype: DType, place: str) -> None:
    place_in_memory = (memory.__array_interface__["data"][0], len(memory))
    key = w.keys.setdefault(place_in_memory, len(w.storages))
    if key == len(w.storages):
        w.storages.append(memory)
    w.out += b"("
    _write(w, "storage")
    w.name(f"torch {_KIND_OF[dtype]}Storage")
    _write(w, str(key))
    _write(w, place)
    _write(w, len(memory) // dtype.itemsize)
    w.out += b"tQ"


def _write_tensor(w: _Writer, parts: TensorParts) -> None:
    array, dtype = parts.array, from_numpy_dtype(parts.array.dtype)
    if parts.is_parameter:
        w.name("torch._utils _rebuild_parameter")
        w.out += b"("
    memory, offset, strides = _stored(array)
    w.name("torch._utils _rebuild_tensor_v2")
    w.out += b"("
    _write_storage(w, memory, dtype, parts.location)
    _write(w, offset)
    _write(w, tuple(array.shape))
    _write(w, strides)
    _write(w, parts.requires_grad and not parts.is_parameter)
    w.call("collections OrderedDict")
    w.out += b"tR"
    if parts.is_parameter:
        _write(w, parts.requires_grad)
        w.call("collections OrderedDict")
        w.out += b"tR"


def pickle_plain(
    obj: object, describe: Callable[[object], Described | None]
) -> tuple[bytes, Sequence[np.ndarray]]:
    """Pickle plain data and tensors.

    Args:
        obj: tensors, numbers, text, None and containers of them, nested freely.
        describe: tells what a tensor, or another object of the caller's, consists of;
            None for anything else.

    Returns:
        The pickle and the storages that it names, as contiguous bytes. Containers and
        memory that appear twice are written once.

    Raises:
        TypeError: something inside is of another type; the text says where and what.

    >>> pickle_plain({"a": 1}, lambda value: None)[0][:2]
    b'\\x80\\x02'
    """
    writer = _Writer(describe)
    _write(writer, obj)
    return bytes(writer.out + b"."), writer.storages

"""``lampas.save`` and ``lampas.load``: tensors and what holds them, in files.

Two formats are written and read: PyTorch's archive, which ``torch.load`` opens with
``weights_only=True``, and safetensors. Loading executes nothing, whatever the file.
"""

from __future__ import annotations

import contextlib
import io
import os
import pickle
import warnings
from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, BinaryIO

import numpy as np

from lampas.backend import cupy as cupy_backend
from lampas.backend.device import CPU, Device, from_host, to_host
from lampas.dtypes import from_numpy_dtype
from lampas.engine.compressed import CompressedTensor
from lampas.engine.exhausted import out_of_memory
from lampas.engine.sparse import LayoutError, SparseTensor
from lampas.engine.tensor import Size, Tensor, wrap
from lampas.errors import (
    ArgumentError,
    ArgumentTypeError,
    DeviceError,
    FileFormatError,
    LampasError,
)
from lampas.io._whole import described, named, restored
from lampas.ops.sparse import sparse_coo_tensor
from lampas.serialization.atomic import atomic_write
from lampas.serialization.names import Name, damaged
from lampas.serialization.pickling import (
    Call,
    Described,
    TensorParts,
    pickle_plain,
)
from lampas.serialization.safetensors import (
    check_writable,
    read_safetensors,
    write_safetensors,
)
from lampas.serialization.stored import Storage
from lampas.serialization.torchzip import read_archive, write_archive

__all__ = ["load", "save"]


@dataclass(frozen=True, slots=True)
class _Placed:
    """What a ``map_location`` function gets for each storage, and gives back."""

    device: Device

    def cpu(self) -> _Placed:
        """The storage on the CPU."""
        return _Placed(CPU)

    def cuda(self, device: int | None = None) -> _Placed:
        """The storage on a CUDA card."""
        return _Placed(Device("cuda", device or 0))


def _is_here(device: Device) -> bool:
    if device.type != "cuda":
        return True
    if not cupy_backend.is_available():
        return False
    count = cupy_backend.namespace().cuda.runtime.getDeviceCount()
    return (device.index or 0) < count


class _Places:
    """Decides on which device each storage of a file goes."""

    def __init__(self, map_location: Any) -> None:
        self.rule = map_location
        self.known: dict[str, Device] = {}
        self.absent: list[str] = []
        if isinstance(map_location, (str, Device)):
            self.rule = Device(map_location)
        elif not (
            map_location is None
            or callable(map_location)
            or isinstance(map_location, Mapping)
        ):
            raise ArgumentTypeError(
                "map_location must be a device, a dict of them, a function or None, "
                f"got {type(map_location).__name__}"
            )

    def place(self, location: str) -> Device:
        """The device for what was saved on ``location``."""
        if location not in self.known:
            self.known[location] = self._decide(location)
        return self.known[location]

    def _decide(self, location: str) -> Device:
        if isinstance(self.rule, Device):
            return self.rule
        if isinstance(self.rule, Mapping) and location in self.rule:
            return Device(self.rule[location])
        if callable(self.rule):
            placed = self.rule(_Placed(CPU), location)
            if isinstance(placed, _Placed):
                return placed.device
            if placed is not None:
                raise ArgumentTypeError(
                    "map_location must return the storage it was given, on some "
                    f"device, or None; got {type(placed).__name__}"
                )
        return self._as_saved(location)

    def _as_saved(self, location: str) -> Device:
        kind, _, index = location.partition(":")
        if kind in ("cpu", "cuda", "sim") and (not index or index.isdecimal()):
            device = Device(location)
            if _is_here(device):
                return device
        self.absent.append(location)
        return CPU


class _TensorMaker:
    """Makes the tensors of a file, each on its device."""

    def __init__(self, places: _Places, whole: bool = False) -> None:
        self.places, self.whole = places, whole
        self.moved: dict[tuple[Any, ...], Any] = {}

    def tensor(
        self, array: np.ndarray, storage: Storage, requires_grad: bool
    ) -> Tensor:
        made = wrap(self._placed(array, storage))
        differentiable = made.dtype.is_floating_point or made.dtype.is_complex
        return made.requires_grad_(requires_grad and differentiable)

    def _placed(self, array: np.ndarray, storage: Storage) -> Any:
        """The array on its device; tied weights are one array there too."""
        device = self.places.place(storage.location)
        if device.type == "cpu":
            return array
        start = array.__array_interface__["data"][0]
        key = (storage.key, start, array.shape, array.strides, array.dtype)
        if key not in self.moved:
            self.moved[key] = from_host(array, device)
        return self.moved[key]

    def sparse(
        self, indices: object, values: object, size: object, coalesced: bool
    ) -> Tensor:
        if type(indices) is not Tensor or type(values) is not Tensor:
            raise damaged("a sparse tensor is not made of two tensors")
        if type(size) is not Size:
            raise damaged("a sparse tensor has no size")
        try:
            return sparse_coo_tensor(indices, values, size, is_coalesced=coalesced)
        except LampasError as error:
            raise damaged(str(error)) from error

    def parameter(self, tensor: object, requires_grad: bool) -> Tensor:
        if not isinstance(tensor, Tensor):
            raise damaged(f"a parameter is a {type(tensor).__name__}")
        tensor._mark("parameter", True)
        return tensor.requires_grad_(requires_grad)

    def size(self, shape: tuple[int, ...]) -> Size:
        return Size(shape)

    def device(self, type: str, index: int | None) -> Device:
        try:
            return Device(type, index)
        except (DeviceError, ValueError) as error:
            raise damaged(str(error)) from error

    def find(self, text: str) -> Name | None:
        return named(text) if self.whole else None

    def restore(self, target: object, state: object) -> object | None:
        return restored(target, state) if self.whole else None


class _Describer:
    """Tells what a file keeps of the objects that this package adds to Python's."""

    def __init__(self) -> None:
        # Tied weights are one array: on a device too they shall be one in the file.
        self.hosts: dict[int, np.ndarray] = {}

    def _host(self, array: Any) -> np.ndarray:
        if id(array) not in self.hosts:
            self.hosts[id(array)] = to_host(array)
        return self.hosts[id(array)]

    def __call__(self, value: object) -> Described | None:
        if isinstance(value, SparseTensor):
            return _describe_sparse(value)
        if isinstance(value, Tensor):
            return TensorParts(
                self._host(value._data),
                str(value.device),
                value.requires_grad,
                value.is_parameter,
            )
        return _describe(value) or described(value)


def _describe_sparse(x: SparseTensor) -> Call:
    """The places and values of a sparse tensor, as PyTorch's files name them."""
    if isinstance(x, CompressedTensor):
        raise LayoutError(
            f"save: takes no tensor of layout {x.layout}; save its to_sparse()"
        )
    layout = Call("torch.serialization _get_layout", ("torch.sparse_coo",))
    parts = wrap(x._places), x._stored.detach(), x.shape, x._is_coalesced
    made = Call("torch._utils _rebuild_sparse_tensor", (layout, parts))
    if not x.is_parameter:
        return made
    state: tuple[Any, ...] = (made, x.requires_grad, OrderedDict())
    return Call("torch._utils _rebuild_parameter", state)


def _describe(value: object) -> Call | None:
    if type(value) is Size:
        return Call("torch Size", (tuple(value),))
    if type(value) is Device:
        index = () if value.index is None else (value.index,)
        return Call("torch device", (value.type, *index))
    return None


def _flat_arrays(obj: object) -> dict[str, np.ndarray]:
    """The arrays of a flat dict of tensors, which is all that safetensors can hold."""
    if not isinstance(obj, Mapping):
        raise ArgumentTypeError(
            f"a .safetensors file holds a dict of tensors, got {type(obj).__name__}"
        )
    for key, value in obj.items():
        if not isinstance(value, Tensor):
            raise ArgumentTypeError(
                f"a .safetensors file holds tensors only, obj[{key!r}] is a "
                f"{type(value).__name__}; save to a .pt file instead"
            )
    return {key: to_host(value._data) for key, value in obj.items()}


def _is_safetensors_name(f: object) -> bool:
    return isinstance(f, (str, os.PathLike)) and os.fspath(f).endswith(".safetensors")


@contextlib.contextmanager
def _opened_to_write(f: Any) -> Iterator[BinaryIO]:
    if not hasattr(f, "write"):
        with atomic_write(f) as file:
            yield file
    elif hasattr(f, "seekable") and f.seekable():
        yield f
    else:
        whole = io.BytesIO()
        yield whole
        f.write(whole.getvalue())


def save(
    obj: object,
    f: str | os.PathLike[str] | BinaryIO,
    pickle_module: Any = None,
    pickle_protocol: int = 2,
    _use_new_zipfile_serialization: bool = True,
) -> None:
    """Write tensors, and containers of them, to a file.

    A path is written whole or not at all: an interrupted or failed save leaves the old
    file as it was. A name that ends in ``.safetensors`` is written in that format and
    takes a flat dict of tensors; any other in PyTorch's, which keeps nesting, numbers,
    text, NumPy arrays, gradient flags, and memory that tensors share.

    Args:
        obj: tensors, parameters, numbers, text, None, NumPy arrays, modules, and lists,
            tuples, dicts and sets of them.
        f: where to; a path, or a file object opened for writing bytes.
        pickle_module: accepted for PyTorch's sake; the standard module or None.
        pickle_protocol: 2, the one that every version of PyTorch reads.

    Raises:
        TypeError: something in ``obj`` cannot be saved; the text says what and where,
            and nothing has been written.
        OSError: the disk is full or the folder missing.

    >>> import io, lampas
    >>> file = io.BytesIO()
    >>> lampas.save({"w": lampas.ones(2)}, file)
    >>> _ = file.seek(0)
    >>> lampas.load(file)["w"].tolist()
    [1.0, 1.0]
    """
    if pickle_module not in (None, pickle) or pickle_protocol != 2:
        raise ArgumentError(
            "files are written by lampas itself as pickle protocol 2; expected "
            f"pickle_module=None and pickle_protocol=2, got {pickle_module!r} and "
            f"{pickle_protocol!r}"
        )
    if not _use_new_zipfile_serialization:
        raise ArgumentError("the format of PyTorch before 1.6 is not written")
    if not isinstance(f, (str, os.PathLike)) and not hasattr(f, "write"):
        raise ArgumentTypeError(
            f"f must be a path or a file object, got {type(f).__name__}"
        )
    # All that can be refused is refused here, before a file is opened.
    if _is_safetensors_name(f):
        arrays = _flat_arrays(obj)
        check_writable(arrays)
        with _opened_to_write(f) as file:
            write_safetensors(file, arrays)
    else:
        pickled, storages = pickle_plain(obj, _Describer())
        with _opened_to_write(f) as file:
            write_archive(file, pickled, storages)


@contextlib.contextmanager
def _opened_to_read(f: Any) -> Iterator[tuple[BinaryIO, str]]:
    """The file and what errors call it."""
    if isinstance(f, (str, os.PathLike)):
        with open(f, "rb") as file:
            yield file, os.fspath(f)
    elif not hasattr(f, "read"):
        raise ArgumentTypeError(
            f"f must be a path or a file object, got {type(f).__name__}"
        )
    elif hasattr(f, "seek") and (not hasattr(f, "seekable") or f.seekable()):
        yield f, str(getattr(f, "name", "file"))
    else:
        yield io.BytesIO(f.read()), "file"


def _looks_like_safetensors(file: BinaryIO) -> bool:
    start = file.tell()
    head = file.read(9)
    size = file.seek(0, os.SEEK_END) - start
    file.seek(start)
    length = int.from_bytes(head[:8], "little")
    return head[8:] == b"{" and length <= size - 8


def _on(device: Device, array: np.ndarray, key: str, source: str) -> Tensor:
    try:
        from_numpy_dtype(array.dtype)
    except ArgumentTypeError as error:
        raise FileFormatError(f"{source}: tensor {key!r}: {error}") from error
    return wrap(from_host(array, device))


def _read(f: Any, places: _Places, whole: bool, mmap: bool) -> tuple[Any, str]:
    """What a file holds, and what errors call the file."""
    with _opened_to_read(f) as (file, source):
        if _is_safetensors_name(f) or _looks_like_safetensors(file):
            arrays, _ = read_safetensors(file, source, map_file=mmap)
            device = places.place("cpu")
            found = {k: _on(device, a, k, source) for k, a in arrays.items()}
            return found, source
        maker = _TensorMaker(places, whole=whole)
        return read_archive(file, maker, source, map_file=mmap), source


def load(
    f: str | os.PathLike[str] | BinaryIO,
    map_location: str
    | Device
    | Mapping[str, str]
    | Callable[[Any, str], Any]
    | None = None,
    pickle_module: Any = None,
    *,
    weights_only: bool | None = True,
    mmap: bool | None = None,
    **pickle_load_args: Any,
) -> Any:
    """Read what :func:`save`, ``torch.save`` or safetensors wrote.

    No code of the file is ever run: its pickle is read by an interpreter of our own
    that knows tensors, plain containers, numbers, text and NumPy arrays (and modules,
    if asked), and refuses the rest by name.

    Args:
        f: a path, or a file object opened for reading bytes.
        map_location: where the tensors go: a device; a dict from saved to wanted
            devices; a function of a storage and its saved location; None for where
            they were. What was saved on a device that is not here goes to the CPU,
            with one warning.
        pickle_module: accepted for PyTorch's sake; None or the standard module.
        weights_only: False reads whole modules too: their classes must be layers of
            ``lampas.nn`` or have been defined by the program, and so for dataclasses
            in them. Their attributes are set; nothing of theirs is called.
        mmap: map a file instead of reading it: pages are read when touched, and a
            tensor that is written to keeps its changes to itself.
        pickle_load_args: ``encoding``, accepted for PyTorch's sake.

    Returns:
        The object that was saved.

    Raises:
        pickle.UnpicklingError: the file asks for something that is not plain data.
        RuntimeError: the file is damaged, cut short, or of another kind.
        FileNotFoundError: there is no such file.
    """
    if pickle_module not in (None, pickle) or pickle_load_args.keys() - {"encoding"}:
        raise ArgumentError(
            "files are read by lampas itself; expected pickle_module=None and no "
            f"arguments for it, got {pickle_module!r} and {pickle_load_args}"
        )
    if mmap and not isinstance(f, (str, os.PathLike)):
        raise ArgumentError(f"mmap=True needs a path, got {type(f).__name__}")
    places = _Places(map_location)
    try:
        content, source = _read(f, places, weights_only is False, bool(mmap))
    except MemoryError as error:
        raise out_of_memory("load", error) from None
    if places.absent:
        warnings.warn(
            f"{source}: saved on {', '.join(places.absent)}, which is not here; loaded "
            "on the CPU. map_location='cpu' says so beforehand",
            UserWarning,
            stacklevel=2,
        )
    return content

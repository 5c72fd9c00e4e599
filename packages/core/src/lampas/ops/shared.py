"""Memory that several processes see: files mapped into tensors, and shared tensors.

A shared tensor lies in an anonymous file, which has no name that could stay behind. A
forked process has it as it is; to one that was spawned ``multiprocessing`` sends the
file's descriptor, not the elements.
"""

from __future__ import annotations

import mmap
import os
import tempfile
from multiprocessing.reduction import DupFd, ForkingPickler
from typing import Any

import numpy as np

from lampas.backend.device import Device
from lampas.dtypes import DType, as_dtype, get_default_dtype
from lampas.engine.tensor import Tensor, _rebuild, method, wrap
from lampas.errors import ArgumentError, ArgumentTypeError, DeviceError, FileFormatError

__all__ = ["from_file", "frombuffer"]


def frombuffer(
    buffer: Any,
    *,
    dtype: DType,
    count: int = -1,
    offset: int = 0,
    requires_grad: bool = False,
) -> Tensor:
    """A tensor of one dimension over the memory of an object with a buffer.

    Args:
        buffer: bytes, a bytearray, an ``mmap``, ...; what is read-only stays so.
        dtype: of the elements.
        count: how many; by default as many as there are.
        offset: bytes to leave out in front.
        requires_grad: record operations on it.

    Raises:
        ValueError: it has no buffer, or not that many elements.

    >>> lampas.frombuffer(bytearray([1, 0, 2, 0]), dtype=lampas.int16)
    tensor([1, 2], dtype=lampas.int16)
    """
    kind = as_dtype(dtype)
    try:
        memory = memoryview(buffer).cast("B")
    except TypeError as error:
        raise ArgumentError(
            f"buffer must have a buffer of bytes, got {type(buffer).__name__}"
        ) from error
    total, size = memory.nbytes, kind.itemsize
    if not total or not count:
        raise ArgumentError(f"buffer ({total} bytes) and count ({count}) must not be 0")
    if not 0 <= offset < total:
        raise ArgumentError(f"offset must be in [0, {total - 1}], got {offset}")
    if count < 0 and (total - offset) % size:
        raise ArgumentError(
            f"the {total - offset} bytes after offset must be a multiple of the "
            f"{size} bytes of an element"
        )
    wanted = (total - offset) // size if count < 0 else count
    if offset + wanted * size > total:
        raise ArgumentError(
            f"buffer has {total} bytes, {wanted} elements of {size} bytes after "
            f"{offset} need {offset + wanted * size}"
        )
    array = np.frombuffer(memory, kind.numpy, wanted, offset)
    result = wrap(array)
    return result.requires_grad_() if requires_grad else result


def from_file(
    filename: str | os.PathLike[str],
    shared: bool | None = None,
    size: int = 0,
    *,
    dtype: DType | None = None,
    layout: Any = None,
    device: Device | str | None = None,
    pin_memory: bool = False,
) -> Tensor:
    """A tensor of one dimension whose memory is a file.

    Args:
        filename: the file.
        shared: changes go into the file, which is made, or made longer, where needed;
            otherwise they stay in this process.
        size: how many elements.
        dtype: of the elements; the default one unless given.
        layout, pin_memory: accepted and without effect.
        device: host memory only.

    Raises:
        RuntimeError: the file can't be opened or is too short, or another device.

    >>> import os, tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = os.path.join(folder, "x")
    ...     _ = lampas.from_file(path, shared=True, size=2).fill_(1)
    ...     os.path.getsize(path)
    8
    """
    kind = as_dtype(get_default_dtype() if dtype is None else dtype)
    if device is not None and Device(device).type != "cpu":
        raise DeviceError(f"only host memory can be a file, got device {device}")
    if size < 0:
        raise ArgumentError(f"size must not be negative, got {size}")
    length = size * kind.itemsize
    flags = os.O_RDWR | os.O_CREAT if shared else os.O_RDONLY
    try:
        descriptor = os.open(filename, flags | getattr(os, "O_BINARY", 0), 0o666)
    except OSError as error:
        raise FileFormatError(f"can't open {filename}: {error.strerror}") from error
    try:
        return wrap(_mapped_file(descriptor, length, bool(shared), kind, filename))
    finally:
        os.close(descriptor)


def _mapped_file(
    descriptor: int, length: int, shared: bool, kind: DType, filename: Any
) -> np.ndarray:
    present = os.fstat(descriptor).st_size
    if present < length:
        if not shared:
            raise FileFormatError(
                f"{filename} has {present} bytes, {length} are asked for"
            )
        os.ftruncate(descriptor, length)
    if not length:
        return np.empty(0, kind.numpy)
    access = mmap.ACCESS_WRITE if shared else mmap.ACCESS_COPY
    memory = mmap.mmap(descriptor, length, access=access)
    return np.frombuffer(memory, kind.numpy)


# ---- tensors that several processes change


class _Shared(mmap.mmap):
    """A mapped anonymous file that keeps its descriptor, to be sent on."""

    descriptor: int

    def __del__(self) -> None:
        os.close(self.descriptor)


def _anonymous_file(length: int) -> int:
    if hasattr(os, "memfd_create"):
        descriptor = os.memfd_create("lampas-tensor", os.MFD_CLOEXEC)
    else:
        with tempfile.TemporaryFile() as file:
            descriptor = os.dup(file.fileno())
    os.ftruncate(descriptor, length)
    return descriptor


def _attached(descriptor: int, length: int) -> _Shared:
    memory = _Shared(descriptor, length)
    memory.descriptor = descriptor
    return memory


def _shared_copy(array: np.ndarray) -> np.ndarray:
    """A copy of an array in memory that other processes can see."""
    length = max(array.nbytes, 1)
    memory = _attached(_anonymous_file(length), length)
    copy = np.frombuffer(memory, array.dtype, array.size).reshape(array.shape)
    copy[...] = array
    return copy


def _memory_of(array: Any) -> _Shared | None:
    """The shared memory in which an array lies, if it does."""
    while array is not None and not isinstance(array, _Shared):
        array = (
            array.obj if isinstance(array, memoryview) else getattr(array, "base", None)
        )
    return array


@method()
def is_shared(self: Tensor) -> bool:
    """Whether other processes see this memory: shared, or on a CUDA card."""
    return self.is_cuda or _memory_of(self._data) is not None


@method()
def share_memory_(self: Tensor) -> Tensor:
    """Move the elements to memory that other processes see and change; returns self.

    Forked processes share it, and those to which ``multiprocessing`` sends the tensor.
    Views, arrays and detached tensors made before keep the old memory.

    Raises:
        TypeError: the memory is neither the host's nor a card's.
    """
    if self.is_cuda or is_shared(self):
        return self
    if not self.is_cpu:
        raise ArgumentTypeError(f"a tensor on {self.device} can't be shared")
    self._data = _shared_copy(self._data)
    return self


def _received_memory(file: Any, length: int) -> _Shared:
    return _attached(file.detach(), length)


def _sent_memory(memory: _Shared) -> Any:
    return _received_memory, (DupFd(memory.descriptor), len(memory))


def _received(memory: _Shared, layout: tuple[Any, ...], marks: Any) -> Tensor:
    dtype, shape, strides, offset = layout
    array = np.ndarray(shape, dtype, memory, offset, strides)
    kind, requires_grad, is_parameter = marks
    return _rebuild(kind, array, requires_grad, is_parameter)


def _sent(tensor: Tensor) -> Any:
    """How ``multiprocessing`` sends a tensor: its memory if that is shared."""
    memory = _memory_of(tensor._data)
    if memory is None or not tensor.is_leaf:
        return tensor.__reduce_ex__(5)
    array = tensor._data
    start = np.frombuffer(memory, np.uint8).__array_interface__["data"][0]
    offset = array.__array_interface__["data"][0] - start
    layout = array.dtype, array.shape, array.strides, offset
    marks = type(tensor), tensor.requires_grad, tensor.is_parameter
    return _received, (memory, layout, marks)


ForkingPickler.register(_Shared, _sent_memory)
ForkingPickler.register(Tensor, _sent)

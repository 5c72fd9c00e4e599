"""Making tensors: from data, filled with one value, ranges."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from lampas.backend.device import CPU, Device, chosen_device, from_host, to_host
from lampas.dtypes import DType, as_dtype, from_numpy_dtype, get_default_dtype
from lampas.engine.creation import creates
from lampas.engine.tensor import Tensor, wrap
from lampas.errors import ArgumentTypeError, ShapeError
from lampas.ops._arguments import sizes_of
from lampas.ops.convert import cast, move

__all__ = [
    "arange",
    "as_tensor",
    "asarray",
    "empty",
    "eye",
    "from_dlpack",
    "from_numpy",
    "full",
    "linspace",
    "logspace",
    "ones",
    "scalar_tensor",
    "tensor",
    "zeros",
]


def placed(
    array: np.ndarray, device: Any = None, requires_grad: bool = False
) -> Tensor:
    """A new tensor of a host array, on a device, maybe with gradient."""
    where = (chosen_device() or CPU) if device is None else Device(device)
    result = wrap(from_host(array, where))
    return result.requires_grad_() if requires_grad else result


def _array_of(data: Any, dtype: DType | None) -> np.ndarray:
    """Data (numbers, nested sequences, arrays, tensors) as a NumPy array."""
    if isinstance(data, Tensor):
        array = to_host(data._data)
        return array if dtype is None else array.astype(dtype.numpy)
    if isinstance(data, (np.ndarray, np.generic)):
        array = np.asarray(data)
        return array.astype((dtype or from_numpy_dtype(array.dtype)).numpy)
    try:
        array = np.asarray(_without_tensors(data))
    except ValueError as error:
        raise ShapeError(
            f"data must be a rectangular nested sequence: {error}"
        ) from None
    if dtype is None:
        if array.dtype.kind == "f" and array.dtype == np.float64:
            dtype = get_default_dtype() if not _holds_numpy(data) else None
        elif array.dtype.kind == "c":
            dtype = get_default_dtype().to_complex()
    if array.dtype.kind in "OUS":
        raise ArgumentTypeError(
            f"data must hold numbers, got {type(data).__name__} of {array.dtype}"
        )
    if array.size == 0 and dtype is None and array.dtype == np.float64:
        dtype = get_default_dtype()
    return array.astype((dtype or from_numpy_dtype(array.dtype)).numpy)


_NUMBERS = frozenset((bool, int, float, complex))


def _without_tensors(data: Any) -> Any:
    if isinstance(data, Tensor):
        return data.tolist()
    if isinstance(data, (list, tuple)):
        if len(data) > 32 and _NUMBERS.issuperset(map(type, data)):
            return data  # a long list of numbers: nothing to look into
        return [_without_tensors(d) for d in data]
    return data


def _holds_numpy(data: Any) -> bool:
    while isinstance(data, (list, tuple)) and data:
        data = data[0]
    return isinstance(data, (np.ndarray, np.generic))


@creates
def tensor(
    data: Any,
    *,
    dtype: DType | None = None,
    device: Device | str | None = None,
    requires_grad: bool = False,
    pin_memory: bool = False,
) -> Tensor:
    """Copy data into a new tensor.

    Args:
        data: a number, nested sequences of numbers, an array or a tensor.
        dtype: of the elements; inferred by default (Python floats give the default
            dtype, ints int64).
        device: where it lives; the CPU by default.
        requires_grad: record operations on it.
        pin_memory: accepted; memory is not pinned.

    Raises:
        TypeError: ``data`` holds something that is not a number.
        RuntimeError: nested sequences of different lengths.

    >>> lampas.tensor([[1, 2], [3, 4]])
    tensor([[1, 2],
            [3, 4]])
    """
    array = _array_of(data, None if dtype is None else as_dtype(dtype))
    return placed(np.array(array, copy=True), device, requires_grad)


@creates
def as_tensor(
    data: Any, dtype: DType | None = None, device: Device | str | None = None
) -> Tensor:
    """Turn data into a tensor, sharing memory with arrays and tensors if possible.

    Args:
        data, dtype, device: as for :func:`tensor`.

    >>> lampas.as_tensor([1.0, 2.0])
    tensor([1., 2.])
    """
    if isinstance(data, Tensor):
        data = data if dtype is None else cast(data, as_dtype(dtype))
        where = chosen_device() if device is None else Device(device)
        return data if where is None else move(data, where)
    wanted = None if dtype is None else as_dtype(dtype)
    if isinstance(data, np.ndarray) and wanted in (None, from_numpy_dtype(data.dtype)):
        return placed(data, device)
    return placed(_array_of(data, wanted), device)


def from_numpy(ndarray: np.ndarray) -> Tensor:
    """A tensor that shares the memory of a NumPy array.

    Raises:
        TypeError: not an array, or of a dtype that lampas does not have.

    >>> import numpy
    >>> lampas.from_numpy(numpy.arange(3))
    tensor([0, 1, 2])
    """
    if not isinstance(ndarray, np.ndarray):
        raise ArgumentTypeError(
            f"ndarray must be a numpy.ndarray, got {type(ndarray).__name__}"
        )
    from_numpy_dtype(ndarray.dtype)
    return wrap(ndarray)


def _filled_array(fill: Any, shape: tuple[int, ...], kind: np.dtype) -> np.ndarray:
    if fill is None:
        return np.empty(shape, kind)
    # Through asarray, which wraps what the dtype does not hold as PyTorch does.
    value = np.asarray(fill).astype(kind)
    return np.zeros(shape, kind) if fill == 0 else np.full(shape, value, kind)


def new_filled(
    fill: Any,
    size: tuple[Any, ...],
    dtype: DType | None,
    device: Device | str | None,
    requires_grad: bool,
) -> Tensor:
    """A tensor of the sizes with one value everywhere."""
    kind = as_dtype(get_default_dtype() if dtype is None else dtype).numpy
    shape = sizes_of(size)
    for length in shape:
        if length < 0:
            raise ShapeError(f"sizes must not be negative, got {shape}")
    return placed(_filled_array(fill, shape, kind), device, requires_grad)


@creates
def zeros(
    *size: Any,
    dtype: DType | None = None,
    layout: Any = None,
    device: Device | str | None = None,
    pin_memory: bool = False,
    requires_grad: bool = False,
) -> Tensor:
    """A tensor of zeros.

    Args:
        size: sizes, one by one or as a tuple.
        dtype, device, requires_grad: as for :func:`tensor`.
        layout, pin_memory: accepted; tensors are dense and their memory not pinned.

    Raises:
        RuntimeError: a size is negative.

    >>> lampas.zeros(2, 2)
    tensor([[0., 0.],
            [0., 0.]])
    """
    return new_filled(0, size, dtype, device, requires_grad)


@creates
def ones(
    *size: Any,
    dtype: DType | None = None,
    layout: Any = None,
    device: Device | str | None = None,
    pin_memory: bool = False,
    requires_grad: bool = False,
) -> Tensor:
    """A tensor of ones; arguments as for :func:`zeros`.

    >>> lampas.ones(3)
    tensor([1., 1., 1.])
    """
    return new_filled(1, size, dtype, device, requires_grad)


@creates
def empty(
    *size: Any,
    dtype: DType | None = None,
    layout: Any = None,
    device: Device | str | None = None,
    pin_memory: bool = False,
    requires_grad: bool = False,
    memory_format: Any = None,
) -> Tensor:
    """A tensor whose values are whatever the memory holds.

    Arguments as for :func:`zeros`; ``memory_format`` is accepted and has no effect.

    >>> lampas.empty(2, 3).shape
    lampas.Size([2, 3])
    """
    return new_filled(None, size, dtype, device, requires_grad)


@creates
def full(
    size: Any,
    fill_value: float | Tensor,
    *,
    dtype: DType | None = None,
    layout: Any = None,
    device: Device | str | None = None,
    pin_memory: bool = False,
    requires_grad: bool = False,
) -> Tensor:
    """A tensor with one value everywhere.

    Args:
        size: the sizes, a tuple.
        fill_value: the value; it decides the dtype if none is given.
        dtype, device, requires_grad: as for :func:`tensor`.
        layout, pin_memory: accepted and without effect.

    >>> lampas.full((2,), 7)
    tensor([7, 7])
    """
    if isinstance(fill_value, (Tensor, np.generic)):
        fill_value = fill_value.item()
    if dtype is None:
        dtype = as_dtype(type(fill_value))
    shape = size if isinstance(size, (tuple, list)) else (size,)
    return new_filled(fill_value, (tuple(shape),), dtype, device, requires_grad)


# ---- ranges


@creates
def arange(
    start: float,
    end: float | None = None,
    step: float = 1,
    *,
    dtype: DType | None = None,
    layout: Any = None,
    device: Device | str | None = None,
    pin_memory: bool = False,
    requires_grad: bool = False,
) -> Tensor:
    """Numbers from ``start`` up to, not including, ``end``.

    Args:
        start: the first number; 0 if only one argument is given, which is the end.
        end: where to stop.
        step: the distance; negative counts down.
        dtype: int64 if all three are integers, else the default floating type.
        device, requires_grad: as for :func:`tensor`.
        layout, pin_memory: accepted and without effect.

    Raises:
        RuntimeError: ``step`` is 0 or leads away from ``end``.

    >>> lampas.arange(3)
    tensor([0, 1, 2])
    >>> lampas.arange(1, 2, 0.5)
    tensor([1.0000, 1.5000])
    """
    if end is None:
        start, end = 0, start
    start, end, step = (
        v.item() if isinstance(v, Tensor) else v for v in (start, end, step)
    )
    if dtype is not None and as_dtype(dtype).name == "int64":
        start, end, step = int(start), int(end), int(step)
    if step == 0:
        raise ShapeError("arange: step must not be 0")
    if (end - start) * step < 0:
        raise ShapeError(
            f"arange: step {step} leads away from end: start {start}, end {end}"
        )
    whole = all(isinstance(v, int) for v in (start, end, step))
    if dtype is None:
        dtype = as_dtype(np.int64) if whole else get_default_dtype()
    kind = as_dtype(dtype).numpy
    if whole:
        array = np.arange(start, end, step).astype(kind)
    else:
        count = max(0, math.ceil((end - start) / step))
        if as_dtype(dtype).category < 2:
            # As in PyTorch, int64 cuts all three off first, and other integers only
            # after they are counted.
            start, step = int(start), int(step)
        array = (start + step * np.arange(count, dtype=np.float64)).astype(kind)
    return placed(array, device, requires_grad)


@creates
def linspace(
    start: float,
    end: float,
    steps: int,
    *,
    dtype: DType | None = None,
    layout: Any = None,
    device: Device | str | None = None,
    pin_memory: bool = False,
    requires_grad: bool = False,
) -> Tensor:
    """Numbers at equal distances from ``start`` to ``end``, both included.

    Args:
        start, end: the first and the last number.
        steps: how many numbers.
        dtype, device, requires_grad: as for :func:`tensor`.
        layout, pin_memory: accepted and without effect.

    Raises:
        RuntimeError: ``steps`` is negative.

    >>> lampas.linspace(0, 1, 3)
    tensor([0.0000, 0.5000, 1.0000])
    """
    start, end = (v.item() if isinstance(v, Tensor) else v for v in (start, end))
    if steps < 0:
        raise ShapeError(f"linspace: steps must not be negative, got {steps}")
    kind = _spaced_dtype(start, end, dtype)
    if kind.category < 2:
        array = _whole_steps(int(start), int(end), steps).astype(kind.numpy)
    else:
        wide = np.complex128 if kind.is_complex else np.float64
        array = np.linspace(start, end, steps, dtype=wide).astype(kind.numpy)
    return placed(array, device, requires_grad)


def _spaced_dtype(start: Any, end: Any, dtype: DType | None) -> DType:
    """The dtype given, else the default one, complex if an end is."""
    if dtype is not None:
        return as_dtype(dtype)
    kind = get_default_dtype()
    both = isinstance(start, complex) or isinstance(end, complex)
    return kind.to_complex() if both else kind


def _whole_steps(start: int, end: int, steps: int) -> np.ndarray:
    """Integers at about equal distances: counted from the nearer end, cut off."""
    if steps == 1:
        return np.array([start])
    step, i = (end - start) / max(steps - 1, 1), np.arange(steps)
    ahead, behind = start + step * i, end - step * (steps - 1 - i)
    return np.trunc(np.where(i < steps // 2, ahead, behind))


@creates
def logspace(
    start: float,
    end: float,
    steps: int,
    base: float = 10.0,
    *,
    dtype: DType | None = None,
    layout: Any = None,
    device: Device | str | None = None,
    pin_memory: bool = False,
    requires_grad: bool = False,
) -> Tensor:
    """``base`` raised to numbers at equal distances; arguments as for linspace.

    >>> lampas.logspace(0, 2, 3)
    tensor([  1.,  10., 100.])
    """
    start, end = (v.item() if isinstance(v, Tensor) else v for v in (start, end))
    if steps < 0:
        raise ShapeError(f"logspace: steps must not be negative, got {steps}")
    kind = _spaced_dtype(start, end, dtype)
    if kind.category < 2:
        start, end = int(start), int(end)
    array = np.power(float(base), np.linspace(start, end, steps)).astype(kind.numpy)
    return placed(array, device, requires_grad)


@creates
def eye(
    n: int,
    m: int | None = None,
    *,
    dtype: DType | None = None,
    layout: Any = None,
    device: Device | str | None = None,
    pin_memory: bool = False,
    requires_grad: bool = False,
) -> Tensor:
    """A matrix with ones on the diagonal and zeros elsewhere.

    Args:
        n: rows.
        m: columns; as many as rows by default.
        dtype, device, requires_grad: as for :func:`tensor`.
        layout, pin_memory: accepted and without effect.

    Raises:
        RuntimeError: a size is negative.

    >>> lampas.eye(2)
    tensor([[1., 0.],
            [0., 1.]])
    """
    if n < 0 or (m is not None and m < 0):
        raise ShapeError(f"eye: n and m must not be negative, got {n} and {m}")
    kind = as_dtype(get_default_dtype() if dtype is None else dtype)
    return placed(np.eye(n, m, dtype=kind.numpy), device, requires_grad)


@creates
def scalar_tensor(
    s: float,
    *,
    dtype: DType | None = None,
    layout: Any = None,
    device: Device | str | None = None,
    pin_memory: bool = False,
    requires_grad: bool = False,
) -> Tensor:
    """A 0-d tensor of a number; of the default dtype unless one is given.

    >>> lampas.scalar_tensor(3)
    tensor(3.)
    """
    return new_filled(s, ((),), dtype, device, requires_grad)


asarray = as_tensor


def from_dlpack(ext_tensor: Any) -> Tensor:
    """A tensor that shares the memory of anything that speaks DLPack.

    Args:
        ext_tensor: an array of another library, with ``__dlpack__``.

    Raises:
        TypeError: it has no ``__dlpack__``.

    >>> import numpy
    >>> lampas.from_dlpack(numpy.arange(3))
    tensor([0, 1, 2])
    """
    if isinstance(ext_tensor, Tensor):
        return ext_tensor.detach()
    if not hasattr(ext_tensor, "__dlpack__"):
        raise ArgumentTypeError(
            f"from_dlpack needs an object with __dlpack__, got "
            f"{type(ext_tensor).__name__}"
        )
    array = np.from_dlpack(ext_tensor)
    from_numpy_dtype(array.dtype)
    return wrap(array)

"""Making tensors: from data, filled, ranges; and changing their dtype or device."""

from __future__ import annotations

from typing import Any

import numpy as np

from lampas.backend.device import CPU, Device, from_host
from lampas.dtypes import DType, as_dtype, from_numpy_dtype, get_default_dtype
from lampas.engine.callpath import CAST
from lampas.engine.infer import Spec
from lampas.engine.record import LINEAR, op
from lampas.engine.tensor import Tensor, method, wrap
from lampas.errors import ArgumentTypeError, ShapeError
from lampas.ops._arguments import sizes_of

__all__ = ["as_tensor", "cast", "from_numpy", "ones", "tensor", "zeros"]


def _cast_spec(specs: Any, *, dtype: np.dtype) -> Spec:
    return Spec(specs[0].shape, dtype)


_cast = op("cast", kind=LINEAR, saves="x.dtype", widen=False, infer=_cast_spec)


@_cast.forward
def cast_forward(xp: Any, x: Any, *, dtype: np.dtype) -> Any:
    if x.dtype == dtype:
        return x
    if x.dtype.kind == "c" and dtype.kind not in "cb":
        x = x.real
    return x.astype(dtype)


@_cast.vjp
def cast_vjp(F: Any, g: Any, x_dtype: Any, *, need: Any, dtype: Any) -> Any:
    return (F.cast(g, dtype=x_dtype),)


def cast(input: Tensor, dtype: DType | None) -> Tensor:
    """Return ``input`` with elements of ``dtype``; itself if it has them already."""
    if dtype is None or input._data.dtype == dtype.numpy:
        return input
    return _cast.call(input, dtype=dtype.numpy)


CAST.append(_cast.call)


def _finish(
    array: np.ndarray, device: Any = None, requires_grad: bool = False
) -> Tensor:
    """A new tensor of a host array, on a device, maybe with gradient."""
    where = CPU if device is None else Device(device)
    result = wrap(from_host(array, where))
    return result.requires_grad_() if requires_grad else result


def _array_of(data: Any, dtype: DType | None) -> np.ndarray:
    """Data (numbers, nested sequences, arrays, tensors) as a NumPy array."""
    if isinstance(data, Tensor):
        array = data.detach().cpu()._data if data._data.ndim >= 0 else data._data
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


def _without_tensors(data: Any) -> Any:
    if isinstance(data, Tensor):
        return data.tolist()
    if isinstance(data, (list, tuple)):
        return [_without_tensors(d) for d in data]
    return data


def _holds_numpy(data: Any) -> bool:
    while isinstance(data, (list, tuple)) and data:
        data = data[0]
    return isinstance(data, (np.ndarray, np.generic))


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
    return _finish(np.array(array, copy=True), device, requires_grad)


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
        return data if device is None else data.to(device)
    wanted = None if dtype is None else as_dtype(dtype)
    if isinstance(data, np.ndarray) and wanted in (None, from_numpy_dtype(data.dtype)):
        return _finish(data, device)
    return _finish(_array_of(data, wanted), device)


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


def zeros(
    *size: Any,
    dtype: DType | None = None,
    device: Device | str | None = None,
    requires_grad: bool = False,
) -> Tensor:
    """A tensor of zeros.

    Args:
        size: sizes, one by one or as a tuple.
        dtype, device, requires_grad: as for :func:`tensor`.

    >>> lampas.zeros(2, 2)
    tensor([[0., 0.],
            [0., 0.]])
    """
    kind = as_dtype(dtype or get_default_dtype())
    return _finish(np.zeros(sizes_of(size), kind.numpy), device, requires_grad)


def ones(
    *size: Any,
    dtype: DType | None = None,
    device: Device | str | None = None,
    requires_grad: bool = False,
) -> Tensor:
    """A tensor of ones.

    Args:
        size: sizes, one by one or as a tuple.
        dtype, device, requires_grad: as for :func:`tensor`.

    >>> lampas.ones(3)
    tensor([1., 1., 1.])
    """
    kind = as_dtype(dtype or get_default_dtype())
    return _finish(np.ones(sizes_of(size), kind.numpy), device, requires_grad)


@method("cpu")
def _cpu(self: Tensor) -> Tensor:
    return self

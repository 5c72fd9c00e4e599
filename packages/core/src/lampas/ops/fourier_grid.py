"""The frequencies of Fourier transforms, and their order."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from lampas.backend.device import Device
from lampas.dtypes import DType, as_dtype, get_default_dtype
from lampas.engine.tensor import Tensor
from lampas.errors import DTypeError, ShapeError
from lampas.ops._arguments import normalize_dim
from lampas.ops.arrange import roll
from lampas.ops.create import from_numpy

__all__ = ["fftfreq", "fftshift", "ifftshift", "rfftfreq"]


def _frequencies(
    name: str,
    places: np.ndarray,
    n: int,
    d: float,
    dtype: DType | None,
    device: Any,
    requires_grad: bool,
) -> Tensor:
    kind = get_default_dtype() if dtype is None else as_dtype(dtype)
    if kind.category < 2:
        raise DTypeError(f"{name}: dtype must be floating or complex, got {kind}")
    with np.errstate(all="ignore"):
        values = places * np.divide(1.0, n * d)
    result = from_numpy(values.astype(kind.numpy)).to(device)  # type: ignore[attr-defined]
    return result.requires_grad_(requires_grad)


def _check(name: str, n: int) -> None:
    if n < 0:
        raise ShapeError(f"{name}: n must not be negative, got {n}")


def fftfreq(
    n: int,
    d: float = 1.0,
    *,
    dtype: DType | None = None,
    layout: Any = None,
    device: Device | str | None = None,
    requires_grad: bool = False,
) -> Tensor:
    """The frequency of each entry that :func:`lampas.fft.fft` gives.

    ``[0, 1, ..., (n - 1) // 2, -(n // 2), ..., -1] / (d n)``

    Args:
        n: how many entries are transformed.
        d: the time from one to the next.
        dtype, device, requires_grad: as for :func:`lampas.tensor`.
        layout: accepted; tensors are dense.

    Raises:
        RuntimeError: ``n`` is negative or ``dtype`` is not floating.

    >>> lampas.fft.fftfreq(4)
    tensor([ 0.0000,  0.2500, -0.5000, -0.2500])
    """
    _check("fftfreq", n)
    places = np.arange(n)
    places[(n + 1) // 2 :] -= n
    return _frequencies("fftfreq", places, n, d, dtype, device, requires_grad)


def rfftfreq(
    n: int,
    d: float = 1.0,
    *,
    dtype: DType | None = None,
    layout: Any = None,
    device: Device | str | None = None,
    requires_grad: bool = False,
) -> Tensor:
    """The frequency of each entry that :func:`lampas.fft.rfft` gives.

    ``[0, 1, ..., n // 2] / (d n)``; arguments as for :func:`fftfreq`.

    >>> lampas.fft.rfftfreq(4)
    tensor([0.0000, 0.2500, 0.5000])
    """
    _check("rfftfreq", n)
    places = np.arange(n // 2 + 1)
    return _frequencies("rfftfreq", places, n, d, dtype, device, requires_grad)


def _dims(input: Tensor, dim: int | Sequence[int] | None) -> tuple[int, ...]:
    if dim is None:
        return tuple(range(input._data.ndim))
    return (dim,) if isinstance(dim, int) else tuple(dim)


def fftshift(input: Tensor, dim: int | Sequence[int] | None = None) -> Tensor:
    """Bring the entry of frequency zero from the front to the middle.

    Args:
        input: any shape.
        dim: the dimensions; all by default.

    Raises:
        IndexError: a dimension is out of range.

    >>> lampas.fft.fftshift(lampas.tensor([0, 1, 2, -2, -1]))
    tensor([-2, -1,  0,  1,  2])
    """
    dims = _dims(input, dim)
    shape = input._data.shape
    return roll(input, [size // 2 for size in _sizes(shape, dims)], dims)


def ifftshift(input: Tensor, dim: int | Sequence[int] | None = None) -> Tensor:
    """The inverse of :func:`fftshift`.

    >>> lampas.fft.ifftshift(lampas.tensor([-2, -1, 0, 1, 2]))
    tensor([ 0,  1,  2, -2, -1])
    """
    dims = _dims(input, dim)
    shape = input._data.shape
    return roll(input, [(size + 1) // 2 for size in _sizes(shape, dims)], dims)


def _sizes(shape: tuple[int, ...], dims: tuple[int, ...]) -> list[int]:
    return [shape[normalize_dim(d, len(shape))] for d in dims]

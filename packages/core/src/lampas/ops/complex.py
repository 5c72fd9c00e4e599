"""The real and imaginary parts of complex tensors, as views."""

from __future__ import annotations

from typing import Any

import numpy as np

from lampas.dtypes import from_numpy_dtype
from lampas.engine.autocast import computes_in
from lampas.engine.batching import moved
from lampas.engine.infer import Spec
from lampas.engine.record import LINEAR, op
from lampas.engine.tensor import Tensor, method
from lampas.errors import DTypeError, ShapeError

__all__ = ["imag", "real", "view_as_complex", "view_as_real"]


def _real_dtype(dtype: np.dtype) -> np.dtype:
    return from_numpy_dtype(dtype).to_real().numpy


def _complex_dtype(dtype: np.dtype) -> np.dtype:
    return from_numpy_dtype(dtype).to_complex().numpy


def _part(specs: Any) -> Spec:
    return Spec(specs[0].shape, _real_dtype(specs[0].dtype))


def _parts(specs: Any) -> Spec:
    return Spec((*specs[0].shape, 2), _real_dtype(specs[0].dtype))


def _paired(specs: Any) -> Spec:
    return Spec(tuple(specs[0].shape[:-1]), _complex_dtype(specs[0].dtype))


def _joined(specs: Any) -> Spec:
    return Spec(specs[0].shape, _complex_dtype(specs[0].dtype))


_real = op("real", kind=LINEAR, saves="x.dtype", view=True, infer=_part)
_imag = op("imag", kind=LINEAR, view=True, infer=_part)
_complex = op("complex", kind=LINEAR, infer=_joined, autocast="float")
"""Real and imaginary parts of one shape and dtype, put together."""


@_real.forward
def real_forward(xp: Any, x: Any) -> Any:
    return x.real


@_real.vjp
def real_vjp(F: Any, g: Any, dtype: Any, *, need: Any) -> Any:
    return (F.cast(g, dtype=dtype),)


@_imag.forward
def imag_forward(xp: Any, x: Any) -> Any:
    return x.imag


@_imag.vjp
def imag_vjp(F: Any, g: Any, *, need: Any) -> Any:
    return (F.complex(F.zeros_like(g), g),)


@_complex.forward
def complex_forward(xp: Any, x: Any, imag: Any) -> Any:
    result = xp.empty(x.shape, _complex_dtype(x.dtype))
    result.real = x
    result.imag = imag
    return result


@_complex.vjp
def complex_vjp(F: Any, g: Any, *, need: Any) -> Any:
    return F.real(g) if need[0] else None, F.imag(g) if need[1] else None


moved(_real, _imag, _complex)

_as_real = op("view_as_real", kind=LINEAR, view=True, infer=_parts)
_as_complex = op(
    "view_as_complex", kind=LINEAR, view=True, infer=_paired, autocast="float"
)


@_as_real.forward
def view_as_real_forward(xp: Any, x: Any) -> Any:
    return x[..., None].view(_real_dtype(x.dtype))


@_as_real.vjp
def view_as_real_vjp(F: Any, g: Any, *, need: Any) -> Any:
    return (F.view_as_complex(g),)


@_as_complex.forward
def view_as_complex_forward(xp: Any, x: Any) -> Any:
    if x.strides[-1] != x.itemsize:
        # Cotangents may be laid out in any way.
        x = xp.ascontiguousarray(x)
    return x.view(_complex_dtype(x.dtype))[..., 0]


@_as_complex.vjp
def view_as_complex_vjp(F: Any, g: Any, *, need: Any) -> Any:
    return (F.view_as_real(g),)


moved(_as_real)
moved(_as_complex, least=1)


def real(input: Tensor) -> Tensor:
    """The real part, a view; a real tensor is returned as it is.

    >>> lampas.real(lampas.tensor([1 + 2j]))
    tensor([1.])
    """
    return _real.call(input) if input._data.dtype.kind == "c" else input


def imag(input: Tensor) -> Tensor:
    """The imaginary part, a view.

    Raises:
        RuntimeError: the input is not complex.

    >>> lampas.imag(lampas.tensor([1 + 2j]))
    tensor([2.])
    """
    _require_complex("imag", input)
    return _imag.call(input)


def _require_complex(name: str, input: Tensor) -> None:
    if input._data.dtype.kind != "c":
        raise DTypeError(f"{name}: input must be complex, got {input.dtype}")


def _set_real(self: Tensor, value: Any) -> None:
    real(self).copy_(value)  # type: ignore[attr-defined]


def _set_imag(self: Tensor, value: Any) -> None:
    imag(self).copy_(value)  # type: ignore[attr-defined]


Tensor.real = property(real, _set_real, doc="The real part, sharing memory.")  # type: ignore[attr-defined]
Tensor.imag = property(imag, _set_imag, doc="The imaginary part, sharing memory.")  # type: ignore[attr-defined]


@method()
def view_as_real(input: Tensor) -> Tensor:
    """Complex numbers as pairs of real ones, sharing memory.

    Args:
        input: any shape, complex.

    Returns:
        The input's shape with a last dimension of 2: real and imaginary parts.

    Raises:
        RuntimeError: the input is not complex.

    >>> lampas.view_as_real(lampas.tensor([1 + 2j]))
    tensor([[1., 2.]])
    """
    _require_complex("view_as_real", input)
    return _as_real.call(input)


@method()
@computes_in("float")
def view_as_complex(input: Tensor) -> Tensor:
    """Pairs of real numbers as complex ones, sharing memory.

    Args:
        input: (..., 2), float32 or float64; pairs lie side by side in memory.

    Raises:
        RuntimeError: another dtype, shape or layout.

    >>> lampas.view_as_complex(lampas.tensor([[1.0, 2.0]]))
    tensor([1.+2.j])
    """
    data = input._data
    if data.dtype.char not in "fd":
        raise DTypeError(
            f"view_as_complex: input must be float32 or float64, got {input.dtype}"
        )
    if data.ndim == 0 or data.shape[-1] != 2:
        raise ShapeError(
            f"view_as_complex: the last dimension must have size 2, got {data.shape}"
        )
    if data.strides[-1] != data.itemsize:
        raise ShapeError(
            "view_as_complex: the last dimension must lie side by side in memory, got "
            f"strides {input.stride()}; call contiguous() first"
        )
    return _as_complex.call(input)

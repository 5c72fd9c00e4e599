"""Discrete Fourier transforms: three linear records that transpose into each other.

Transforms to complex numbers from complex ones (c2c) and from real ones (r2c, which
give the half of the spectrum that is not the other's mirror image), and back (c2r).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from lampas.dtypes import from_numpy_dtype, get_default_dtype
from lampas.engine.batching import moved, shifted
from lampas.engine.infer import Spec, like_input
from lampas.engine.record import LINEAR, op
from lampas.engine.tensor import Tensor
from lampas.errors import DimensionError, DTypeError, ShapeError
from lampas.ops._arguments import normalize_dim
from lampas.ops.convert import cast, clone
from lampas.ops.pad import constant_pad_nd

__all__ = ["axes", "from_half", "resized", "to_half", "transformed"]

Dims = int | Sequence[int] | None


def _half_spec(specs: Any, *, dims: tuple[int, ...], norm: str) -> Spec:
    shape, dtype = list(specs[0].shape), from_numpy_dtype(specs[0].dtype)
    shape[dims[-1]] = shape[dims[-1]] // 2 + 1
    return Spec(tuple(shape), dtype.to_complex().numpy)


def _whole_spec(specs: Any, *, n: int, dims: tuple[int, ...], norm: str) -> Spec:
    shape, dtype = list(specs[0].shape), from_numpy_dtype(specs[0].dtype)
    shape[dims[-1]] = n
    return Spec(tuple(shape), dtype.to_real().numpy)


_c2c = op("fft_c2c", kind=LINEAR, fresh=True, infer=like_input, autocast="float")
_r2c = op(
    "fft_r2c",
    kind=LINEAR,
    saves="x.shape",
    fresh=True,
    infer=_half_spec,
    autocast="float",
)
_c2r = op("fft_c2r", kind=LINEAR, fresh=True, infer=_whole_spec, autocast="float")
_weigh = op("fft_weigh", kind=LINEAR, fresh=True, infer=like_input)
"""Scale those entries of half a spectrum that stand for two of the whole."""


def _across(norm: str) -> str:
    """The scaling with which the opposite direction is the transpose."""
    return {"backward": "forward", "forward": "backward", "ortho": "ortho"}[norm]


@_c2c.forward
def fft_c2c_forward(
    xp: Any, x: Any, *, dims: tuple[int, ...], inverse: bool, norm: str
) -> Any:
    transform = xp.fft.ifftn if inverse else xp.fft.fftn
    return transform(x, axes=dims, norm=norm)


@_c2c.vjp
def fft_c2c_vjp(
    F: Any, g: Any, *, need: Any, dims: tuple[int, ...], inverse: bool, norm: str
) -> Any:
    return (F.fft_c2c(g, dims=dims, inverse=not inverse, norm=_across(norm)),)


@_r2c.forward
def fft_r2c_forward(xp: Any, x: Any, *, dims: tuple[int, ...], norm: str) -> Any:
    return xp.fft.rfftn(x, axes=dims, norm=norm)


@_r2c.vjp
def fft_r2c_vjp(
    F: Any, g: Any, shape: Any, *, need: Any, dims: tuple[int, ...], norm: str
) -> Any:
    # c2r counts such entries twice, as its own mirror image.
    n = shape[dims[-1]]
    once = F.fft_weigh(g, dim=dims[-1], n=n, factor=0.5)
    return (F.fft_c2r(once, n=n, dims=dims, norm=_across(norm)),)


@_c2r.forward
def fft_c2r_forward(
    xp: Any, x: Any, *, n: int, dims: tuple[int, ...], norm: str
) -> Any:
    sizes = (*(x.shape[d] for d in dims[:-1]), n)
    return xp.fft.irfftn(x, s=sizes, axes=dims, norm=norm)


@_c2r.vjp
def fft_c2r_vjp(
    F: Any, g: Any, *, need: Any, n: int, dims: tuple[int, ...], norm: str
) -> Any:
    half = F.fft_r2c(g, dims=dims, norm=_across(norm))
    return (F.fft_weigh(half, dim=dims[-1], n=n, factor=2),)


@_weigh.forward
def fft_weigh_forward(xp: Any, x: Any, *, dim: int, n: int, factor: float) -> Any:
    result = x.copy()
    # All but the constant and, of an even number, the highest frequency.
    xp.moveaxis(result, dim, 0)[1 : (n + 1) // 2] *= factor
    return result


@_weigh.vjp
def fft_weigh_vjp(F: Any, g: Any, *, need: Any, dim: int, n: int, factor: float) -> Any:
    return (F.fft_weigh(g, dim=dim, n=n, factor=factor),)


moved(_c2c, _r2c, _c2r, dims=shifted)
moved(_weigh, dim=shifted)


# ---- arguments


def axes(
    name: str, input: Tensor, s: Dims, dim: Dims
) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """The dimensions to transform and their sizes, -1 for the input's own.

    Raises:
        RuntimeError: a dimension is named twice, or ``s`` and ``dim`` do not fit.
        IndexError: a dimension is out of range.
    """
    shape = input._data.shape
    if s is None and dim.__class__ is int and shape:
        return (normalize_dim(dim, len(shape)),), (-1,)
    sizes = None if s is None else (s,) if isinstance(s, int) else tuple(s)
    if dim is None:
        if sizes is not None and len(sizes) > len(shape):
            raise ShapeError(
                f"{name}: s has {len(sizes)} sizes, but input has only {len(shape)} "
                "dimensions"
            )
        count = len(shape) if sizes is None else len(sizes)
        dims = tuple(range(len(shape) - count, len(shape)))
    else:
        named = (dim,) if isinstance(dim, int) else dim
        if len(named) and not shape:
            raise DimensionError(
                f"{name}: input has no dimension {named[0]}: it is 0-d"
            )
        dims = tuple(normalize_dim(d, len(shape)) for d in named)
    if len(set(dims)) != len(dims):
        raise ShapeError(f"{name}: dim must name each dimension once, got {dim}")
    if sizes is None:
        return dims, (-1,) * len(dims)
    if isinstance(s, int) and s < 1:
        # Only a sequence of sizes may have -1 for the input's own.
        raise ShapeError(f"{name}: needs at least 1 data point, got {s}")
    if len(sizes) != len(dims):
        raise ShapeError(
            f"{name}: s and dim must have the same length, got {sizes} and {dims}"
        )
    return dims, sizes


def resized(
    name: str, input: Tensor, dims: tuple[int, ...], sizes: tuple[int, ...]
) -> Tensor:
    """``input`` cut off or filled up with zeros at the end of the dimensions.

    Raises:
        RuntimeError: a size is less than 1.
    """
    shape = input._data.shape
    for d, size in zip(dims, sizes, strict=True):
        if shape[d] < 1 or size not in (-1, shape[d]):
            break
    else:
        return input
    pads = [(0, 0)] * len(shape)
    for d, size in zip(dims, sizes, strict=True):
        old = shape[d]
        size = old if size == -1 else size
        if size < 1:
            raise ShapeError(f"{name}: needs at least 1 data point, got {size}")
        pads[d] = (0, size - old)
    if not any(more for _, more in pads):
        return input
    return constant_pad_nd(input, [n for pad in reversed(pads) for n in pad])


def _scaling(name: str, norm: str | None) -> str:
    if norm not in (None, "forward", "backward", "ortho"):
        raise ShapeError(
            f"{name}: norm must be 'forward', 'backward' or 'ortho', got {norm!r}"
        )
    return norm or "backward"


def _checked(name: str, input: Tensor) -> Tensor:
    """``input``, floating or complex."""
    if input._data.dtype.kind == "f" and input._data.dtype.itemsize > 2:
        return input
    if input._data.dtype.itemsize == 2 and input.is_floating_point():
        raise DTypeError(
            f"{name} is not implemented for {input.dtype}; convert it with .float()"
        )
    return input if input.dtype.category > 1 else cast(input, get_default_dtype())


def _complex(name: str, input: Tensor) -> Tensor:
    if input._data.dtype.kind == "c":
        return input
    input = _checked(name, input)
    return cast(input, input.dtype.to_complex())


# ---- what the functions share


def transformed(
    name: str, input: Tensor, s: Dims, dim: Dims, norm: str | None, inverse: bool
) -> Tensor:
    """A transform from complex numbers to complex numbers."""
    scaling = _scaling(name, norm)
    dims, sizes = axes(name, input, s, dim)
    x = resized(name, _complex(name, input), dims, sizes)
    if not dims:
        return clone(x) if x is input else x
    return _c2c.call(x, dims=dims, inverse=inverse, norm=scaling)


def to_half(
    name: str, input: Tensor, s: Dims, dim: Dims, norm: str | None, across: bool = False
) -> Tensor:
    """A transform from real numbers to half of their spectrum.

    ``across`` scales as the opposite direction does.

    Raises:
        RuntimeError: the input is complex, or no dimension is named.
    """
    if input._data.dtype.kind == "c":
        raise DTypeError(f"{name}: input must be real, got {input.dtype}")
    scaling = _scaling(name, norm)
    dims, sizes = axes(name, input, s, dim)
    if not dims:
        raise ShapeError(f"{name}: must transform at least one dimension")
    x = resized(name, _checked(name, input), dims, sizes)
    return _r2c.call(x, dims=dims, norm=_across(scaling) if across else scaling)


def from_half(
    name: str, input: Tensor, s: Dims, dim: Dims, norm: str | None, across: bool = False
) -> Tensor:
    """A transform from half of a spectrum to the real numbers that have it.

    ``across`` scales as the opposite direction does.

    Raises:
        RuntimeError: no dimension is named.
    """
    scaling = _scaling(name, norm)
    dims, sizes = axes(name, input, s, dim)
    if not dims:
        raise ShapeError(f"{name}: must transform at least one dimension")
    n = sizes[-1] if sizes[-1] != -1 else 2 * (input._data.shape[dims[-1]] - 1)
    if n < 1:
        raise ShapeError(f"{name}: needs at least 1 data point, got {n}")
    halves = (*sizes[:-1], n // 2 + 1)
    x = resized(name, _complex(name, input), dims, halves)
    return _c2r.call(x, n=n, dims=dims, norm=_across(scaling) if across else scaling)

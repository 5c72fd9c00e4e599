"""Changing a tensor's dtype, device or memory, and storing values in it."""

from __future__ import annotations

from typing import Any

import numpy as np

from lampas.backend.device import Device, from_host, to_host
from lampas.dtypes import (
    NAMESPACE,
    DType,
    as_dtype,
    bfloat16,
    bool_,
    complex64,
    complex128,
    float16,
    float32,
    float64,
    int8,
    int16,
    int32,
    int64,
    uint8,
)
from lampas.engine.batching import moved
from lampas.engine.callpath import CAST
from lampas.engine.infer import Spec, like_input
from lampas.engine.inplace import assign, fill, has_history, overwrite
from lampas.engine.modes import mode
from lampas.engine.record import LINEAR, RECORDS, op
from lampas.engine.tensor import Tensor, method, wrap
from lampas.errors import ArgumentTypeError, ShapeError

__all__ = ["clone"]


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
    if dtype.category < 2 and input._node is not None:
        # Integers have no gradient, so none passes through them.
        input = input.detach()
    return _cast.call(input, dtype=dtype.numpy)


_INT64 = np.dtype(np.int64)


def widened(input: Tensor, dtype: DType | None) -> Tensor:
    """``input`` cast to ``dtype``; by default bool and integers to int64."""
    if dtype is not None:
        return cast(input, as_dtype(dtype))
    own = input._data.dtype
    if own.kind in "biu" and own is not _INT64:
        return cast(input, as_dtype(_INT64))
    return input


CAST.append(_cast.call)


_clone = op("clone", kind=LINEAR, widen=False, infer=like_input)


@_clone.forward
def clone_forward(xp: Any, x: Any, *, order: str = "K") -> Any:
    if order == "K" and 0 in x.strides:
        # What repeats its elements has no order of its own to keep.
        steps = [step for step in x.strides if step]
        order = "C" if steps == sorted(steps, reverse=True) else "K"
    return x.copy(order=order)


@_clone.vjp
def clone_vjp(F: Any, g: Any, *, need: Any, **order: Any) -> Any:
    return (g,)


@method()
def clone(input: Tensor, *, memory_format: Any = None) -> Tensor:
    """A copy with memory of its own; gradients pass through.

    Args:
        input: any shape.
        memory_format: ``lampas.contiguous_format`` lays the copy out in row-major
            order; the input's order is kept by default.

    >>> lampas.clone(lampas.tensor([1.0, 2.0]))
    tensor([1., 2.])
    """
    if memory_format == "lampas.contiguous_format":
        return _clone.call(input, order="C")
    return _clone.call(input)


@method()
def contiguous(self: Tensor, memory_format: Any = None) -> Tensor:
    """The tensor itself if its memory is in row-major order, else such a copy."""
    return self if self._data.flags.c_contiguous else _clone.call(self, order="C")


_move = op("move", kind=LINEAR, widen=False, infer=like_input)
"""Copy from one device to another; the gradient comes back the same way."""


@_move.forward
def move_forward(xp: Any, x: Any, *, device: Device, source: Device) -> Any:
    return from_host(to_host(x), device)


@_move.vjp
def move_vjp(F: Any, g: Any, *, need: Any, device: Device, source: Device) -> Any:
    return (F.move(g, device=source, source=device),)


moved(_cast, _clone, _move)


def move(input: Tensor, device: Device) -> Tensor:
    """``input`` on ``device``; itself if it is there."""
    source = input.device
    if device.index is None and device.type != "cpu":
        device = Device(device.type, 0)
    if device == source:
        return input
    return _move.call(input, device=device, source=source)


def _target(args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[Any, Any, bool]:
    """``(dtype, device, copy)`` of any of the forms in which ``to`` is called."""
    dtype, device = kwargs.pop("dtype", None), kwargs.pop("device", None)
    copy = kwargs.pop("copy", False)
    other = kwargs.pop("other", None)
    kwargs.pop("non_blocking", None)
    kwargs.pop("memory_format", None)
    if kwargs:
        raise ArgumentTypeError(f"to: unknown argument {next(iter(kwargs))!r}")
    flags = []
    for arg in args if other is None else (other, *args):
        if isinstance(arg, Tensor):
            dtype, device = arg.dtype, arg.device
        elif isinstance(arg, bool):
            flags.append(arg)
        elif isinstance(arg, (str, Device, int)):
            device = arg
        elif arg is not None:
            dtype = arg
    copy = copy or (len(flags) > 1 and flags[1])
    return (
        None if dtype is None else as_dtype(dtype),
        None if device is None else Device(device),
        copy,
    )


@method()
def to(self: Tensor, *args: Any, **kwargs: Any) -> Tensor:
    """The tensor with another dtype, on another device, or as another tensor is.

    ``to(dtype)``, ``to(device)``, ``to(device, dtype)``, ``to(other)``, each with
    ``copy=False``; ``non_blocking`` and ``memory_format`` are accepted. Itself is
    returned if nothing is to be done.

    Raises:
        RuntimeError: the device is not there.

    >>> lampas.tensor([1.7]).to(lampas.int64)
    tensor([1])
    """
    dtype, device, copy = _target(args, kwargs)
    result = self if device is None else move(self, device)
    result = cast(result, dtype)
    return clone(result) if copy and result is self else result


@method()
def cpu(self: Tensor) -> Tensor:
    """The tensor in host memory; itself if it is there."""
    return move(self, Device("cpu"))


@method()
def cuda(
    self: Tensor, device: Device | str | int | None = None, non_blocking: bool = False
) -> Tensor:
    """The tensor on a CUDA card, by default the first.

    Raises:
        RuntimeError: there is no such card.
    """
    return move(self, Device("cuda" if device is None else device))


@method("type")
def _type(
    self: Tensor, dtype: DType | str | None = None, non_blocking: bool = False
) -> Any:
    """The name of the tensor's type, or the tensor cast to ``dtype``."""
    if dtype is None:
        return f"{NAMESPACE[0]}.{_TYPE_NAMES[self.dtype]}"
    if isinstance(dtype, str):
        name = dtype.rpartition(".")[2]
        found = [d for d, known in _TYPE_NAMES.items() if known == name]
        if not found:
            raise ArgumentTypeError(f"type: unknown tensor type {dtype!r}")
        dtype = found[0]
    return cast(self, as_dtype(dtype))


_TYPE_NAMES = {
    bool_: "BoolTensor",
    uint8: "ByteTensor",
    int8: "CharTensor",
    int16: "ShortTensor",
    int32: "IntTensor",
    int64: "LongTensor",
    float16: "HalfTensor",
    bfloat16: "BFloat16Tensor",
    float32: "FloatTensor",
    float64: "DoubleTensor",
    complex64: "ComplexFloatTensor",
    complex128: "ComplexDoubleTensor",
}


def _converter(name: str, dtype: DType) -> None:
    def convert(self: Tensor, memory_format: Any = None) -> Tensor:
        return cast(self, dtype)

    convert.__name__ = convert.__qualname__ = name
    convert.__doc__ = f"The tensor cast to ``{dtype}``; itself if it has this dtype."
    method(name)(convert)


for _name, _dtype in {
    "bool": bool_,
    "byte": uint8,
    "char": int8,
    "short": int16,
    "int": int32,
    "long": int64,
    "half": float16,
    "bfloat16": bfloat16,
    "float": float32,
    "double": float64,
    "cfloat": complex64,
    "cdouble": complex128,
}.items():
    _converter(_name, _dtype)


@method()
def type_as(self: Tensor, other: Tensor) -> Tensor:
    """The tensor cast to the dtype of another."""
    return cast(self, other.dtype)


# ---- storing values


def _copied(before: Tensor, src: Tensor) -> Tensor:
    # Always a new node: sharing src's own would make the target its twin.
    moved = _cast.call(move(src, before.device), dtype=before._data.dtype)
    if moved._data.shape == before._data.shape:
        return moved
    return RECORDS["expand"].call(moved, shape=before._data.shape)


_copied.__name__ = "copy"


@method("copy_")
def _copy(self: Tensor, src: Any, non_blocking: bool = False) -> Tensor:
    """Store the values of ``src``, cast, moved and broadcast to this tensor.

    Gradients of this tensor then go to ``src``.

    Raises:
        RuntimeError: the shapes do not fit.
    """
    if not isinstance(src, Tensor):
        src = wrap(np.asarray(src))
    data, values = self._data, src._data
    if data.shape != values.shape:
        _check_broadcast(values.shape, data.shape)
    # Without history there is nothing to record, nor to keep.
    plain = data.dtype is values.dtype and type(data) is type(values)
    plain = plain and not mode.levels
    if plain and (src._node is None or not mode.grad) and not has_history(self):
        overwrite(self, values, "copy")
        return self
    return assign(self, _copied, (src,), {})


def _check_broadcast(shape: tuple[int, ...], wanted: tuple[int, ...]) -> None:
    extra = len(wanted) - len(shape)
    if extra < 0 or any(
        s not in (1, w) for s, w in zip(shape, wanted[extra:], strict=True)
    ):
        raise ShapeError(
            f"copy_: src of shape {tuple(shape)} can't be broadcast to {tuple(wanted)}"
        )


def _filled(before: Tensor, value: Any) -> Tensor:
    if isinstance(value, Tensor):
        return _copied(before, value)
    return RECORDS["filled_like"].call(before, value=value)


_filled.__name__ = "fill"


@method("fill_")
def _fill(self: Tensor, value: Any) -> Tensor:
    """Store one value everywhere.

    Args:
        value: a number or a 0-d tensor.

    Raises:
        RuntimeError: ``value`` is a tensor with dimensions.
    """
    if isinstance(value, Tensor) and value._data.ndim:
        raise ShapeError(
            f"fill_: value must be 0-d, got a tensor of shape {tuple(value.shape)}"
        )
    if isinstance(value, Tensor) or not fill(self, value):
        return assign(self, _filled, (value,), {})
    return self


@method("zero_")
def _zero(self: Tensor) -> Tensor:
    """Store zeros everywhere."""
    return _fill(self, 0)

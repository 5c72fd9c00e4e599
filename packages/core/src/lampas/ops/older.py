"""Names that PyTorch keeps for older programs; newer ones do the same."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from lampas.backend.device import Device, from_host, to_host
from lampas.dtypes import DType, as_dtype, get_default_dtype
from lampas.engine.creation import creates
from lampas.engine.inplace import overwrite
from lampas.engine.tensor import Tensor, method
from lampas.errors import ArgumentTypeError, GradientError, ShapeError
from lampas.ops.bilinear import channel_shuffle
from lampas.ops.create import placed
from lampas.ops.split import chunk, split, split_with_sizes

__all__ = [
    "native_channel_shuffle",
    "range",
    "typename",
    "unsafe_chunk",
    "unsafe_split",
    "unsafe_split_with_sizes",
]


@creates
def range(
    start: float,
    end: float,
    step: float = 1,
    *,
    dtype: DType | None = None,
    layout: Any = None,
    device: Device | str | None = None,
    requires_grad: bool = False,
) -> Tensor:
    """Numbers from ``start`` to ``end``, the end included; see :func:`lampas.arange`.

    Args:
        start, end, step: the first number, the last, and the distance.
        dtype: the default floating type unless given.
        device, requires_grad: as for :func:`lampas.tensor`.
        layout: accepted and without effect.

    Raises:
        RuntimeError: ``step`` is 0 or leads away from ``end``.

    >>> import warnings
    >>> with warnings.catch_warnings(action="ignore"):
    ...     lampas.range(1, 3)
    tensor([1., 2., 3.])
    """
    warnings.warn(
        "lampas.range includes its end, unlike Python's; use lampas.arange",
        UserWarning,
        stacklevel=3,
    )
    if step == 0:
        raise ShapeError("range: step must not be 0")
    if (end - start) * step < 0:
        raise ShapeError(
            f"range: step {step} leads away from end: start {start}, end {end}"
        )
    kind = as_dtype(get_default_dtype() if dtype is None else dtype)
    count = int(np.floor((end - start) / step)) + 1
    steps = np.arange(count, dtype=np.float64)
    return placed((start + step * steps).astype(kind.numpy), device, requires_grad)


def typename(obj: Any, /) -> str:
    """The name of a tensor's type, or that of any object with its module.

    >>> lampas.typename(lampas.ones(2)), lampas.typename(1)
    ('lampas.FloatTensor', 'int')
    """
    if isinstance(obj, Tensor):
        return obj.type()
    own = obj if getattr(obj, "__qualname__", "") else type(obj)
    module = getattr(own, "__module__", None)
    hidden = module in (None, "builtins", "__builtin__")
    return own.__qualname__ if hidden else f"{module}.{own.__qualname__}"


@method()
def unsafe_chunk(input: Tensor, chunks: int, dim: int = 0) -> tuple[Tensor, ...]:
    """The same as :func:`lampas.chunk`.

    >>> lampas.unsafe_chunk(lampas.arange(3), 2)
    (tensor([0, 1]), tensor([2]))
    """
    return chunk(input, chunks, dim)


@method()
def unsafe_split(input: Tensor, split_size: int, dim: int = 0) -> tuple[Tensor, ...]:
    """The same as :func:`lampas.split` with one size.

    Raises:
        TypeError: ``split_size`` is no integer.

    >>> lampas.unsafe_split(lampas.arange(3), 2)
    (tensor([0, 1]), tensor([2]))
    """
    if not isinstance(split_size, int):
        raise ArgumentTypeError(f"split_size must be an int, got {split_size!r}")
    return split(input, split_size, dim)


@method()
def unsafe_split_with_sizes(
    input: Tensor, split_sizes: Sequence[int], dim: int = 0
) -> tuple[Tensor, ...]:
    """The same as :func:`lampas.split_with_sizes`.

    >>> lampas.unsafe_split_with_sizes(lampas.arange(3), [2, 1])
    (tensor([0, 1]), tensor([2]))
    """
    return split_with_sizes(input, split_sizes, dim)


def native_channel_shuffle(input: Tensor, groups: int) -> Tensor:
    """The same as :func:`lampas.channel_shuffle`.

    >>> x = lampas.arange(4.0).reshape(1, 4, 1)
    >>> lampas.native_channel_shuffle(x, 2).flatten()
    tensor([0., 2., 1., 3.])
    """
    return channel_shuffle(input, groups)


# ---- one element after the other, by a function of Python numbers


def _refuse_gradient(self: Tensor, name: str) -> None:
    if self.requires_grad:
        raise GradientError(
            f"{name} can't be called on a tensor that requires grad; detach() it first"
        )


def _stored(self: Tensor, values: list[Any], name: str) -> Tensor:
    data = self._data
    array = np.array(values).astype(data.dtype).reshape(data.shape)
    overwrite(self, from_host(array, self.device), name)
    return self


@method()
def apply_(self: Tensor, callable: Callable[[Any], Any]) -> Tensor:
    """Put ``callable(element)`` in the place of each element; slow.

    Args:
        callable: takes and returns a Python number.

    Raises:
        RuntimeError: the tensor requires a gradient.
    """
    _refuse_gradient(self, "apply_")
    flat = to_host(self._data).ravel().tolist()
    return _stored(self, [callable(v) for v in flat], "apply_")


@method()
def map_(self: Tensor, tensor: Tensor, callable: Callable[[Any, Any], Any]) -> Tensor:
    """Put ``callable(own, other)`` in the place of each element; slow.

    Args:
        tensor: of this one's dtype, broadcast to its shape.
        callable: takes two Python numbers and returns one.

    Raises:
        RuntimeError: a tensor requires a gradient, or the shapes do not fit.
        TypeError: the dtypes differ.
    """
    _refuse_gradient(self, "map_")
    _refuse_gradient(tensor, "map_")
    if tensor.dtype is not self.dtype:
        raise ArgumentTypeError(
            f"map_: tensor must have dtype {self.dtype}, got {tensor.dtype}"
        )
    own, other = to_host(self._data), to_host(tensor._data)
    try:
        other = np.broadcast_to(other, own.shape)
    except ValueError:
        raise ShapeError(
            f"map_: tensor of shape {tuple(tensor.shape)} can't be broadcast to "
            f"{tuple(self.shape)}"
        ) from None
    pairs = zip(own.ravel().tolist(), other.ravel().tolist(), strict=True)
    return _stored(self, [callable(a, b) for a, b in pairs], "map_")

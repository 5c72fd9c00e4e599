"""Memory seen through any sizes and strides."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from lampas.engine.infer import Spec, given_shape
from lampas.engine.inplace import become
from lampas.engine.record import LINEAR, SHAPE, op
from lampas.engine.tensor import Tensor, method
from lampas.errors import ArgumentTypeError, ShapeError
from lampas.ops.create import zeros
from lampas.ops.index import add_at

__all__ = ["as_strided", "as_strided_scatter"]

Ints = tuple[int, ...]


def _seen(specs: Any, *, size: Ints, **params: Any) -> Spec:
    return Spec(size, specs[0].dtype)


# Positions count elements from the input's first one; ``source`` holds the strides
# that the input had when the op was called: the layout to which positions refer.
_as_strided = op("as_strided", kind=SHAPE, saves="x.shape", view=True, infer=_seen)
_put_strided = op("put_strided", kind=LINEAR, fresh=True, infer=given_shape)
"""Add elements where ``as_strided`` saw them: its transpose."""


def _positions(size: Ints, stride: Ints, offset: int = 0) -> np.ndarray:
    """Where in memory each element of such sizes and strides lies."""
    result = np.asarray(offset)
    for length, step in zip(size, stride, strict=True):
        result = result[..., None] + np.arange(length) * step
    return result


def _layout(x: Any) -> Ints:
    """Strides in elements, 0 for dimensions along which nothing is ever moved."""
    pairs = zip(x.shape, x.strides, strict=True)
    return tuple(s // x.itemsize if n > 1 else 0 for n, s in pairs)


def _shares(at: np.ndarray) -> np.ndarray:
    """How many elements lie where each one does, 1 nearly always."""
    return np.bincount(at.reshape(-1))[at] if at.size else at


def _divided(xp: Any, x: Any, shares: np.ndarray) -> Any:
    """Elements in one place as parts of one."""
    return x / xp.asarray(shares, x.dtype) if (shares > 1).any() else x


def _moved(xp: Any, x: Any, at: np.ndarray, wanted: np.ndarray) -> Any:
    """Put elements into memory at some positions and read it at others.

    What lies nowhere reads as zero; elements in one place add up.
    """
    low = min((a.min() for a in (at, wanted) if a.size), default=0)
    high = max((a.max() for a in (at, wanted) if a.size), default=low - 1)
    memory = xp.zeros(int(high - low) + 1, x.dtype)
    places, read = xp.asarray(at - low), xp.asarray(wanted - low)
    return add_at(xp, memory, (places,), x)[read]


@_as_strided.forward
def as_strided_forward(
    xp: Any, x: Any, *, size: Ints, stride: Ints, offset: int, source: Ints
) -> Any:
    if 0 in size:
        return xp.empty(size, x.dtype)
    if _layout(x) != source:
        # Other memory than the one meant, as in gradients: the elements are put there.
        at, wanted = _positions(x.shape, source), _positions(size, stride, offset)
        return _moved(xp, _divided(xp, x, _shares(at)), at, wanted)
    see, back = xp.lib.stride_tricks.as_strided, offset < 0
    start = see(x, (abs(offset) + 1,), (x.itemsize * (-1 if back else 1),))
    start = start[abs(offset) :]
    view = see(start, size, tuple(s * x.itemsize for s in stride))
    if isinstance(view, np.ndarray) and _overlaps(size, stride):
        view.flags.writeable = False
    return view


def _overlaps(size: Ints, stride: Ints) -> bool:
    """Whether two elements lie in one place."""
    reach = 0
    for step, length in sorted(zip(stride, size, strict=True)):
        if length > 1 and step <= reach:
            return bool((_shares(_positions(size, stride)) > 1).any())
        reach += step * (length - 1)
    return False


@_as_strided.vjp
def as_strided_vjp(F: Any, g: Any, shape: Any, *, need: Any, **params: Any) -> Any:
    return (F.put_strided(g, shape=shape, **params),)


@_put_strided.forward
def put_strided_forward(
    xp: Any,
    x: Any,
    *,
    shape: Ints,
    size: Ints,
    stride: Ints,
    offset: int,
    source: Ints,
) -> Any:
    at = _positions(shape, source)
    result = _moved(xp, x, _positions(size, stride, offset), at)
    return _divided(xp, result, _shares(at))


@_put_strided.vjp
def put_strided_vjp(F: Any, g: Any, *, need: Any, shape: Any, **params: Any) -> Any:
    return (F.as_strided(g, **params),)


def _checked(name: str, input: Tensor, size: Any, stride: Any, offset: Any) -> int:
    """The offset, counted from the start of the memory, of sizes that fit into it."""
    for what, values in (("size", size), ("stride", stride)):
        if not isinstance(values, (tuple, list)):
            raise ArgumentTypeError(
                f"{name}: {what} must be a tuple of ints, got {values!r}"
            )
    if len(size) != len(stride):
        raise ShapeError(f"{name}: size {size} and stride {stride} differ in length")
    first = input.storage_offset() if offset is None else offset
    if min(*size, *stride, first, 0, 0) < 0:
        raise ShapeError(
            f"{name}: size {tuple(size)}, stride {tuple(stride)} and storage_offset "
            f"{first} must not be negative"
        )
    last = first + sum((n - 1) * s for n, s in zip(size, stride, strict=True))
    if 0 not in size and last >= _held(input):
        raise ShapeError(
            f"{name}: size {tuple(size)}, stride {tuple(stride)} and storage_offset "
            f"{first} reach element {last}, which is out of bounds for a memory of "
            f"{_held(input)} elements"
        )
    return first


def _held(input: Tensor) -> int:
    """How many elements the tensor's memory holds, those of its base too."""
    data = input._data
    owner = data.base if type(data.base) is type(data) else data
    pairs = zip(owner.shape, owner.strides, strict=True)
    span = sum((n - 1) * abs(s) for n, s in pairs) + owner.itemsize
    return span // data.itemsize if owner.size else 0


@method()
def as_strided(
    input: Tensor,
    size: Sequence[int],
    stride: Sequence[int],
    storage_offset: int | None = None,
) -> Tensor:
    """A view of the memory: element ``i, j`` is the one at ``offset + i s0 + j s1``.

    Elements that appear several times gather the gradients of all. Such a view can't
    be written.

    Args:
        input: whose memory is seen; all of it, where ``input`` is itself a view.
        size: the sizes of the result.
        stride: steps in elements, one for each size, not negative.
        storage_offset: where in memory the first element lies; that of ``input`` by
            default.

    Raises:
        RuntimeError: negative or differently many sizes and strides, or the memory
            does not reach so far.

    >>> lampas.as_strided(lampas.arange(4), (2, 2), (1, 2))
    tensor([[0, 2],
            [1, 3]])
    """
    if any(s < 0 for s in input._data.strides):
        input = input.clone(memory_format="lampas.contiguous_format")  # type: ignore[attr-defined]
    first = _checked("as_strided", input, size, stride, storage_offset)
    return _as_strided.call(
        input,
        size=tuple(size),
        stride=tuple(stride),
        offset=first - input.storage_offset(),
        source=_layout(input._data),
    )


@method()
def as_strided_(
    self: Tensor,
    size: Sequence[int],
    stride: Sequence[int],
    storage_offset: int | None = None,
) -> Tensor:
    """Let this tensor see its memory as :func:`lampas.as_strided` does."""
    return become(self, as_strided(self, size, stride, storage_offset))


@method()
def as_strided_scatter(
    input: Tensor,
    src: Tensor,
    size: Sequence[int],
    stride: Sequence[int],
    storage_offset: int | None = None,
) -> Tensor:
    """A copy with ``src`` in place of ``as_strided(input, size, stride, offset)``.

    Args:
        input: whose memory is copied.
        src: of shape ``size``.
        size, stride, storage_offset: see :func:`as_strided`; no element may appear
            twice.

    Raises:
        RuntimeError: ``src`` has another shape, or the memory does not reach so far.

    >>> lampas.as_strided_scatter(lampas.zeros(4), lampas.ones(2), (2,), (2,))
    tensor([1., 0., 1., 0.])
    """
    first = _checked("as_strided_scatter", input, size, stride, storage_offset)
    if tuple(src._data.shape) != tuple(size):
        raise ShapeError(
            f"as_strided_scatter: src must have the shape {tuple(size)} of the part "
            f"it replaces, got {tuple(src.shape)}"
        )
    memory = zeros(_held(input), dtype=input.dtype, device=input.device)
    layout = input._data.shape, _layout(input._data), input.storage_offset()
    as_strided(memory, *layout).copy_(input)  # type: ignore[attr-defined]
    as_strided(memory, size, stride, first).copy_(src)  # type: ignore[attr-defined]
    return as_strided(memory, *layout)

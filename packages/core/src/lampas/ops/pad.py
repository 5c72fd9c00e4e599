"""Padding: constant, reflected, repeated or wrapped around."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import Any

import numpy as np

from lampas.engine.autocast import computes_in
from lampas.engine.batching import moved
from lampas.engine.infer import Spec
from lampas.engine.record import LINEAR, op
from lampas.engine.tensor import Tensor
from lampas.errors import ArgumentError, ArgumentTypeError, DTypeError, ShapeError

__all__ = ["constant_pad_nd", "pad"]

Pads = tuple[tuple[int, int], ...]


def _padded_shape(specs: Any, *, pads: Pads, **params: Any) -> Spec:
    shape, dtype = specs[0]
    sizes = tuple(s + lo + hi for s, (lo, hi) in zip(shape, pads, strict=True))
    return Spec(sizes, dtype)


# ---- a constant around; negative sizes cut off

_pad = op("constant_pad", fresh=True, widen=False, infer=_padded_shape)


def _crop(shape: tuple[int, ...], pads: Pads) -> tuple[slice, ...]:
    """What is left of an array where pads are negative."""
    return tuple(
        slice(max(-lo, 0), size - max(-hi, 0))
        for size, (lo, hi) in zip(shape, pads, strict=True)
    )


@_pad.forward
def constant_pad_forward(xp: Any, x: Any, *, pads: Pads, value: Any) -> Any:
    shape = tuple(s + lo + hi for s, (lo, hi) in zip(x.shape, pads, strict=True))
    result = xp.full(shape, value, x.dtype) if value else xp.zeros(shape, x.dtype)
    inside = _crop(shape, tuple((-lo, -hi) for lo, hi in pads))
    result[inside] = x[_crop(x.shape, pads)]
    return result


@_pad.vjp
def constant_pad_vjp(F: Any, g: Any, *, need: Any, pads: Pads, value: Any) -> Any:
    back = tuple((-lo, -hi) for lo, hi in pads)
    return (F.constant_pad(g, pads=back, value=0),)


def _padded_batch(size: int, pads: Pads) -> Pads:
    return ((0, 0), *pads)


moved(_pad, pads=_padded_batch)


# ---- copies of elements around: each dimension is made of runs of the input's

Runs = tuple[range, ...]
"""Which element stands where: neighbours that go up by one, or down by one."""

_pick = op(
    "pick_pad",
    kind=LINEAR,
    saves="x.shape",
    fresh=True,
    widen=False,
    infer=lambda specs, runs: Spec(tuple(map(_length, runs)), specs[0].dtype),
)
_unpick = op(
    "unpick_pad",
    kind=LINEAR,
    fresh=True,
    infer=lambda specs, runs, shape: Spec(tuple(shape), specs[0].dtype),
)


def _length(runs: Runs) -> int:
    return sum(map(len, runs))


def _joined(axis: int, runs: Runs) -> list[tuple[Any, Any]]:
    """For each run, where it stands in the result and where in the input."""
    lead, pairs, start = (slice(None),) * axis, [], 0
    for run in runs:
        stop = run.stop if run.stop >= 0 else None
        there = slice(run.start, stop, run.step)
        pairs.append(((*lead, slice(start, start + len(run))), (*lead, there)))
        start += len(run)
    return pairs


@_pick.forward
def pick_pad_forward(xp: Any, x: Any, *, runs: tuple[Runs, ...]) -> Any:
    for axis, own in enumerate(runs):
        if own == (range(x.shape[axis]),):
            continue
        shape = (*x.shape[:axis], _length(own), *x.shape[axis + 1 :])
        result = xp.empty(shape, x.dtype)
        for here, there in _joined(axis, own):
            result[here] = x[there]
        x = result
    return x


@_pick.vjp
def pick_pad_vjp(F: Any, g: Any, shape: Any, *, need: Any, runs: Any) -> Any:
    return (F.unpick_pad(g, runs=runs, shape=shape),)


@_unpick.forward
def unpick_pad_forward(xp: Any, g: Any, *, runs: tuple[Runs, ...], shape: Any) -> Any:
    for axis, own in enumerate(runs):
        if own == (range(shape[axis]),):
            continue
        result = xp.zeros((*g.shape[:axis], shape[axis], *g.shape[axis + 1 :]), g.dtype)
        for here, there in _joined(axis, own):
            result[there] += g[here]
        g = result
    return g


@_unpick.vjp
def unpick_pad_vjp(F: Any, h: Any, *, need: Any, runs: Any, shape: Any) -> Any:
    return (F.pick_pad(h, runs=runs),)


def _runs(index: np.ndarray) -> Runs:
    """An index as runs."""
    moves = np.diff(index)
    # Where a move is another than the one before: a run may end there.
    turns = [*(np.flatnonzero(np.diff(moves)) + 1).tolist(), len(moves)]
    found, start, turn = [], 0, 0
    while start < len(index):
        step = int(moves[start]) if start < len(moves) else 0
        while turns[turn] <= start < len(moves):
            turn += 1
        length = turns[turn] - start + 1 if abs(step) == 1 else 1
        first, step = int(index[start]), step if length > 1 else 1
        found.append(range(first, first + length * step, step))
        start += length
    return tuple(found)


def _index(size: int, lo: int, hi: int, mode: str) -> np.ndarray:
    """Which element stands where, along one dimension."""
    if mode == "circular":
        # What negative sizes leave is what is repeated.
        kept = np.arange(max(-lo, 0), size - max(-hi, 0))
        places = np.arange(-max(lo, 0), len(kept) + max(hi, 0))
        return kept[places % len(kept)]
    places = np.arange(-lo, size + hi)
    if mode == "replicate":
        return np.clip(places, 0, size - 1)
    places = np.abs(places)
    return np.where(places >= size, 2 * (size - 1) - places, places)


@functools.lru_cache(maxsize=256)
def _runs_of(size: int, lo: int, hi: int, mode: str) -> Runs:
    return (range(size),) if lo == hi == 0 else _runs(_index(size, lo, hi, mode))


# ---- the function


def _pairs(input: Tensor, pad: Sequence[int]) -> Pads:
    ndim = input._data.ndim
    if not isinstance(pad, (tuple, list)):
        raise ArgumentTypeError(f"pad must be a tuple of ints, got {pad!r}")
    sizes = [p.__index__() for p in pad]
    if len(sizes) % 2:
        raise ShapeError(f"pad: padding length must be divisible by 2, got {pad}")
    if len(sizes) > 2 * ndim:
        raise ShapeError(
            f"pad: padding {tuple(pad)} is for {len(sizes) // 2} dimensions, the input "
            f"has {ndim}"
        )
    pairs = [(sizes[i], sizes[i + 1]) for i in range(0, len(sizes), 2)]
    return ((0, 0),) * (ndim - len(pairs)) + tuple(reversed(pairs))


def _check_size(size: int, lo: int, hi: int, mode: str) -> None:
    if lo == hi == 0:
        return
    limit = {"reflect": size - 1, "circular": size, "replicate": None}[mode]
    if limit is not None and max(lo, hi) > limit:
        raise ShapeError(
            f"pad: mode {mode!r} can pad a dimension of size {size} by at most "
            f"{limit}, got {(lo, hi)}"
        )
    if size == 0 and (lo > 0 or hi > 0):
        raise ShapeError(f"pad: mode {mode!r} needs elements to copy, got size 0")


def pad(
    input: Tensor,
    pad: Sequence[int],
    mode: str = "constant",
    value: float | None = None,
) -> Tensor:
    """Enlarge the last dimensions on both sides; negative sizes cut off.

    Args:
        input: any shape.
        pad: sizes before and behind, the last dimension first.
        mode: ``"constant"``, ``"reflect"``, ``"replicate"`` or ``"circular"``; the
            last three for the last one to three dimensions of 2 to 5.
        value: of the constant; 0 by default.

    Raises:
        RuntimeError: sizes that the input does not allow.
        ValueError: an unknown mode, or a value for a mode that takes none.

    >>> lampas.nn.functional.pad(lampas.tensor([1.0, 2.0]), (1, 2))
    tensor([0., 1., 2., 0., 0.])
    """
    pads = _pairs(input, pad)
    shape = input._data.shape
    after = [s + lo + hi for s, (lo, hi) in zip(shape, pads, strict=True)]
    if any(size < 0 for size in after) or any(
        s > 0 and a == 0 and mode != "constant"
        for s, a in zip(shape, after, strict=True)
    ):
        raise ShapeError(f"pad: padding {tuple(pad)} cuts more than {tuple(shape)} has")
    if mode == "constant":
        if input._data.dtype.kind == "b" and value not in (None, 0, 1, 0.0, 1.0):
            raise DTypeError(f"pad: value {value} is not a bool")
        return _pad.call(input, pads=pads, value=0 if value is None else value)
    if mode not in ("reflect", "replicate", "circular"):
        raise ArgumentError(f"unrecognised padding mode {mode!r}")
    if value not in (None, 0):
        raise ArgumentError(f'padding mode "{mode}" doesn\'t take in value argument')
    count = len(pad) // 2
    ndim = len(shape)
    if ndim not in (count + 1, count + 2) or count > 3:
        raise ShapeError(
            f"pad: mode {mode!r} pads the last {count} of {count + 1} or {count + 2} "
            f"dimensions, got input of shape {tuple(shape)}"
        )
    for size, (lo, hi) in zip(shape, pads, strict=True):
        _check_size(size, lo, hi, mode)
    if mode == "circular" or (mode == "reflect" and count == 3):
        return _repeated(input, pads, mode)
    return _repeated_in_float(input, pads, mode)


def _repeated(input: Tensor, pads: Any, mode: str) -> Tensor:
    if not any(lo or hi for lo, hi in pads):
        return input * 1 if input._data.dtype.kind == "f" else input
    sizes = zip(input._data.shape, pads, strict=True)
    runs = tuple(_runs_of(size, lo, hi, mode) for size, (lo, hi) in sizes)
    return _pick.call(input, runs=runs)


# What PyTorch has on its list; the others take halves as they are.
_repeated_in_float = computes_in("float:cpu")(_repeated)


def constant_pad_nd(input: Tensor, pad: Sequence[int], value: float = 0) -> Tensor:
    """Surround the last dimensions with a constant; negative sizes cut off.

    Args:
        input: any shape.
        pad: sizes before and behind, the last dimension first.
        value: of the constant.

    Raises:
        RuntimeError: sizes that the input does not allow.

    >>> lampas.constant_pad_nd(lampas.tensor([1.0, 2.0]), (1, 0), 9.0)
    tensor([9., 1., 2.])
    """
    return _constant_padded(input, pad, "constant", value)


_constant_padded = pad

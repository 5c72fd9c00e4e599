"""How calls of native kernels are changed: in shape, layout and values."""

from __future__ import annotations

import contextlib
import dataclasses
import math
from collections.abc import Callable
from typing import Any

import numpy as np
from fuzz_calls import Call, arrays_in, changed, host_of

from lampas import kernels
from lampas.engine.record import BILINEAR, ELEMENTWISE, RECORDS

MOST = 1_200_000  # elements of an array
# Around the widths of vectors, of four of them, and of pieces of work.
SIZES = (0, 1, 2, 3, 4, 5, 7, 8, 9, 15, 16, 17, 31, 33, 64, 67, 129, 257, 1025, 33_000)
# Parameters that say sizes, which change as those of the operands do.
SIZED = ("shape", "count")
# Sizes that depend on each other, or numbers that are in order.
RIGID = {"conv", "conv_input", "conv_weight", "count_bins", "searched"}
# Each element of one array becomes as many as the other has along a dimension.
MANIFOLD = {"embedding": (-1, 0), "resample": (0, -1)}
# Scores are of vectors of moderate size.
NARROW = {"attention", "attention_backward"}
# Infinities meet each other in an order of their own: which give NaN is not defined.
TRANSFORMS = {"fft_c2c", "fft_c2r", "fft_r2c"}
# A point on an element may be on either side of it: a neighbour counts little or not.
POINTS = {"grid_sample", "grid_sample_input", "grid_sample_points"}
# What is not seen is not multiplied by 0: an infinity there is not found.
SELECTIVE = RIGID | NARROW | TRANSFORMS | POINTS | {"resample"}
SPECIAL = (0.0, -0.0, math.nan, math.inf, -math.inf, 1e-40, -1e-40, 1.0)
HUGE = (3e38, -3e38)  # their sums are infinite in one order and not in another


@dataclasses.dataclass(frozen=True)
class Variant:
    """How a call is changed.

    Attributes:
        sizes: new sizes for the distinct ones of the operands, smallest first; the last
            goes on; empty leaves the shapes alone.
        shapes: for elementwise ops: the shapes of the operands instead.
        layouts: names of ``LAYOUTS`` for the operands in turn.
        dtype: what float32 and float64 become.
        special: whether infinities, NaN and the like are strewn in.
        jitter: whether floats that are repeated to fill a size differ.
        threads: how many take part.
        seed: of the numbers drawn.
    """

    sizes: tuple[int, ...] = ()
    shapes: tuple[tuple[int, ...], ...] = ()
    layouts: tuple[str, ...] = ("plain",)
    dtype: str = "float32"
    special: bool = False
    jitter: bool = True
    threads: int = 1
    seed: int = 0


# ---- layouts: the same values, lying otherwise


def _plain(a: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    return a.copy()


def _columns(a: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    return np.asfortranarray(a)


def _permuted(a: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    order = rng.permutation(a.ndim)
    return a.transpose(order).copy().transpose(np.argsort(order))


def _in(a: np.ndarray, pieces: list[tuple[int, slice]]) -> np.ndarray:
    wide = np.full([size for size, _ in pieces], 77).astype(a.dtype)
    view = wide[(..., *[piece for _, piece in pieces])]
    view[...] = a
    return view


def _steps(a: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    steps = rng.integers(1, 4, a.ndim)
    return _in(
        a,
        [(n * s + 1, slice(1, n * s + 1, s)) for n, s in zip(a.shape, steps.tolist())],
    )


def _rows(a: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Columns side by side and gaps between rows, as a slice of columns has them."""
    last = max(a.ndim - 1, 0)
    return _in(
        a,
        [
            (n + 3, slice(2, n + 2)) if d == last else (n, slice(n))
            for d, n in enumerate(a.shape)
        ],
    )


def _back(a: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    axes = tuple(slice(None, None, int(s)) for s in rng.choice([-1, 1], a.ndim))
    return np.ascontiguousarray(a[axes])[axes].reshape(a.shape)


def _repeated(a: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    pick = tuple(slice(0, 1) if r else slice(None) for r in rng.integers(0, 2, a.ndim))
    return np.broadcast_to(a[pick].copy(), a.shape) if a.size else a.copy()


def _moved(a: np.ndarray, by: int) -> np.ndarray:
    space = np.zeros(a.nbytes + by, np.uint8)[by:]
    view = np.ndarray(a.shape, a.dtype, space.data)
    view[...] = a
    return view


LAYOUTS: dict[str, Callable[[np.ndarray, np.random.Generator], np.ndarray]] = {
    "plain": _plain,
    "columns": _columns,
    "permuted": _permuted,
    "steps": _steps,
    "rows": _rows,
    "back": _back,
    "repeated": _repeated,
    "one on": lambda a, rng: _moved(a, a.itemsize),
    "misaligned": lambda a, rng: _moved(a, 1),
}


# ---- variants


def distinct_sizes(call: Call) -> list[int]:
    """The sizes over one of the call's arrays, smallest first."""
    shapes = [a.shape for a in arrays_in((call.operands, call.params))]
    return sorted({n for shape in shapes for n in shape if n > 1})


def is_elementwise(name: str, call: Call) -> bool:
    """Whether the op takes operands of any shapes that broadcast."""
    return kind_of(name) == ELEMENTWISE and not arrays_in(call.params)


def kind_of(name: str) -> str:
    """The kind of an op; nothing for a function that is none."""
    return RECORDS[name].kind if name in RECORDS else ""


def _new_sizes(name: str, call: Call, sizes: tuple[int, ...]) -> dict[int, int]:
    known = distinct_sizes(call)
    if not sizes or not known or name in RIGID:
        return {}
    if name in NARROW:
        sizes = tuple(min(n, 129) for n in sizes)
    found = {n: sizes[min(i, len(sizes) - 1)] for i, n in enumerate(known)}
    every = arrays_in((call.operands, call.params))
    # Integers may be places in an array, which must not become smaller than they.
    if any(a.dtype.kind in "iu" for a in every):
        found = {n: max(n, m) for n, m in found.items()}
    return found


def _filled(
    a: np.ndarray, shape: tuple[int, ...], jitter: bool, rng: Any
) -> np.ndarray:
    if a.shape == shape:
        return a
    if a.size == 0:
        return np.zeros(shape, a.dtype)
    made = np.resize(a, shape)
    if jitter and a.dtype in (np.float32, np.float64):
        made = (made * rng.uniform(0.5, 1.5, shape)).astype(a.dtype)
    return made


def _resized(call: Call, new: dict[int, int], jitter: bool, rng: Any) -> Call:
    def resize(a: np.ndarray) -> np.ndarray:
        return _filled(a, tuple(new.get(n, n) for n in a.shape), jitter, rng)

    params = changed(resize, call.params)
    for key in SIZED:
        value = params.get(key)
        if isinstance(value, tuple):
            params[key] = tuple(new.get(n, n) for n in value)
        elif isinstance(value, int):
            params[key] = new.get(value, value)
    return Call(changed(resize, call.operands), params)


def _with_weights_that_sum_to_one(call: Call) -> Call:
    g, *given, _, _ = call.operands
    with (
        kernels.disabled(),
        contextlib.suppress(ValueError),
    ):  # of shapes: refused later
        return Call(
            (g, *given, *host_of("attention")(*given, **call.params)),
            call.params,
        )
    return call


def _with_distinct_places(call: Call, rng: Any) -> Call:
    """``unsort`` whose order names no place twice, as none of a sort does.

    Which of several entries stays depends on how the reference's arrays lie.
    """
    x, order = call.operands
    dim = call.params["dim"]
    lines, size = np.moveaxis(order, dim, -1), call.params["shape"][dim]
    every = np.broadcast_to(np.arange(size), (*lines.shape[:-1], size))
    some = rng.permuted(every, axis=-1)[..., : lines.shape[-1]]
    places = np.ascontiguousarray(np.moveaxis(some, -1, dim))
    return Call((x, places.astype(order.dtype)), call.params)


def _in_shapes(call: Call, variant: Variant, rng: Any) -> Call:
    shapes = iter(variant.shapes * len(call.operands))
    operands = tuple(
        _filled(a, next(shapes), variant.jitter, rng)
        if isinstance(a, np.ndarray)
        else a
        for a in call.operands
    )
    return Call(operands, call.params)


def _strewn(a: np.ndarray, special: tuple[float, ...], rng: Any) -> np.ndarray:
    # Zeros stand for what is not there, such as the mean of what is not centred.
    if a.dtype.kind != "f" or not a.any():
        return a
    made = a.copy()
    places = rng.integers(0, a.size, 1 + a.size // 9)
    with np.errstate(all="ignore"):
        made.reshape(-1)[places] = rng.choice(special, places.size).astype(a.dtype)
    return made


def _work(shapes: list[tuple[int, ...]], bilinear: bool) -> int:
    """The most elements that the arrays, or results of products of them, may have."""
    # Also those of nothing: a layout with gaps has room for it.
    largest = max(math.prod(max(n, 1) for n in shape) for shape in shapes)
    together = math.prod({n for shape in shapes for n in shape if n})
    # Arrays of one shape may be added, or multiplied as matrices.
    different = shapes if bilinear else set(shapes)
    apart = math.prod(max(shape, default=1) for shape in different)
    return max(largest, together, apart, _broadcast_size(shapes))


def _broadcast_size(shapes: list[tuple[int, ...]]) -> int:
    """The elements of a sum of the arrays; none where their shapes differ."""
    with contextlib.suppress(ValueError):
        return math.prod(np.broadcast_shapes(*shapes))
    return 0


def apply(name: str, call: Call, variant: Variant, most: int = MOST) -> Call | None:
    """The call, changed; None where an array would have more than ``most`` elements."""
    rng = np.random.default_rng(variant.seed)
    if variant.shapes and is_elementwise(name, call):
        call = _in_shapes(call, variant, rng)
    elif new := _new_sizes(name, call, variant.sizes):
        every = arrays_in((call.operands, call.params))
        shapes = [tuple(new.get(n, n) for n in a.shape) for a in every]
        numbers = [call.params.get(key) for key in SIZED]
        shapes += [(new.get(n, n),) for n in numbers if isinstance(n, int)]
        if name in MANIFOLD:
            each, other = (shapes[i] for i in MANIFOLD[name])
            if math.prod(max(n, 1) for n in each) * max(other, default=1) > most:
                return None
        if _work(shapes, kind_of(name) == BILINEAR) > most:
            return None
        call = _resized(call, new, variant.jitter, rng)
        if name == "attention_backward":
            call = _with_weights_that_sum_to_one(call)
        if name == "unsort":
            call = _with_distinct_places(call, rng)

    def cast(a: np.ndarray) -> np.ndarray:
        return a.astype(variant.dtype) if a.dtype in (np.float32, np.float64) else a

    operands = changed(cast, call.operands)
    if variant.special and name not in SELECTIVE:
        special = SPECIAL + HUGE * is_elementwise(name, call)
        operands = changed(lambda a: _strewn(a, special, rng), operands)
    layouts = iter(variant.layouts * (1 + len(operands)))
    with np.errstate(all="ignore"):
        operands = changed(lambda a: LAYOUTS[next(layouts)](a, rng), operands)
    # Weights among the parameters are doubles whatever they are multiplied by.
    params = changed(lambda a: cast(a) if a.dtype == np.float32 else a, call.params)
    return Call(operands, params)

"""Calls of native kernels, changed in shape, layout and values.

They come from the cases of all ops and from ``SEEDS`` below; ``fuzz_outcome.py`` runs
them.
"""

from __future__ import annotations

import contextlib
import dataclasses
import functools
import importlib
import math
import pkgutil
from collections.abc import Callable
from typing import Any

import numpy as np
from case import results
from cases import ALL

import lampas
import lampas.ops
from lampas import kernels, nn
from lampas.engine.record import BILINEAR, ELEMENTWISE, RECORDS

KEPT = 4  # calls of one kernel
MOST = 1_200_000  # elements of an array
# Around the widths of vectors, of four of them, and of pieces of work.
SIZES = (0, 1, 2, 3, 4, 5, 7, 8, 9, 15, 16, 17, 31, 33, 64, 67, 129, 257, 1025, 33_000)
# Parameters that say sizes, which change as those of the operands do.
SIZED = ("shape", "count")
# What is not seen is not multiplied by 0: an infinity there is not found. Scores are of
# vectors of moderate size.
SELECTIVE = {"attention", "attention_backward"}
SPECIAL = (0.0, -0.0, math.nan, math.inf, -math.inf, 1e-40, -1e-40, 1.0)
HUGE = (3e38, -3e38)  # their sums are infinite in one order and not in another


@dataclasses.dataclass(frozen=True)
class Call:
    """Operands (arrays, numbers or None) and parameters of one call of a kernel."""

    operands: tuple[Any, ...]
    params: dict[str, Any]

    @property
    def key(self) -> str:
        """What two calls of the same form have in common."""
        return str((changed(form_of, self.operands), changed(form_of, self.params)))


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


def changed(change: Callable[[np.ndarray], Any], value: Any) -> Any:
    """``value`` with ``change`` of each array in it."""
    if isinstance(value, np.ndarray):
        return change(value)
    if isinstance(value, (tuple, list)):
        made = [changed(change, v) for v in value]
        return type(value)(*made) if hasattr(value, "_fields") else type(value)(made)
    if isinstance(value, dict):
        return {k: changed(change, v) for k, v in value.items()}
    return value


def arrays_in(value: Any) -> list[np.ndarray]:
    """The arrays in operands or parameters."""
    found: list[np.ndarray] = []
    changed(found.append, value)
    return found


def form_of(array: np.ndarray) -> str:
    """The part of an array that is no value."""
    return f"{array.dtype}{array.shape}"


# ---- calls


def _attention(heads: int, queries: int, keys: int, width: int) -> lampas.Tensor:
    q, k, v = (
        lampas.randn(1, heads, n, width).requires_grad_() for n in (queries, keys, keys)
    )
    return nn.functional.scaled_dot_product_attention(q, k, v, is_causal=True)


def _recurrent(kind: str, steps: int, batch: int, size: int, **more: Any) -> Any:
    layer = getattr(nn, kind)(size, size, **more)
    return layer(lampas.randn(steps, batch, size, requires_grad=True))[0]


def _embedding(rows: int, width: int) -> lampas.Tensor:
    table = lampas.randn(rows, width, requires_grad=True)
    return nn.functional.embedding(lampas.randint(0, rows, (2, 9)), table)


def _dropped(*shape: int) -> lampas.Tensor:
    return nn.functional.dropout(lampas.randn(*shape, requires_grad=True), 0.5)


def _between(*shape: int) -> lampas.Tensor:
    x, low, high = (lampas.randn(*shape, requires_grad=True) for _ in range(3))
    return x.clamp(low, high)


def _copied(*shape: int) -> list[lampas.Tensor]:
    x = lampas.randn(*shape)
    return [x.clone(), x.mT.contiguous(), x.mT.reshape(-1)]


SEEDS: list[Callable[[], Any]] = [
    functools.partial(_copied, 3, 200, 330),
    *[functools.partial(_attention, *s) for s in ((1, 5, 5, 4), (9, 3, 40, 8))],
    functools.partial(_recurrent, "LSTM", 3, 2, 5),
    functools.partial(_recurrent, "LSTM", 2, 9, 8, proj_size=3),
    functools.partial(_recurrent, "GRU", 3, 4, 17),
    functools.partial(_recurrent, "RNN", 3, 4, 9),
    functools.partial(_embedding, 30, 7),
    functools.partial(_dropped, 5, 7),
    functools.partial(_between, 3, 9),
]
"""Programs that call kernels as no case does: of fused sizes, or large ones."""


def _differentiate(outs: list[Any], leaves: list[Any]) -> None:
    outs = [o for o in outs if lampas.is_tensor(o) and o.requires_grad]
    if outs:
        slopes = [lampas.randn(o.shape, dtype=o.dtype) for o in outs]
        lampas.autograd.grad(outs, leaves, slopes, allow_unused=True)


def _run_all() -> None:
    for seed in SEEDS:
        for out in results(seed()):
            if out.requires_grad:
                out.sum().backward()
    for case in ALL:
        made = [lampas.from_numpy(a) for a in case.arrays("float32")]
        if case.grad:
            made = [x.requires_grad_() if x.is_floating_point() else x for x in made]
        _differentiate(results(case(*made)), [x for x in made if x.requires_grad])


def _watched(name: str, host: Callable[..., Any], found: dict[str, list[Call]]) -> Any:
    known = {call.key for call in found[name]}

    def watched(*operands: Any, **params: Any) -> Any:
        if len(known) < KEPT:
            call = Call(operands, params)
            if call.key not in known:
                known.add(call.key)
                kept = changed(np.copy, operands), changed(np.copy, params)
                found[name].append(Call(*kept))
        return host(*operands, **params)

    return watched


@functools.cache
def calls() -> dict[str, list[Call]]:
    """Calls of each kernel, with different shapes or parameters."""
    for module in pkgutil.iter_modules(lampas.ops.__path__):
        importlib.import_module(f"lampas.ops.{module.name}")
    found: dict[str, list[Call]] = {name: [] for name in kernels.report()}
    watched = [RECORDS[name] for name in found if name in RECORDS]
    for record in watched:
        host = _watched(record.name, record.on_host, found)
        record._on_host = lambda host=host: host  # type: ignore[method-assign]
        record._publish()
    try:
        lampas.manual_seed(0)
        _run_all()
    finally:
        for record in watched:
            del record._on_host
            record._publish()
    return found


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
    record = RECORDS.get(name)
    held = arrays_in(call.params)
    return record is not None and record.kind == ELEMENTWISE and not held


def _new_sizes(name: str, call: Call, sizes: tuple[int, ...]) -> dict[int, int]:
    known = distinct_sizes(call)
    if not sizes or not known:
        return {}
    if name in SELECTIVE:
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
            (g, *given, *RECORDS["attention"].on_host(*given, **call.params)),
            call.params,
        )
    return call


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
    largest = max(map(math.prod, shapes))
    together = math.prod({n for shape in shapes for n in shape if n})
    # Arrays of one shape may be added, or multiplied as matrices.
    different = shapes if bilinear else set(shapes)
    apart = math.prod(max(shape, default=1) for shape in different)
    return max(largest, together, apart)


def apply(name: str, call: Call, variant: Variant) -> Call | None:
    """The call, changed; None where that is larger than a fuzzed call may be."""
    rng = np.random.default_rng(variant.seed)
    if variant.shapes and is_elementwise(name, call):
        call = _in_shapes(call, variant, rng)
    elif new := _new_sizes(name, call, variant.sizes):
        every = arrays_in((call.operands, call.params))
        shapes = [tuple(new.get(n, n) for n in a.shape) for a in every]
        numbers = [call.params.get(key) for key in SIZED]
        shapes += [(new.get(n, n),) for n in numbers if isinstance(n, int)]
        if _work(shapes, RECORDS[name].kind == BILINEAR) > MOST:
            return None
        call = _resized(call, new, variant.jitter, rng)
        if name == "attention_backward":
            call = _with_weights_that_sum_to_one(call)

    def cast(a: np.ndarray) -> np.ndarray:
        return a.astype(variant.dtype) if a.dtype in (np.float32, np.float64) else a

    operands = changed(cast, call.operands)
    if variant.special and name not in SELECTIVE:
        special = SPECIAL + HUGE * is_elementwise(name, call)
        operands = changed(lambda a: _strewn(a, special, rng), operands)
    layouts = iter(variant.layouts * (1 + len(operands)))
    with np.errstate(all="ignore"):
        operands = changed(lambda a: LAYOUTS[next(layouts)](a, rng), operands)
    return Call(operands, changed(cast, call.params))

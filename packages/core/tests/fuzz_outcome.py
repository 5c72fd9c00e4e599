"""What a native kernel gives for a call, beside its reference.

It must give the same integers and the same exact floats, and elsewhere an error against
float64 of no more than twice the reference's.
"""

from __future__ import annotations

import dataclasses
import math
from typing import Any

import numpy as np
from fuzz import NARROW, TRANSFORMS, is_elementwise, kind_of
from fuzz_calls import Call, arrays_in, changed, form_of, host_of

import lampas
from lampas import kernels
from lampas.engine.record import BILINEAR, LINEAR

# Rounding each input once is worth one unit: what sums and polynomials may be off by.
UNITS = 12.0
# What has nothing to round, or rounds once.
EXACT = set(
    "abs add all amax amin aminmax any argmax argmin cast cat clamp clamp_between "
    "clamp_max clamp_min clone conj count_nonzero div dropout eq flip ge gt hardtanh "
    "le lt masked max_dim maximum min_dim minimum mul ne neg prelu prelu_backward relu "
    "repeat repeat_interleave reshape roll sqrt square stack sub tally threshold "
    "where".split()
)
# Which of two zeros is the larger is not defined.
OF_EITHER_SIGN = set(
    "amax amin aminmax clamp clamp_between clamp_max clamp_min hardtanh max_dim "
    "maximum min_dim minimum relu".split()
)
# These take away numbers of their operands' size from each other.
CANCELLING = set(
    "ctc_backward gelu gelu_backward gelu_tanh gelu_tanh_backward mish_backward "
    "recur silu_backward".split()
)
# Sums over rows that may be nearly nothing beside their terms. Where values repeat,
# blocks of them are rounded alike, which adds up: all terms count.
CANCELLING_SUMS = {"log_softmax_backward"}
# Products that more is done to.
PRODUCTS = {"linear_bias"}
WIDE = {"float32": "float64", "complex64": "complex128"}
# Kernels that take doubles, and whose references take extended precision, by which the
# errors of both are told. Those of other doubles are told by the reference itself.
EXTENDED = set(
    "cross_entropy cross_entropy_backward embedding_backward grid_sample "
    "grid_sample_input grid_sample_points log_softmax log_softmax_backward "
    "logcumsumexp logsumexp resample sample sample_match sample_spread softmax "
    "softmax_backward standardize standardize_affine standardize_affine_backward "
    "standardize_backward standardize_given standardize_given_backward "
    "standardize_scaled sum_repeated".split()
)


def run(name: str, call: Call) -> list[Any]:
    """The results of a kernel, or of its reference where it declines."""
    with np.errstate(all="ignore"):
        found = host_of(name)(*call.operands, **call.params)
    many = found if isinstance(found, (tuple, list)) else (found,)
    return [None if one is None else np.asarray(one) for one in many]


def _precision(call: Call) -> float:
    kinds = {a.dtype for a in arrays_in(call.operands)}
    narrow = {np.dtype(np.float32), np.dtype(np.complex64)} & kinds
    return float(np.finfo(np.float32 if narrow else np.float64).eps)


def _wide(a: np.ndarray) -> np.ndarray:
    return a.astype(WIDE[a.dtype.name]) if a.dtype.name in WIDE else a


def _extended(a: np.ndarray) -> np.ndarray:
    return a.astype(np.longdouble) if a.dtype == np.float64 else a


def _nudged(a: np.ndarray, step: float, rng: Any) -> np.ndarray:
    if not _is_wide(a):
        return a
    # In the array's own precision: half a unit of double is lost in doubles.
    turns = rng.choice([-1.0, 1.0], a.shape).astype(a.real.dtype)
    return a * (1 + step * turns)


def _with_scores_moved(name: str, call: Call, step: float, rng: Any) -> Call:
    """Attention whose mask has what rounding the products of the scores costs."""
    first = 1 if name.endswith("_backward") else 0
    query, key, _, mask = call.operands[first : first + 4]
    if mask.dtype == np.bool_:
        mask = np.where(mask, 0.0, -math.inf)
    terms = np.abs(query) @ np.abs(key).swapaxes(-1, -2) * abs(call.params["factor"])
    moved = mask + terms * step * rng.choice([-1.0, 1.0], terms.shape)
    operands = (*call.operands[: first + 3], moved, *call.operands[first + 4 :])
    return Call(operands, call.params)


def _is_wide(a: np.ndarray) -> bool:
    return a.dtype.name in WIDE.values() or a.dtype == np.longdouble


def truth_of(name: str, call: Call) -> list[tuple[Any, Any]]:
    """The reference in a wider type, and the unit of each error: what rounding costs.

    That is what comes of rounding each operand once, and the result.
    """
    step = _precision(call)
    rng = np.random.default_rng(1)
    double = step == float(np.finfo(np.float64).eps)
    widen = _extended if double and name in EXTENDED else _wide
    wide = Call(changed(widen, call.operands), changed(widen, call.params))
    with kernels.disabled(), np.errstate(all="ignore"):
        exact = run(name, wide)
        units = [None if e is None else np.abs(e) * step + 1e-45 for e in exact]
        draws = 6 if name in NARROW else 2  # the signs of two may cancel in a score
        for _ in range(draws * any(e is not None and _is_wide(e) for e in exact)):
            moved = changed(lambda a: _nudged(a, step / 2, rng), wide.operands)
            near = Call(moved, wide.params)
            if name in NARROW:
                near = _with_scores_moved(name, near, step / 2, rng)
            if name in CANCELLING_SUMS:
                near = Call(changed(lambda a: a + np.abs(a) * step, moved), wide.params)
            for i, other in enumerate(run(name, near)):
                if other is not None and _is_wide(other):
                    units[i] = np.maximum(units[i], np.abs(other - exact[i]))
        if kind_of(name) in (LINEAR, BILINEAR) or name in PRODUCTS:
            # All terms, whatever their signs.
            sizes = Call(changed(np.abs, wide.operands), wide.params)
            for unit, total in zip(units, run(name, sizes), strict=True):
                if name in TRANSFORMS:  # all terms meet in one of the results
                    total = np.max(np.abs(total), initial=0.0)
                np.maximum(unit, np.abs(total) * step, out=unit)
        for unit in units:
            if unit is not None:
                unit += _least_unit(name, call, unit, step)
    return list(zip(exact, units, strict=True))


def _least_unit(name: str, call: Call, unit: np.ndarray, step: float) -> float:
    if name in CANCELLING:
        sizes = [np.abs(a[np.isfinite(a)]) for a in arrays_in(call.operands)]
        return max((float(np.max(s, initial=0.0)) for s in sizes), default=0.0) * step
    if is_elementwise(name, call) or not unit.size:
        return 0.0
    # Of many sums, some move by less than they could when their operands move. Those of
    # infinities and NaN say nothing of the others.
    known = unit[np.isfinite(unit)]
    return float(np.median(known)) if known.size else 0.0


def _error(got: np.ndarray, exact: np.ndarray, unit: np.ndarray) -> float:
    errors = np.abs(got - exact) / unit
    return float(np.max(errors, where=np.isfinite(errors), initial=0.0))


def difference(
    name: str, got: Any, right: Any, exact: Any, unit: Any
) -> tuple[str, float, float]:
    """What is wrong with a result, if anything, and the errors of both in units."""
    if got is None or right is None:
        return ("" if got is right else f"{got} for {right}"), 0.0, 0.0
    if (got.dtype, got.shape) != (right.dtype, right.shape):
        return f"{form_of(got)} for {form_of(right)}", 0.0, 0.0
    equal = (got == right) | ((got != got) & (right != right))
    if name in EXACT or not _is_wide(exact):
        signs = np.signbit(got) != np.signbit(right) if got.dtype.kind == "f" else False
        zeros = (got == 0) & signs & (name not in OF_EITHER_SIGN)
        wrong = int((~equal | zeros).sum())
        return (f"{wrong} of {got.size} differ" if wrong else ""), 0.0, 0.0
    with np.errstate(all="ignore"):
        rounded = exact.astype(got.dtype)
        equal |= (got == rounded) | ((got != got) & (rounded != rounded))
        finite = np.isfinite(got) & (np.isfinite(right) | np.isfinite(rounded))
        if name.endswith("_backward"):  # of an infinity; both tell an optimizer enough
            equal |= ~np.isfinite(got) & ~(np.isfinite(right) & np.isfinite(rounded))
        odd = int((~equal & ~finite).sum())
        ours, theirs = _error(got, exact, unit), _error(right, exact, unit)
    if odd:
        return f"{odd} infinities or NaNs differ", ours, theirs
    wrong = ours > 2 * theirs + UNITS
    return (f"off by {ours:.1f} units, not {theirs:.1f}" if wrong else ""), ours, theirs


@dataclasses.dataclass
class Outcome:
    """What became of a call: whether the kernel took it, what is wrong, its error."""

    accepted: bool
    wrong: str = ""
    ours: float = 0.0
    theirs: float = 0.0


def outcome(name: str, call: Call, threads: int = 1) -> Outcome | None:
    """Compare a kernel with its reference; None where the reference refuses."""
    try:
        with kernels.disabled():
            right = run(name, call)
            truth = truth_of(name, call)
    except (ValueError, IndexError, TypeError, ZeroDivisionError):
        return None
    every = arrays_in((call.operands, call.params))
    before = [_memory_of(a).copy() for a in every]
    taken, threads_before = kernels.report()[name][0], lampas.get_num_threads()
    lampas.set_num_threads(threads)
    try:
        got = run(name, call)
    finally:
        lampas.set_num_threads(threads_before)
    found = Outcome(kernels.report()[name][0] > taken)
    if len(got) != len(right):
        found.wrong = f"{len(got)} results for {len(right)}"
    for i, (one, other) in enumerate(zip(got, right, strict=False)):
        wrong, ours, theirs = difference(name, one, other, *truth[i])
        found.wrong = found.wrong or (wrong and f"result {i}: {wrong}")
        if ours > found.ours:
            found.ours, found.theirs = ours, theirs
    for a, copy in zip(every, before, strict=True):
        if not np.array_equal(_memory_of(a), copy):
            found.wrong = found.wrong or "an operand's memory was written to"
    return found


def _memory_of(a: np.ndarray) -> np.ndarray:
    """All bytes of the memory in which an array lies."""
    while isinstance(a.base, np.ndarray):
        a = a.base
    return np.ndarray(a.nbytes, np.uint8, a.tobytes() if a.nbytes else b"")

"""Errors of kernels are at most twice their references', at every size of number.

Functions of one number are compared by decades: what is right to a unit at 1 may be off
by several at 0.001. Ops with sums are compared by their mean errors, at lengths of no
whole number of vectors or blocks.
"""

from __future__ import annotations

import fuzz
import fuzz_calls
import fuzz_outcome
import numpy as np
import pytest
from fuzz import Variant
from test_kernels_elementwise import PATHS, kernel, reference, setting

import lampas
from lampas import kernels
from lampas.engine.record import RECORDS
from lampas.ops.adaptive import averages

pytestmark = pytest.mark.filterwarnings("ignore::RuntimeWarning")

EACH = 1000  # numbers of either sign of a decade
LEAST = {np.float32: 1e-36, np.float64: 1e-305}  # what is less may be taken for 0
PLAIN = (
    "acos acosh asin asinh atan atanh cos cosh digamma erf erfc erfinv exp exp2 expm1 "
    "gelu hardsigmoid hardswish lgamma log log10 log1p log2 log_ndtr logsigmoid mish "
    "ndtr ndtri reciprocal rsqrt sigmoid silu sin sinh sqrt square tan tanh"
).split()
NUMBERS = {
    "elu": {"alpha": 1.0, "scale": 1.0, "rate": 1.0},
    "softplus": {"beta": 1.0, "threshold": 20.0},
    "pow_number": {"exponent": 2.5},
    "elu_backward": {"alpha": 1.0, "scale": 1.0, "rate": 1.0},
    "softplus_backward": {"beta": 1.0, "threshold": 20.0},
}
SLOPES = (
    "elu_backward gelu_backward gelu_tanh_backward hardswish_backward "
    "logsigmoid_backward mish_backward sigmoid_backward silu_backward "
    "softplus_backward tanh_backward"
).split()
# These are 0 somewhere beside 0, where their terms are not: errors are told by 1/100.
CROSSING = {s + "_backward" for s in ("gelu", "gelu_tanh", "mish", "silu")}
DOUBLES = (
    "cos elu erf exp expm1 gelu log log1p logsigmoid mish sigmoid silu sin softplus "
    "tanh"
).split()
ONE = [*PLAIN, *SLOPES, "elu", "softplus", "pow_number", "gelu_tanh"]


def gelu_tanh(x):
    """The reference has 1 + tanh(z), which cancels far below 0: 2 / (1 + exp(-2 z))."""
    return x / (1 + np.exp(-2 * np.sqrt(2 / np.pi) * (x + 0.044715 * x**3)))


def gelu_tanh_backward(g, x):
    """The slope of it, without cancelling."""
    rate = 2 * np.sqrt(2 / np.pi)
    z = rate * (x + 0.044715 * x**3)
    rest = 1 / (1 + np.exp(np.abs(z)))  # of 1, that the sigmoid of |z| leaves
    slope = rest * (1 - rest) * rate * (1 + 3 * 0.044715 * x * x)
    return g * (np.where(z > 0, 1 - rest, rest) + x * slope)


EXACT = {"gelu_tanh": gelu_tanh, "gelu_tanh_backward": gelu_tanh_backward}


def decades(low, high, dtype):
    """Numbers of either sign from 10^e to 10^(e + 1), for each e; then, around 1.

    Far from 1, where functions do not change what they do, every fourth e will do.
    """
    rng = np.random.default_rng(0)
    known = [e for e in range(low, high) if abs(e) <= 12 or e % 4 == 0 or e == low]
    exponents = np.repeat(known, EACH)
    x = 10.0 ** (exponents + rng.random(exponents.size))
    near = 1 + 10.0 ** (rng.random(EACH) * 6 - 7)
    x = np.concatenate([x, near, 2 - near]).astype(dtype)
    return np.concatenate([x, -x]).reshape(-1, EACH)


def units(found, exact, dtype, least):
    """Errors in units of the last place of the exact values."""
    known = np.isfinite(exact) & (np.abs(exact) >= least)
    known &= np.abs(exact) < np.finfo(dtype).max
    right = np.where(known, exact, 1)
    place = np.spacing(np.maximum(np.abs(right), 1e-2 * (least > 1e-3)).astype(dtype))
    return np.where(known, np.abs(found.astype(exact.dtype) - right) / place, 0)


def compare(name, x, dtype, wide):
    """Fail where a decade's errors are larger than they may be."""
    params, front = NUMBERS.get(name, {}), [np.ones_like(x)] * (name in SLOPES)
    if name in ("sigmoid_backward", "tanh_backward"):
        x = np.where(np.abs(x) <= 1, x, dtype(0.5))
    operands = [*front, x]
    widened = [a.astype(wide) for a in operands]
    given = EXACT.get(name)
    exact = given(*widened) if given else reference(name, *widened, **params)
    assert exact.dtype == wide
    least = LEAST[dtype] if name not in CROSSING else 1e-2
    theirs = reference(name, *operands, **params)
    exact = np.where(np.isfinite(theirs), exact, np.nan)
    right = units(theirs, exact, dtype, least)
    most = np.maximum(2 * right.max(1), 1.0) + 0.15  # few numbers, by chance good ones
    mean = 2 * right.mean(1) + 0.15
    for path in PATHS:
        with setting(path):
            ours = units(kernel(name, *operands, **params), exact, dtype, least)
        for errors, limit in ((ours.max(1), most), (ours.mean(1), mean)):
            worst = int(np.argmax(errors - limit))
            assert errors[worst] <= limit[worst], (
                f"{name} ({path}) off by {errors[worst]:.2f} at {x[worst, 0]:.0e}, "
                f"the reference by {right[worst].max():.2f}"
            )


@pytest.mark.parametrize("name", ONE)
def test_functions_of_floats_by_decades(name):
    compare(name, decades(-30, 31, np.float32), np.float32, np.float64)


@pytest.mark.parametrize("name", DOUBLES)
def test_functions_of_doubles_by_decades(name):
    compare(name, decades(-15, 5, np.float64), np.float64, np.longdouble)


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize(
    "name, last, most", [("tanh", 10, 1.5), ("gelu_tanh", 0.1, 1.6)]
)
def test_most_units_of_many_floats(name, last, most, path):
    ends = np.array([1e-5, last], np.float32).view(np.uint32)
    x = np.arange(*ends, 401, dtype=np.uint32).view(np.float32)
    x = np.concatenate([x, -x])
    exact = (np.tanh if name == "tanh" else gelu_tanh)(x.astype(np.float64))
    with setting(path):
        found = kernel(name, x)
    assert units(found, exact, np.float32, 0.0).max() < most
    assert name != "tanh" or np.abs(found).max() <= 1


@pytest.mark.parametrize("path", PATHS)
def test_tanh_at_its_ends(path):
    least = np.array([0.0, 1e-45, 3e-45, 1.1e-38, 3e-38, 1e-4], np.float32)
    most = np.array([9.1, 10.0, 50.0, 1e30, np.inf], np.float32)
    x = np.concatenate([least, most, -least, -most, [np.float32(np.nan)]])
    with setting(path):
        found = kernel("tanh", x)
    right = np.concatenate([least, most**0, -least, -(most**0), [np.float32(np.nan)]])
    np.testing.assert_array_equal(found, right)
    np.testing.assert_array_equal(np.signbit(found), np.signbit(right))


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("name", ["sin", "cos"])
def test_angles_nearest_to_their_zeros(name, path):
    """Of multiples of pi / 2, what the nearest float leaves is all there is."""
    at = (np.arange(1, 5200) * (np.pi / 2)).astype(np.float32)
    exact = getattr(np, name)(at.astype(np.float64))
    with setting(path):
        found = kernel(name, at)
    assert units(found, exact, np.float32, 0.0).max() < 1.5


def mean_errors(name, call, widen):
    """Mean errors of each result of a kernel and of its reference, over their sizes.

    None where the kernel declines, or the reference refuses.
    """
    wide = fuzz_calls.Call(
        fuzz_calls.changed(widen, call.operands), fuzz_calls.changed(widen, call.params)
    )
    try:
        with kernels.disabled():
            right = fuzz_outcome.run(name, call)
            exact = fuzz_outcome.run(name, wide)
    except (ValueError, IndexError, TypeError, ZeroDivisionError):
        return None
    taken = kernels.report()[name][0]
    found = fuzz_outcome.run(name, call)
    if kernels.report()[name][0] == taken:
        return None
    pairs = []
    for ours, theirs, e in zip(found, right, exact, strict=True):
        if e is None or not fuzz_outcome._is_wide(e) or e.size < 8:
            continue
        errors = np.abs(ours - e), np.abs(theirs - e)
        known = np.isfinite(errors[0]) & np.isfinite(errors[1])
        size = np.abs(e[known]).mean() if known.any() else 0.0
        if size > 0:
            unit = size * np.finfo(ours.dtype).eps
            pairs.append(tuple(float(error[known].mean() / unit) for error in errors))
    return pairs


SIZES = [(129,), (5, 67), (17, 9), (2, 200, 200)]
OPS = sorted(
    set(kernels.report())
    & (fuzz_calls.helpers().keys() | RECORDS.keys()) - fuzz_outcome.EXACT
)


@pytest.mark.parametrize("name", OPS)
def test_mean_errors_of_ops(name):
    for seed, sizes in enumerate(SIZES):
        for call in fuzz_calls.calls()[name]:
            changed = fuzz.apply(name, call, Variant(sizes=sizes, seed=seed))
            pairs = changed and mean_errors(name, changed, fuzz_outcome._wide)
            for ours, theirs in pairs or ():
                assert ours <= 2 * theirs + 0.35, (name, sizes, ours, theirs)


NARROW = [(5, 4), (256, 4), (8, 3), (256, 5), (32, 8), (32, 10), (9, 48)]


@pytest.mark.parametrize("dtype, wide", [("float32", "float64"), ("float64", "g")])
@pytest.mark.parametrize("rows, columns", NARROW)
@pytest.mark.parametrize("inner", [33, 300, 1000])
def test_mean_errors_of_narrow_products(path, rows, inner, columns, dtype, wide):
    rng = np.random.default_rng(0)
    a = rng.standard_normal((rows, inner)).astype(dtype)
    b = rng.standard_normal((inner, columns)).astype(dtype)
    exact = a.astype(wide) @ b.astype(wide)
    unit = np.abs(exact).mean() * np.finfo(dtype).eps
    ours = lampas.from_numpy(a) @ lampas.from_numpy(b)
    errors = [np.abs(x - exact).mean() / unit for x in (ours.numpy(), a @ b)]
    assert errors[0] <= 2 * errors[1] + 0.35, errors


def dense_lines(draw, rng):
    return (draw(50, 64),), {"dim": 1, "matrix": rng.standard_normal((40, 64))}


def averaged_lines(draw, rng):
    return (draw(50, 330),), {"dim": 1, "matrix": averages(330, 10)}


def points_that_meet(draw, rng):
    """A thousand points on each element."""
    g, grid = draw(4, 8, 80, 50), np.clip(draw(4, 80, 50, 2) / 2, -1, 1)
    how = {"mode": "bilinear", "padding": "border", "corners": False}
    return (g, grid), {"sizes": (2, 2), **how}


def weights_that_meet(draw, rng):
    index = rng.integers(0, 9, (2, 4, 2000))
    return (draw(2, 9, 2000), draw(2, 4, 2000), index), {"size": 9}


def rows_that_meet(draw, rng):
    return (draw(7, 33), draw(4000, 33)), {"index": (rng.integers(0, 7, 4000),)}


def shares(draw, rng):
    p = np.exp(draw(99, 200))
    return (draw(99, 200), p / p.sum(1, keepdims=True)), {"dim": (1,)}


SUMS = [
    ("resample", dense_lines),
    ("resample", averaged_lines),
    ("grid_sample_input", points_that_meet),
    ("sample_spread", weights_that_meet),
    ("index_sum", rows_that_meet),
    ("softmax_backward", shares),
]


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("name, make", SUMS)
def test_mean_errors_of_long_sums(name, make, dtype, path):
    rng = np.random.default_rng(0)
    operands, params = make(lambda *s: rng.standard_normal(s).astype(dtype), rng)
    call = fuzz_calls.Call(operands, params)
    widen = fuzz_outcome._wide if dtype == np.float32 else fuzz_outcome._extended
    with setting(path):
        [(ours, theirs)] = mean_errors(name, call, widen)
    assert ours <= 2 * theirs + 0.1


WIDTHS = [(1, 9, 129, 129), (7, 7, 129, 129), (17, 17, 129, 129), (5, 129, 129, 33)]
WIDTHS += [(129, 129, 129, 129), (2, 1025, 64, 64)]


@pytest.mark.parametrize("scale", [1.0, 3.0])  # weights of which some outweigh all
@pytest.mark.parametrize("queries, keys, width, depth", WIDTHS)
def test_mean_errors_of_attention(queries, keys, width, depth, scale):
    rng = np.random.default_rng(0)
    shapes = (queries, width), (keys, width), (keys, depth)
    heads = 8 if queries * keys < 10_000 else 2
    draws = [rng.standard_normal((heads, *s)) for s in (*shapes, (queries, depth))]
    *arrays, slopes = (a.astype(np.float32) for a in draws)
    arrays = [a * np.float32(scale) for a in arrays]

    def results(dtype):
        tensors = [lampas.from_numpy(a.astype(dtype)).requires_grad_() for a in arrays]
        y = lampas.nn.functional.scaled_dot_product_attention(*tensors)
        y.backward(lampas.from_numpy(slopes.astype(dtype)))
        return [y.detach().numpy(), *(t.grad.numpy() for t in tensors)]

    with kernels.disabled():
        right, exact = results(np.float32), results(np.float64)
    for path in PATHS:
        with setting(path):
            ours = results(np.float32)
        for one, other, e in zip(ours, right, exact, strict=True):
            errors = np.abs(one - e).mean(), np.abs(other - e).mean()
            assert errors[0] <= 2 * errors[1], (path, errors)

"""The native elementwise kernels against formulas in float64 and their references."""

from __future__ import annotations

import contextlib
import importlib
import math
import pkgutil

import numpy as np
import pytest

import lampas.ops
from lampas.backend import native
from lampas.engine.record import RECORDS

if native.extension is None:
    pytest.skip(native.why_absent, allow_module_level=True)

# Every family fills the table of records, those that are loaded late too.
for _module in pkgutil.iter_modules(lampas.ops.__path__):
    importlib.import_module(f"lampas.ops.{_module.name}")

PATHS = native.extension.paths()
# Around the widths of vectors, of four of them, and of chunks.
SIZES = (1, 3, 4, 7, 8, 9, 31, 32, 33, 67, 1000, 8192, 8193, 32768, 65537)
SPECIAL = [0.0, -0.0, 1.0, -1.0, math.inf, -math.inf, math.nan, 1e-40, -1e-40, 3e38]


@contextlib.contextmanager
def setting(path=None, threads=None):
    """Another instruction set or number of threads inside the block."""
    before = native.extension.path(), native.extension.threads()
    try:
        native.extension.set_path(path or before[0])
        native.extension.set_threads(threads or before[1])
        yield
    finally:
        native.extension.set_path(before[0])
        native.extension.set_threads(before[1])


def kernel(name, *arrays, accepted=True, **params):
    """What the kernel of an op gives; it must accept, or decline."""
    before = native.extension.report()[name]
    with np.errstate(all="ignore"):
        result = RECORDS[name].on_host(*arrays, **params)
    after = native.extension.report()[name]
    assert (after[0] - before[0], after[1] - before[1]) == (
        (1, 0) if accepted else (0, 1)
    )
    return result


def reference(name, *arrays, **params):
    """What the op gives without kernels."""
    before = native.extension.set_enabled(False)
    try:
        with np.errstate(all="ignore"):
            return np.asarray(RECORDS[name].on_host(*arrays, **params))
    finally:
        native.extension.set_enabled(before)


def draws(size, dtype=np.float32, seed=0):
    return np.random.default_rng(seed).standard_normal(size).astype(dtype)


def same(result, expected):
    assert type(result) is np.ndarray
    assert result.dtype == expected.dtype
    assert result.shape == expected.shape
    np.testing.assert_array_equal(result, expected, strict=True)
    if result.dtype.kind == "f":
        numbers = expected == expected
        signs = np.signbit(result)[numbers], np.signbit(expected)[numbers]
        np.testing.assert_array_equal(*signs)


ARITHMETIC = {
    "add": np.add,
    "sub": np.subtract,
    "mul": np.multiply,
    "div": np.true_divide,
    "maximum": np.maximum,
    "minimum": np.minimum,
    "clamp_min": np.maximum,
    "clamp_max": np.minimum,
}
COMPARISONS = {
    "eq": np.equal,
    "ne": np.not_equal,
    "lt": np.less,
    "le": np.less_equal,
    "gt": np.greater,
    "ge": np.greater_equal,
}
BINARY = {**ARITHMETIC, **COMPARISONS}
MASKED_OR_SIGNED = ("maximum", "minimum", "clamp_min", "clamp_max")


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("name", BINARY)
def test_two_operands_of_every_size_are_as_numpy_says(name, path):
    dtypes = [np.float32, np.float64] + [np.int64] * (name in COMPARISONS)
    with setting(path):
        for dtype in dtypes:
            for size in SIZES:
                a, b = draws(size, dtype), draws(size, dtype, 1)
                b[::3] = a[::3]
                for x, y in ((a, b), (a, 2.0), (a, b[0]), (2, b)):
                    if dtype is np.int64 and type(y) is float:
                        y = 2
                    y = np.asarray(y) if isinstance(y, np.generic) else y
                    same(kernel(name, x, y), BINARY[name](x, y))


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("name", BINARY)
def test_special_values_of_two_operands(name, path):
    a, b = (m.reshape(-1).copy() for m in np.meshgrid(SPECIAL, SPECIAL))
    with setting(path), np.errstate(all="ignore"):
        for dtype in (np.float32, np.float64):
            x, y = a.astype(dtype), b.astype(dtype)
            expected = BINARY[name](x, y)
            if name in MASKED_OR_SIGNED:
                # Which zero of two is larger is not defined.
                np.testing.assert_array_equal(kernel(name, x, y), expected)
            else:
                same(kernel(name, x, y), expected)


SHAPES = [
    ((64, 10), (10,)),
    ((10,), (64, 10)),
    ((2, 3, 40), (3, 1)),
    ((2, 3, 4, 8), (1, 3, 1, 1)),
    ((2, 3, 4, 8), (2, 1, 4, 8)),
    ((5, 1, 9), (5, 7, 9)),
    ((5, 1, 9), (1, 7, 1)),
    ((1, 16), (4, 1)),
    ((3, 1, 33000), (2, 1)),
    ((1, 1), (1,)),
    ((), (7,)),
    ((), ()),
]


@pytest.mark.parametrize("shapes", SHAPES)
@pytest.mark.parametrize("threads", [1, 2])
def test_operands_broadcast(shapes, threads):
    with setting(threads=threads):
        a, b = draws(shapes[0]), draws(shapes[1], seed=1)
        a, b = np.asarray(a, np.float32), np.asarray(b, np.float32)
        same(kernel("sub", a, b), np.asarray(a - b))
        same(kernel("lt", a, b), np.asarray(a < b))


def test_results_are_laid_out_as_numpy_lays_them_out():
    for shape in ((6, 7, 8), (40, 50, 60)):
        a, b = draws(shape), draws(shape, seed=1)
        for order in ((2, 0, 1), (1, 0, 2), (2, 1, 0)):
            x, y = a.transpose(order), b.transpose(order)
            result, expected = kernel("add", x, y), x + y
            same(result, expected)
            assert result.strides == expected.strides
            same(kernel("lt", x, 0.5), x < 0.5)
            assert kernel("lt", x, 0.5).strides == (x < 0.5).strides
            assert kernel("neg", x).strides == x.strides


def test_rows_of_a_larger_array_are_taken():
    a = draws((20, 30))
    same(kernel("add", a[:, :16], a[:, 3:19]), a[:, :16] + a[:, 3:19])
    same(kernel("exp", a[::2]), kernel("exp", a[::2].copy()))
    same(kernel("neg", a[3:, 9:]), -a[3:, 9:])


def test_memory_between_two_elements_is_read_right():
    raw = np.zeros(4 * 1000 + 4, np.uint8)
    a = raw[4:].view(np.float32)[1:]
    a[:] = draws(999)
    same(kernel("mul", a, 3.0), a * np.float32(3))


@pytest.mark.parametrize(
    "operands",
    [
        (draws(8), draws(8, np.float64)),
        (draws(16)[::2], draws(8)),
        (draws(8)[::-1], draws(8)),
        (draws(0), draws(0)),
        (draws(8), np.float32(2)),
        (draws(8), np.float64(2)),
        (draws(8), True),
        (draws(8), 2**60 + 1),
        (draws(8), 1j),
        (np.arange(8), np.arange(8)),
        (draws((4, 5)), draws((5, 4)).T),
        (draws((100, 3)), draws(3)),
        (draws(9).view(np.uint8)[1:33].view(np.float32), draws(8)),
        (draws(8).astype(">f4"), draws(8)),
        (draws(8).view(np.matrix), draws((1, 8))),
    ],
)
def test_the_reference_has_what_kernels_do_not_serve(operands):
    expected = np.add(*operands)
    result = kernel("add", *operands, accepted=False)
    np.testing.assert_array_equal(result, expected)
    assert type(result) is type(expected)
    assert result.dtype == expected.dtype


def test_operands_that_do_not_fit_are_refused_by_the_reference():
    with pytest.raises(ValueError, match="broadcast"):
        RECORDS["add"].on_host(draws((3, 8)), draws((4, 8)))


def test_a_choice_keeps_bits():
    rng = np.random.default_rng(0)
    for dtype in (np.float32, np.float64, np.int64, np.int32):
        for size in SIZES:
            which = rng.random(size) < 0.5
            a, b = (rng.integers(-99, 99, size).astype(dtype) for _ in range(2))
            same(kernel("where", which, a, b), np.where(which, a, b))
            same(kernel("where", which, a[:1], b), np.where(which, a[:1], b))
            same(kernel("where", which, a, b[0:1]), np.where(which, a, b[:1]))
            same(kernel("where", which, a[:1], b[:1]), np.where(which, a[:1], b[:1]))
            same(kernel("masked", a, which), np.where(which, a, dtype(0)))
    lost = np.array([math.nan, math.inf, 1.0], np.float32)
    which = np.array([False, True, False])
    same(kernel("masked", lost, which), np.array([0, math.inf, 0], np.float32))
    which = np.array([[True], [False]])
    kernel("where", which, draws((2, 9)), draws((2, 9)), accepted=False)


# ---- functions of one element

ROOT = math.sqrt(2)


def _each(function):
    return np.vectorize(function, otypes=[np.float64])


def _sigmoid(x):
    return 1 / (1 + np.exp(-x))


def _softplus(x):
    return np.logaddexp(0, x)


def _gelu_tanh(x):
    return 0.5 * x * (1 + np.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x**3)))


def _mish_slope(x):
    t = np.tanh(_softplus(x))
    return t + x * (1 - t * t) * _sigmoid(x)


def _gelu_slope(x):
    density = np.exp(-x * x / 2) / math.sqrt(2 * math.pi)
    return 0.5 * _each(math.erfc)(-x / ROOT) + x * density


def _gelu_tanh_slope(x):
    t = np.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x**3))
    inner = math.sqrt(2 / math.pi) * (1 + 3 * 0.044715 * x * x)
    return 0.5 * (1 + t) + 0.5 * x * (1 - t * t) * inner


# Name: the formula in float64, a range, and the error allowed in last places.
FUNCTIONS = {
    "exp": (np.exp, (-103, 88.7), 2),
    "expm1": (np.expm1, (-30, 88.7), 2.5),
    "log": (np.log, (1e-44, 3e38), 2),
    "log1p": (np.log1p, (-0.999, 100), 2.5),
    "tanh": (np.tanh, (-12, 12), 4),
    "erf": (_each(math.erf), (-6, 6), 6),
    "sin": (np.sin, (-30, 30), 2),
    "cos": (np.cos, (-30, 30), 2),
    "sigmoid": (_sigmoid, (-80, 30), 4),
    "silu": (lambda x: x * _sigmoid(x), (-80, 30), 4),
    "logsigmoid": (lambda x: -_softplus(-x), (-80, 80), 4),
    "mish": (lambda x: x * np.tanh(_softplus(x)), (-40, 40), 6),
    "gelu_tanh": (_gelu_tanh, (-3, 20), 40),
    "gelu": (lambda x: x * 0.5 * _each(math.erfc)(-x / ROOT), (-1, 20), 8),
}
# Near these zeros the error is measured against 1.
CROSSING = ("sin", "cos", "log")


def _points(low, high, size=20_011):
    if low > 0:
        with np.errstate(under="ignore"):
            return np.geomspace(low, high, size).astype(np.float32)
    wide = np.linspace(low, high, size)
    near = np.geomspace(1e-30, 1.0, 2000)
    return np.concatenate([wide, near, -near[near < -low]]).astype(np.float32)


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("name", FUNCTIONS)
def test_functions_are_right_to_a_few_last_places(name, path):
    formula, (low, high), units = FUNCTIONS[name]
    x = _points(low, high)
    with setting(path):
        result = kernel(name, x).astype(np.float64)
    right = formula(x.astype(np.float64))
    with np.errstate(under="ignore"):
        place = np.spacing(np.abs(right).astype(np.float32)).astype(np.float64)
    if name in CROSSING:
        place = np.maximum(place, 2.0**-24)
    assert np.max(np.abs(result - right) / place) <= units


SLOPES = {
    "silu_backward": (lambda x: _sigmoid(x) * (1 + x * (1 - _sigmoid(x))), (-30, 30)),
    "mish_backward": (_mish_slope, (-30, 30)),
    "gelu_backward": (_gelu_slope, (-9, 9)),
    "gelu_tanh_backward": (_gelu_tanh_slope, (-9, 9)),
    "logsigmoid_backward": (lambda x: _sigmoid(-x), (-30, 30)),
    "sigmoid_backward": (lambda y: y * (1 - y), (0, 1)),
    "tanh_backward": (lambda y: 1 - y * y, (-1, 1)),
    "hardswish_backward": (
        lambda x: np.where(np.abs(x) < 3, x / 3 + 0.5, x >= 3),
        (-5, 5),
    ),
}


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("name", SLOPES)
def test_slopes_are_right(name, path):
    formula, (low, high) = SLOPES[name]
    x = _points(low, high)
    g = draws(x.size)
    right = formula(x.astype(np.float64))
    with setting(path):
        for cotangent in (g, np.broadcast_to(np.float32(3), g.shape)):
            result = kernel(name, cotangent, x)
            np.testing.assert_allclose(
                result, cotangent * right, rtol=2e-6, atol=1e-6 * np.abs(g).max()
            )


WITH_NUMBERS = {
    "leaky_relu": {"slope": 0.01},
    "elu": {"alpha": 1.5, "scale": 1.1, "rate": 0.7},
    "softplus": {"beta": 1.3, "threshold": 2.0},
    "hardtanh": {"low": -1, "high": 0.5},
    "clamp": {"min": -0.5, "max": None},
    "threshold": {"threshold": 0.1, "value": 20},
    "hardshrink": {"lambd": 0.5},
    "softshrink": {"lambd": 0.5},
    "pow_number": {"exponent": 3},
    "gate": {"low": None, "high": 0.7},
    "leaky_relu_backward": {"slope": 0.01},
    "elu_backward": {"alpha": 1.5, "scale": 1.1, "rate": 0.7},
    "softplus_backward": {"beta": 1.3, "threshold": 2.0},
}
PLAIN = ["neg", "abs", "square", "sqrt", "rsqrt", "reciprocal", "relu", "sgn"]
PLAIN += ["hardsigmoid", "hardswish"]
TWO = ("gate", "leaky_relu_backward", "elu_backward", "softplus_backward")


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("name", [*PLAIN, *WITH_NUMBERS])
def test_simple_functions_are_as_the_reference(name, path):
    params = WITH_NUMBERS.get(name, {})
    with setting(path):
        for dtype in (np.float32, np.float64):
            for size in SIZES:
                x = draws(size, dtype)
                operands = (draws(size, dtype, 1), x) if name in TWO else (x,)
                result = kernel(name, *operands, **params)
                expected = reference(name, *operands, **params)
                np.testing.assert_allclose(
                    result, expected, rtol=1e-6 if dtype is np.float32 else 2e-15
                )
                assert result.dtype == dtype


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("name", [*PLAIN, *FUNCTIONS, *SLOPES, *WITH_NUMBERS])
def test_special_values_are_as_the_reference_says(name, path):
    params = WITH_NUMBERS.get(name, {})
    x = np.array([*SPECIAL, 0.5, -0.5, 100.0, -100.0, 1e-6, -1e6, 1e5], np.float32)
    operands = (x,)
    if name in TWO or name in SLOPES:
        operands = (np.full_like(x, 2), x)
    with setting(path):
        result = kernel(name, *operands, **params)
    expected = reference(name, *operands, **params)
    with np.errstate(all="ignore"):
        np.testing.assert_allclose(result, expected, rtol=1e-5, atol=1e-37)
    zeros = (expected == 0) & (x == 0)
    if name not in ("relu", "hardtanh", "clamp", "elu"):
        np.testing.assert_array_equal(
            np.signbit(result[zeros]), np.signbit(expected[zeros])
        )


def test_threads_do_not_change_results():
    x = draws(100_003)
    for name in ("add", "gelu", "where"):
        operands = {"add": (x, x), "gelu": (x,), "where": (x > 0, x, x)}[name]
        with setting(threads=1):
            alone = kernel(name, *operands)
        with setting(threads=2):
            same(kernel(name, *operands), alone)


def test_other_parameters_are_left_to_the_reference():
    x = draws(8)
    for name, params in (
        ("pow_number", {"exponent": math.nan}),
        ("hardtanh", {"low": math.nan, "high": 1.0}),
        ("clamp", {"min": math.nan, "max": 1.0}),
        ("leaky_relu", {"slope": np.float32(0.5)}),
    ):
        result = kernel(name, x, accepted=False, **params)
        np.testing.assert_array_equal(result, reference(name, x, **params))
    kernel("gelu", draws(8).astype(np.float16), accepted=False)
    kernel("neg", np.broadcast_to(np.float32(1), (3, 8)), accepted=False)
    kernel("gelu_backward", draws((1, 8)), draws((2, 8)), accepted=False)


def test_a_conjugate_of_real_numbers_is_the_array_itself():
    x = draws(8)
    assert kernel("conj", x) is x
    z = np.array([1 + 2j])
    assert kernel("conj", z, accepted=False)[0] == 1 - 2j

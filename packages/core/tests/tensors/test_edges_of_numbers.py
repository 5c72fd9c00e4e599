"""Integers that overflow, and the kinds of numbers that operators take."""

import numpy as np
import pytest

import lampas
from lampas.errors import DTypeError

INTEGERS = ["uint8", "int8", "int16", "int32", "int64"]


def wrapped(value, bits, signed):
    """A whole number in two's complement."""
    value %= 1 << bits
    return value - (1 << bits) if signed and value >> (bits - 1) else value


OPERATIONS = {
    "add": (lambda x: x + x, lambda v: v + v),
    "add one": (lambda x: x + 1, lambda v: v + 1),
    "sub": (lambda x: x - 1, lambda v: v - 1),
    "mul": (lambda x: x * 3, lambda v: v * 3),
    "neg": (lambda x: -x, lambda v: -v),
    "abs": (lambda x: x.abs(), abs),
    "square": (lambda x: x * x, lambda v: v * v),
    "pow 2": (lambda x: x**2, lambda v: v**2),
    "pow 3": (lambda x: x.pow(3), lambda v: v**3),
    "shift": (lambda x: x << 1, lambda v: v << 1),
    "addcmul": (lambda x: lampas.addcmul(x, x, x, value=2), lambda v: v + 2 * v * v),
    "add_": (lambda x: x.clone().add_(x), lambda v: v + v),
    "add alpha": (lambda x: lampas.add(x, x, alpha=3), lambda v: v + 3 * v),
    "number too large": (lambda x: x + 300, lambda v: v + 300),
}


@pytest.mark.parametrize("dtype", INTEGERS)
@pytest.mark.parametrize("name", OPERATIONS)
def test_integers_wrap_around(name, dtype):
    info, kind = lampas.iinfo(getattr(lampas, dtype)), getattr(lampas, dtype)
    values = [info.min, info.min + 1, 3, 0, 1, info.max - 1, info.max]
    ours, whole = OPERATIONS[name]
    got = ours(lampas.tensor(values, dtype=kind))
    signed = info.min < 0
    assert got.dtype is kind
    assert got.tolist() == [wrapped(whole(v), info.bits, signed) for v in values]


@pytest.mark.parametrize("dtype", INTEGERS)
def test_sums_are_of_int64_unless_told(dtype):
    kind = getattr(lampas, dtype)
    info = lampas.iinfo(kind)
    x = lampas.full((3,), info.max, dtype=kind)
    for function, whole in ((lampas.sum, 3 * info.max), (lampas.prod, info.max**3)):
        assert function(x).dtype is lampas.int64
        assert function(x).item() == wrapped(whole, 64, True)
        own = function(x, dtype=kind)
        assert own.dtype is kind
        assert own.item() == wrapped(whole, info.bits, info.min < 0)


def test_casts_wrap_around():
    x = lampas.tensor([-1, 300, 128])
    assert x.to(lampas.int8).tolist() == [-1, 44, -128]
    assert x.to(lampas.uint8).tolist() == [255, 44, 128]
    assert lampas.tensor([1.7, -1.7]).to(lampas.int32).tolist() == [1, -1]


def test_numbers_that_do_not_fit_wrap_around_before_they_are_compared():
    x = lampas.tensor([0, 255], dtype=lampas.uint8)
    assert (x < 300).tolist() == [True, False]
    assert (x == -1).tolist() == [False, True]


def test_bounds_of_clamp_wrap_around_too():
    x = lampas.tensor([0, 255], dtype=lampas.uint8)
    assert x.clamp(-5, 100).tolist() == [100, 100]
    assert x.clamp(max=100).tolist() == [0, 100]


NUMBERS = {"float32": 1.5, "int64": 2, "bool": True}


@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float32", "float64"])
@pytest.mark.parametrize("number", NUMBERS.values())
@pytest.mark.parametrize(
    "name", ["add", "mul", "div", "pow", "xlogy", "remainder", "floor_divide"]
)
def test_numbers_do_not_widen_floats(name, number, dtype):
    x = lampas.ones(2, dtype=getattr(lampas, dtype))
    assert getattr(lampas, name)(x, number).dtype is x.dtype
    assert getattr(lampas, name)(x[0], number).dtype is x.dtype


@pytest.mark.parametrize("dtype", [*INTEGERS, "bool"])
@pytest.mark.parametrize("name", ["add", "mul", "pow", "div", "xlogy"])
def test_numbers_and_integers(name, dtype):
    """A float number makes floats of the default type; a whole one changes nothing."""
    x = lampas.ones(2, dtype=getattr(lampas, dtype))
    assert getattr(lampas, name)(x, 1.5).dtype is lampas.float32
    whole = {"div": "float32", "xlogy": "float32"}.get(name, dtype)
    if dtype == "bool" and name not in ("div", "xlogy"):
        whole = "int64"
    assert getattr(lampas, name)(x, 2).dtype is getattr(lampas, whole)


def test_a_power_of_bools_is_a_bool():
    x = lampas.tensor([True, False])
    assert (x**True).tolist() == [True, False]
    assert (x**False).tolist() == [True, True]


@pytest.mark.parametrize(
    "call",
    [
        lambda x: x - True,
        lambda x: True - x,
        lambda x: x - lampas.tensor([True]),
        lambda x: lampas.tensor([True]) - x,
        lambda x: x.sub(True),
    ],
)
def test_bools_are_not_subtracted(call):
    with pytest.raises(DTypeError, match="subtraction"):
        call(lampas.ones(1))


@pytest.mark.parametrize(
    "call",
    [
        lambda z: z < z,
        lambda z: z >= 1.0,
        lambda z: lampas.ones(1) > z,
        lambda z: lampas.ones(1) <= 1j,
        lambda z: lampas.ones(1).clamp(min=1j),
        lambda z: lampas.maximum(z, z),
    ],
)
def test_complex_numbers_have_no_order(call):
    with pytest.raises(DTypeError, match="no order"):
        call(lampas.ones(1, dtype=lampas.complex64))


def test_mixed_kinds_of_logaddexp():
    x, y = lampas.tensor([0, 1]), lampas.tensor([0.0, 0.5])
    found = lampas.logaddexp(x, y)
    assert found.dtype is lampas.float32
    np.testing.assert_allclose(found.numpy(), np.logaddexp([0, 1], [0.0, 0.5]), 1e-6)


def test_bits_of_floats_are_refused():
    with pytest.raises(DTypeError, match="not implemented for lampas.float32"):
        _ = ~lampas.ones(1)

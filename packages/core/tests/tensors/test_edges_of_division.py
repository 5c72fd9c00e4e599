"""Division, shifts and casts where an integer or a float has no room."""

import math

import numpy as np
import pytest

import lampas
from lampas.errors import DTypeError

SIGNED = ["int8", "int16", "int32", "int64"]
INTEGERS = ["uint8", *SIGNED]
CALLS = {
    "floor_divide": lampas.floor_divide,
    "remainder": lampas.remainder,
    "fmod": lampas.fmod,
    "floor": lambda x, y: lampas.div(x, y, rounding_mode="floor"),
    "trunc": lambda x, y: lampas.div(x, y, rounding_mode="trunc"),
}


def _wanted(name, a, b):
    """By Python's integers, which are exact."""
    if name in ("floor_divide", "floor"):
        return a // b
    if name == "remainder":
        return a % b
    towards_zero = abs(a) // abs(b) * (1 if (a < 0) == (b < 0) else -1)
    return towards_zero if name == "trunc" else a - b * towards_zero


def _edges(dtype):
    info = np.iinfo(dtype)
    near = [info.min, info.min + 1, -7, -1, 1, 2, 7, info.max - 1, info.max]
    return [v for v in near if v >= info.min]


@pytest.mark.parametrize("dtype", INTEGERS)
@pytest.mark.parametrize("name", CALLS)
def test_quotients_and_remainders_of_all_pairs(name, dtype):
    pairs = [(a, b) for a in _edges(dtype) for b in _edges(dtype) if b]
    x, y = (
        lampas.tensor(list(v), dtype=getattr(lampas, dtype))
        for v in zip(*pairs, strict=True)
    )
    wanted = np.array([_wanted(name, a, b) for a, b in pairs], object)
    # The least integer over -1 is beyond the type and wraps around.
    low, size = np.iinfo(dtype).min, 2 ** np.iinfo(dtype).bits
    wrapped = [(int(v) - low) % size + low for v in wanted]
    assert CALLS[name](x, y).tolist() == wrapped


@pytest.mark.parametrize("dtype", INTEGERS)
@pytest.mark.parametrize("name", CALLS)
def test_integers_over_zero_are_refused(name, dtype):
    x = lampas.ones(3, dtype=getattr(lampas, dtype))
    for zero in (0, x * 0):
        with pytest.raises(RuntimeError, match="other has a zero"):
            CALLS[name](x, zero)
    assert lampas.div(x, 0).tolist() == [math.inf] * 3


@pytest.mark.parametrize("name", CALLS)
def test_bools_are_not_divided(name):
    x = lampas.tensor([True, False])
    for other in (x, lampas.tensor(True)):
        with pytest.raises(DTypeError, match="bools are not divided"):
            CALLS[name](x, other)
    with pytest.raises(DTypeError, match="bools are not divided"):
        x // True
    assert CALLS[name](x, 1).dtype is lampas.int64


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_floats_over_zero_and_infinity(dtype):
    inf, nan = math.inf, math.nan
    rows = [
        # a, b, a // b, remainder, fmod
        (1.0, 0.0, inf, nan, nan),
        (-1.0, 0.0, -inf, nan, nan),
        (0.0, 0.0, nan, nan, nan),
        (5.5, inf, 0.0, 5.5, 5.5),
        (-5.5, inf, -1.0, inf, -5.5),
        (5.5, -inf, -1.0, -inf, 5.5),
        (inf, 2.0, nan, nan, nan),
        (nan, 2.0, nan, nan, nan),
        (-5.5, 2.0, -3.0, 0.5, -1.5),
    ]
    a, b, quotient, remainder, rest = (
        lampas.tensor(list(column), dtype=getattr(lampas, dtype))
        for column in zip(*rows, strict=True)
    )
    for found, wanted in (
        (a // b, quotient),
        (a % b, remainder),
        (lampas.fmod(a, b), rest),
    ):
        np.testing.assert_array_equal(found.numpy(), wanted.numpy())


@pytest.mark.parametrize("dtype", INTEGERS)
def test_shifts_by_the_width_and_beyond(dtype):
    bits, kind = np.iinfo(dtype).bits, getattr(lampas, dtype)
    x = lampas.tensor([1, 3, np.iinfo(dtype).max, np.iinfo(dtype).min], dtype=kind)
    for by in (bits, bits + 1):
        assert (x << by).tolist() == [0, 0, 0, 0]
        sign = 0 if dtype == "uint8" else -1
        assert (x >> by).tolist() == [0, 0, 0, sign]


@pytest.mark.parametrize("dtype", SIGNED)
def test_the_least_integer_has_no_absolute_value(dtype):
    low = np.iinfo(dtype).min
    x = lampas.tensor([low, low + 1], dtype=getattr(lampas, dtype))
    for change in (lampas.abs, lampas.neg):
        assert change(x).tolist() == [low, -(low + 1)]


@pytest.mark.parametrize("source", ["float16", "bfloat16", "float32", "float64"])
def test_floats_as_integers(source):
    x = lampas.tensor([2.9, -2.9, 100.0, -100.0], dtype=getattr(lampas, source))
    for dtype in SIGNED:
        assert x.to(getattr(lampas, dtype)).tolist() == [2, -2, 100, -100]
    none = lampas.tensor([math.nan, math.inf, -math.inf], dtype=getattr(lampas, source))
    for dtype in ("int32", "int64"):
        low = np.iinfo(dtype).min
        assert none.to(getattr(lampas, dtype)).tolist() == [low] * 3
    assert none.bool().tolist() == [True] * 3


@pytest.mark.parametrize("dtype", INTEGERS)
def test_masks_fill_integers_with_the_whole_part(dtype):
    x = lampas.ones(2, dtype=getattr(lampas, dtype))
    mask = lampas.tensor([True, False])
    for value in (2.5, lampas.tensor(2.5)):
        assert x.masked_fill(mask, value).tolist() == [2, 1]
    for value in (1j, math.nan, math.inf):
        with pytest.raises(DTypeError, match="masked_fill"):
            x.masked_fill(mask, value)


def test_filling_with_numbers_that_do_not_fit():
    x = lampas.zeros(2, dtype=lampas.uint8)
    assert x.fill_(-1).tolist() == [255, 255]
    assert x.fill_(2.5).tolist() == [2, 2]
    for value in (1j, math.nan):
        with pytest.raises(DTypeError, match="fill_"):
            x.fill_(value)

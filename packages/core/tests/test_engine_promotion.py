"""The dtype of results: PyTorch's table, weak 0-d tensors and numbers."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import lampas

NAMES = (
    "bool uint8 int8 int16 int32 int64 float16 bfloat16 float32 float64 complex64 "
    "complex128"
).split()

# torch.promote_types, row and column in the order of NAMES.
SHORT = {
    "b": "bool", "u1": "uint8", "i1": "int8", "i2": "int16", "i4": "int32",
    "i8": "int64", "f2": "float16", "bf": "bfloat16", "f4": "float32",
    "f8": "float64", "c8": "complex64", "c16": "complex128",
}  # fmt: skip
TABLE = """
b   u1  i1  i2  i4  i8  f2  bf  f4  f8  c8  c16
u1  u1  i2  i2  i4  i8  f2  bf  f4  f8  c8  c16
i1  i2  i1  i2  i4  i8  f2  bf  f4  f8  c8  c16
i2  i2  i2  i2  i4  i8  f2  bf  f4  f8  c8  c16
i4  i4  i4  i4  i4  i8  f2  bf  f4  f8  c8  c16
i8  i8  i8  i8  i8  i8  f2  bf  f4  f8  c8  c16
f2  f2  f2  f2  f2  f2  f2  f4  f4  f8  c8  c16
bf  bf  bf  bf  bf  bf  f4  bf  f4  f8  c8  c16
f4  f4  f4  f4  f4  f4  f4  f4  f4  f8  c8  c16
f8  f8  f8  f8  f8  f8  f8  f8  f8  f8  c16 c16
c8  c8  c8  c8  c8  c8  c8  c8  c8  c16 c8  c16
c16 c16 c16 c16 c16 c16 c16 c16 c16 c16 c16 c16
"""
ROWS = [[SHORT[s] for s in line.split()] for line in TABLE.strip().splitlines()]
PROMOTED = {
    (a, b): ROWS[i][j] for i, a in enumerate(NAMES) for j, b in enumerate(NAMES)
}


def dtype(name):
    return lampas.bool if name == "bool" else getattr(lampas, name)


@pytest.mark.parametrize(("pair", "wanted"), PROMOTED.items(), ids=lambda v: str(v))
def test_two_tensors_give_what_the_table_says(pair, wanted):
    a, b = map(dtype, pair)
    assert lampas.promote_types(a, b) is dtype(wanted)
    got = lampas.ones(2, dtype=a) * lampas.ones(2, dtype=b)
    assert got.dtype is dtype(wanted)


@pytest.mark.parametrize(
    ("tensor", "other", "wanted"),
    [
        ("float32", ("0-d", "float64"), "float32"),
        ("float16", ("0-d", "float64"), "float16"),
        ("int64", ("0-d", "float16"), "float16"),
        ("int8", ("0-d", "int64"), "int8"),
        ("bool", ("0-d", "uint8"), "uint8"),
        ("float32", ("0-d", "complex128"), "complex64"),
        ("uint8", ("number", 3), "uint8"),
        ("uint8", ("number", 3.5), "float32"),
        ("bool", ("number", 3), "int64"),
        ("bool", ("number", True), "bool"),
        ("float16", ("number", 3.5), "float16"),
        ("float64", ("number", 1j), "complex128"),
        ("float32", ("number", 1j), "complex64"),
        ("int64", ("number", 1j), "complex64"),
    ],
)
def test_0_d_tensors_and_numbers_are_weak(tensor, other, wanted):
    kind, value = other
    weak = value if kind == "number" else lampas.ones((), dtype=dtype(value))
    x = lampas.ones(2, dtype=dtype(tensor))
    assert (x * weak).dtype is dtype(wanted)
    assert (weak * x).dtype is dtype(wanted)


def test_division_of_integers_gives_the_default_type():
    x = lampas.ones(2, dtype=lampas.int64)
    assert (x / x).dtype is lampas.float32
    lampas.set_default_dtype(lampas.float64)
    assert (x / x).dtype is lampas.float64
    assert lampas.exp(x).dtype is lampas.float64


@given(st.sampled_from(NAMES), st.sampled_from(NAMES), st.sampled_from(NAMES))
def test_promotion_is_commutative_and_idempotent(a, b, c):
    a, b, c = map(dtype, (a, b, c))
    promote = lampas.promote_types
    assert promote(a, b) is promote(b, a)
    assert promote(a, promote(a, b)) is promote(a, b)


@given(st.lists(st.integers(1, 3), max_size=3), st.lists(st.integers(1, 3), max_size=3))
def test_shapes_broadcast_as_numpy_says(a, b):
    x, y = lampas.zeros(a), lampas.zeros(b)
    try:
        wanted = np.broadcast_shapes(a, b)
    except ValueError:
        with pytest.raises(RuntimeError, match="can't be broadcast"):
            x + y
    else:
        assert (x + y).shape == wanted


def test_dtypes_of_reductions():
    small = lampas.ones(3, dtype=lampas.int8)
    assert small.sum().dtype is lampas.int64
    assert small.prod().dtype is lampas.int64
    assert small.cumsum(0).dtype is lampas.int64
    assert lampas.ones(3, dtype=lampas.bool).sum().item() == 3
    assert lampas.ones(3, dtype=lampas.uint8).all().dtype is lampas.uint8
    assert lampas.ones(3, dtype=lampas.float16).sum().dtype is lampas.float16
    with pytest.raises(RuntimeError, match="floating or complex"):
        small.mean()


def test_numbers_out_of_range_wrap_as_in_the_dtype():
    x = lampas.tensor([1], dtype=lampas.uint8)
    assert (x + 255).tolist() == [0]


def test_numpy_doubles_are_as_weak_as_python_numbers():
    x = lampas.ones(2, requires_grad=True)
    for y in (x / np.sqrt(4.0), np.sqrt(4.0) * x, x - np.float64(1), 1 / x):
        assert y.dtype == lampas.float32
    (x * np.float64(3)).sum().backward()
    assert x.grad.dtype == lampas.float32
    assert x.grad.tolist() == [3.0, 3.0]
    whole = lampas.ones(2, dtype=lampas.int32)
    assert (whole * np.float64(1)).dtype == lampas.float32
    assert (x.detach() * np.complex128(1j)).dtype == lampas.complex64


WHOLE = {
    "add": lambda a, b: a + b,
    "sub": lambda a, b: a - b,
    "mul": lambda a, b: a * b,
    "div": lambda a, b: a / b,
    "div_floor": lambda a, b: a // b,
    "remainder": lambda a, b: a % b,
    "bitwise_and": lambda a, b: a & b,
    "bitwise_left_shift": lambda a, b: a << b,
    "eq": lambda a, b: a == b,
    "ge": lambda a, b: a >= b,
}


@pytest.mark.parametrize("name", WHOLE)
def test_integers_and_a_number_either_way_round(name):
    """What the short path for int64 gives, by Python's own integers."""
    compute = WHOLE[name]
    values = [7, -7, 3, 1]
    x = lampas.tensor(values)
    assert compute(x, 3).tolist() == pytest.approx([compute(v, 3) for v in values])
    assert compute(x, x.abs()).tolist() == pytest.approx(
        [compute(v, abs(v)) for v in values]
    )
    assert compute(20, x[2:]).tolist() == pytest.approx(
        [compute(20, 3), compute(20, 1)]
    )


def test_integers_keep_what_the_complete_path_does():
    x = lampas.tensor([1, 2])
    assert (x + 1.5).dtype is lampas.float32
    assert (x + True).tolist() == [2, 3]
    with pytest.raises(RuntimeError, match=r"add.*\(2,\).*\(3,\)"):
        x + lampas.tensor([1, 2, 3])
    mask = lampas.tensor([True, False])
    assert (mask + mask).dtype is lampas.bool
    with pytest.raises(RuntimeError, match="bool"):
        mask - mask
    with pytest.raises(TypeError):
        x + "1"


def test_the_short_path_of_one_dtype_takes_numbers_and_leaves_others_alone():
    """relu6, leaky slopes, powers and linear: gradient by the rule written out."""
    x = lampas.tensor([2.0, -3.0], requires_grad=True)
    y = x**3
    y.backward(lampas.ones(2))
    assert x.grad.tolist() == [12.0, 27.0]
    assert (lampas.tensor([2, 3]) ** 2).dtype is lampas.int64
    assert (x.detach() ** lampas.tensor([2.0], dtype=lampas.float64)).dtype is (
        lampas.float64
    )
    weight = lampas.ones(1, 2, dtype=lampas.float64)
    got = lampas.nn.functional.linear(x.detach(), weight, lampas.tensor([1.0]))
    assert got.tolist() == [0.0]


def test_one_integer_or_bool_tensor():
    x = lampas.tensor([2, -3])
    assert (~x).tolist() == [-3, 2]
    assert (-x).tolist() == [-2, 3]
    assert abs(x).tolist() == [2, 3]
    assert (~lampas.tensor([True, False])).tolist() == [False, True]
    assert lampas.exp(x).dtype is lampas.float32
    assert lampas.floor(x).dtype is lampas.int64
    with pytest.raises(RuntimeError, match="bool"):
        -lampas.tensor([True])


def test_a_long_list_is_read_as_a_short_one():
    values = [1, 2.5, True] * 20
    assert lampas.tensor(values).tolist() == [float(v) for v in values]
    mixed = [*values, lampas.tensor(4.0)]
    assert lampas.tensor(mixed).tolist() == [*map(float, values), 4.0]

"""``lampas.testing``: what is close, what a failure says, random tensors."""

from __future__ import annotations

import math

import numpy as np
import pytest

import lampas
from lampas.testing import assert_close, make_tensor

tensor = lampas.tensor


def text_of(*args, **options):
    with pytest.raises(AssertionError) as caught:
        assert_close(*args, **options)
    return str(caught.value)


def test_counts_greatest_differences_and_places_are_told():
    actual, expected = tensor([[1.0, 2.0], [3.0, 4.0]]), tensor([[1.0, 2.5], [3.5, 4]])
    assert text_of(actual, expected) == (
        "Tensor-likes are not close!\n\n"
        "Mismatched elements: 2 / 4 (50.0%)\n"
        "Greatest absolute difference: 0.5 at index (0, 1) (up to 1e-05 allowed)\n"
        "Greatest relative difference: 0.2 at index (0, 1) (up to 1.3e-06 allowed)"
    )


def test_integers_must_be_equal():
    assert text_of(tensor([1, 2, 3]), tensor([1, 2, 4])) == (
        "Tensor-likes are not equal!\n\n"
        "Mismatched elements: 1 / 3 (33.3%)\n"
        "Greatest absolute difference: 1 at index (2,)\n"
        "Greatest relative difference: 0.25 at index (2,)"
    )
    assert_close(
        tensor([200], dtype=lampas.uint8),
        tensor([201], dtype=lampas.uint8),
        rtol=0,
        atol=1,
    )


def test_a_difference_of_bytes_does_not_wrap_around():
    pair = tensor([200], dtype=lampas.uint8), tensor([1], dtype=lampas.uint8)
    assert "difference: 199 at index (0,)" in text_of(*pair)


@pytest.mark.parametrize(
    ("dtype", "rtol"),
    [("float16", 1e-3), ("bfloat16", 1.6e-2), ("float32", 1.3e-6), ("float64", 1e-7)],
)
def test_tolerances_follow_the_dtype(dtype, rtol):
    kind = getattr(lampas, dtype)
    expected = tensor([64.0], dtype=lampas.float64)
    near, far = (tensor([64.0 * (1 + k * rtol)], dtype=kind) for k in (0.9, 2.1))
    assert_close(near.double(), expected.to(kind).double(), rtol=rtol, atol=1e-5)
    assert_close(near, expected.to(kind))
    text_of(far, expected.to(kind))
    # Of two dtypes the wider tolerances count.
    assert_close(near, expected, check_dtype=False)


def test_scalars_have_a_text_of_their_own():
    assert text_of(1.0, 1.5) == (
        "Scalars are not close!\n\n"
        "Expected 1.5 but got 1.0.\n"
        "Absolute difference: 0.5 (up to 1e-07 allowed)\n"
        "Relative difference: 0.3333333333333333 (up to 1e-07 allowed)"
    )
    assert text_of(tensor(1.0), tensor(2.0)).startswith("Scalars are not close!")
    assert text_of(1, 2).startswith("Scalars are not equal!")
    assert text_of(1, 1.0) == (
        "The (d)types do not match: <class 'int'> != <class 'float'>."
    )
    assert_close(1, 1.0, check_dtype=False)
    assert_close(1 + 1j, 1 + 1j)
    assert text_of(True, False) == "Booleans mismatch: True is not False"
    assert text_of(None, 1) == "None mismatch: None is not 1"
    assert_close(None, None)


def test_the_place_in_containers_is_told():
    actual = {"a": [tensor([1.0]), 2], "b": ()}
    assert_close(actual, {"b": [], "a": (tensor([1.0]), 2)})
    assert text_of(actual, {"a": [tensor([1.0]), 3], "b": ()}).endswith(
        "The failure occurred for item ['a'][1]"
    )
    assert text_of([1], [1, 2]) == "The length of the sequences mismatch: 1 != 2"
    assert text_of({"a": 1}, {"b": 1}) == (
        "The keys of the mappings do not match:\n"
        "Missing keys in the actual mapping: ['b']\n"
        "Additional keys in the actual mapping: ['a']"
    )


def test_nan_and_infinity():
    nan, inf = tensor([math.nan, 1.0]), tensor([math.inf, -math.inf])
    assert "difference: nan at index (0,)" in text_of(nan, nan)
    assert_close(nan, nan.clone(), equal_nan=True)
    assert_close(math.nan, math.nan, equal_nan=True)
    assert_close(inf, inf.clone())
    assert "difference: inf at index (0,)" in text_of(tensor([math.inf]), tensor([1.0]))
    # An infinity allows no finite number beside it.
    text_of(tensor([1.0]), tensor([math.inf]), rtol=1.0, atol=1.0)


def test_attributes_are_compared():
    one = tensor([[1.0, 2.0], [3.0, 4.0]])
    assert text_of(one, one[0]) == (
        "The values for attribute 'shape' do not match: "
        "lampas.Size([2, 2]) != lampas.Size([2])."
    )
    assert "attribute 'dtype'" in text_of(one, one.double())
    assert "attribute 'device'" in text_of(one, one.to("sim"))
    assert_close(one, one.to("sim"), check_device=False)
    turned = one.t().contiguous().t()
    assert_close(one, turned)
    assert "attribute 'stride()' do not match: (2, 1) != (1, 2)" in text_of(
        one, turned, check_stride=True
    )


def test_a_text_of_ones_own():
    assert text_of(1.0, 2.0, msg="wrong") == "wrong"
    assert text_of(1.0, 2.0, msg=lambda m: "so: " + m).startswith("so: Scalars")


def test_arrays_and_gradients():
    assert_close(np.ones(2), np.ones(2))
    assert_close(tensor([1.0], requires_grad=True), tensor([1.0]))
    assert_close(lampas.nn.Parameter(tensor([1.0])), tensor([1.0]))
    assert_close(lampas.empty(0), lampas.empty(0))


@pytest.mark.parametrize(
    "pair", [("a", "a"), (1, tensor(1)), (np.ones(1), tensor([1.0])), (True, 1)]
)
def test_kinds_that_do_not_compare(pair):
    with pytest.raises(TypeError, match="assert_close compares"):
        assert_close(*pair)


def test_derived_classes():
    class Marked(lampas.Tensor):
        pass

    marked = tensor([1.0]).as_subclass(Marked)
    assert_close(marked, tensor([1.0]))
    with pytest.raises(TypeError):
        assert_close(marked, tensor([1.0]), allow_subclasses=False)


def test_tolerances_come_in_pairs():
    with pytest.raises(ValueError, match="atol is missing"):
        assert_close(1.0, 1.0, rtol=1.0)
    with pytest.raises(ValueError, match=">= 0"):
        assert_close(1.0, 1.0, rtol=-1.0, atol=0.0)


# ---- make_tensor

DTYPES = "bool uint8 int8 int32 int64 float16 bfloat16 float32 float64".split()


@pytest.mark.parametrize("name", DTYPES)
def test_random_values_fill_the_interval(name):
    kind = getattr(lampas, name)
    array = make_tensor(4000, dtype=kind, device="cpu").double().numpy()
    low, high = {"bool": (0, 1), "uint8": (0, 9)}.get(name, (-9, 9))
    assert low <= array.min() < low + 0.1
    assert high - 0.1 < array.max() <= high
    if kind.is_floating_point:
        assert array.max() < 9


def test_the_upper_bound_is_never_reached():
    # Three bfloat16 numbers lie in the interval: rounding up would give the fourth.
    drawn = make_tensor(999, dtype=lampas.bfloat16, device="cpu", low=1, high=1.0234375)
    assert set(drawn.tolist()) == {1.0, 1.0078125, 1.015625}


def test_random_complex_numbers():
    z = make_tensor(500, dtype=lampas.complex64, device="cpu", low=0, high=1)
    assert z.dtype is lampas.complex64
    for part in (z.real, z.imag):
        assert 0 <= part.min() < 0.1
        assert 0.9 < part.max() < 1


def test_memory_with_gaps_and_without():
    spread = make_tensor((3, 4), dtype=lampas.float32, device="cpu", noncontiguous=True)
    assert spread.stride() == (8, 2)
    scalar = make_tensor((), dtype=lampas.float32, device="cpu", noncontiguous=True)
    assert scalar.shape == ()


def test_zero_can_be_left_out():
    whole = make_tensor(
        500, dtype=lampas.int32, device="cpu", low=-1, high=2, exclude_zero=True
    )
    assert set(whole.tolist()) == {-1, 1}
    leaf = make_tensor(
        3, dtype=lampas.float32, device="cpu", exclude_zero=True, requires_grad=True
    )
    assert leaf.is_leaf
    assert leaf.requires_grad


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"low": 1, "high": 1}, "less than high"),
        ({"low": math.nan}, "NaN"),
        ({"low": 1e39, "high": 2e39}, "only holds"),
        ({"low": 0.2, "high": 0.4, "dtype": lampas.int8}, "no integer"),
        ({"requires_grad": True, "dtype": lampas.int8}, "floating"),
        ({"noncontiguous": True, "memory_format": lampas.channels_last}, "not both"),
    ],
)
def test_requests_that_make_no_sense(options, text):
    with pytest.raises(ValueError, match=text):
        make_tensor(3, **{"dtype": lampas.float32, "device": "cpu", **options})


def test_the_seed_decides():
    drawn = []
    for _ in range(2):
        lampas.manual_seed(5)
        drawn.append(make_tensor(9, dtype=lampas.float32, device="cpu"))
    assert_close(*drawn, rtol=0, atol=0)

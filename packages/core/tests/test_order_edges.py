"""NaN, bool, complex numbers and nothing at all where elements are put in order."""

import numpy as np
import pytest

import lampas

NAN, INF = float("nan"), float("inf")
FLOATS = [lampas.float64, lampas.float32, lampas.float16, lampas.bfloat16]


@pytest.mark.parametrize("dtype", FLOATS)
def test_nan_is_the_largest_in_every_float(dtype):
    x = lampas.tensor([[NAN, 1.0, 2.0], [INF, -INF, 0.0]], dtype=dtype)
    values, indices = lampas.sort(x)
    np.testing.assert_array_equal(values.tolist(), [[1, 2, NAN], [-INF, 0, INF]])
    assert indices.tolist() == [[1, 2, 0], [1, 2, 0]]
    assert lampas.argsort(x, 1, descending=True).tolist() == [[0, 2, 1], [0, 2, 1]]
    np.testing.assert_array_equal(lampas.msort(x)[1].tolist(), [NAN, 1, 2])
    np.testing.assert_array_equal(lampas.topk(x, 1).values.tolist(), [[NAN], [INF]])
    assert lampas.kthvalue(x, 1).values.tolist() == [1, -INF]
    distinct = lampas.unique(lampas.tensor([2.0, NAN, -1.0, 2.0], dtype=dtype))
    assert distinct.dtype is dtype
    np.testing.assert_array_equal(distinct.tolist(), [-1, 2, NAN])


@pytest.mark.parametrize("dtype", FLOATS)
def test_mode_takes_nan_as_the_smallest(dtype):
    rows = [[NAN, 1.0, 2.0, 3.0], [2.0, NAN, 2.0, NAN], [5.0, 4.0, 5.0, 4.0]]
    values, indices = lampas.mode(lampas.tensor(rows, dtype=dtype))
    np.testing.assert_array_equal(values.tolist(), [NAN, 2, 4])
    assert indices.tolist() == [0, 2, 3]


def test_any_and_all_reduce_nothing_if_told_no_dimension():
    x = lampas.tensor([[0, 2], [0, 0]])
    assert x.any(dim=()).tolist() == [[False, True], [False, False]]
    assert x.all(dim=()).tolist() == [[False, True], [False, False]]
    assert x.any(dim=None).tolist() is True
    assert x.sum(dim=()).item() == 2


@pytest.mark.parametrize(
    ("make", "text"),
    [
        (lambda: lampas.topk(lampas.tensor([True]), 1), "topk is not implemented"),
        (lambda: lampas.kthvalue(lampas.tensor([True]), 1), "kthvalue is not"),
        (lambda: lampas.trace(lampas.tensor([[True]])), "trace is not implemented"),
        (lambda: lampas.unique(lampas.tensor([1j])), "unique is not implemented"),
        (lambda: lampas.unique_consecutive(lampas.tensor([1j])), "not implemented"),
        (lambda: lampas.unique(lampas.zeros(2, 0), dim=0), "have no elements"),
        (lambda: lampas.unique_consecutive(lampas.zeros(0, 2), dim=1), "have no"),
    ],
)
def test_refused(make, text):
    with pytest.raises(RuntimeError, match=text):
        make()


def test_no_slices_are_distinct():
    assert lampas.unique(lampas.zeros(0, 2), dim=0).shape == (0, 2)
    assert lampas.unique_consecutive(lampas.zeros(2, 0), dim=1).shape == (2, 0)

"""Places that are named several times: the last value stays, sums gather all."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import lampas


@st.composite
def places(draw):
    """A shape, index arrays for its first dimensions, and values for what they name."""
    shape = tuple(draw(st.lists(st.integers(1, 3), min_size=1, max_size=3)))
    used = draw(st.integers(1, len(shape)))
    common = draw(st.sampled_from([(4,), (2, 3), (1,), (0,)]))
    count = int(np.prod(common))
    index = []
    for size in shape[:used]:
        each = st.integers(-size, size - 1)
        drawn = draw(st.lists(each, min_size=count, max_size=count))
        index.append(np.array(drawn, dtype=np.int64).reshape(common))
    rng = np.random.default_rng(draw(st.integers(0, 99)))
    values = rng.integers(-9, 9, (*common, *shape[used:])).astype(np.float64)
    return rng.integers(-9, 9, shape).astype(np.float64), tuple(index), values


def tensors(index):
    return tuple(lampas.from_numpy(i) for i in index)


@settings(max_examples=150, deadline=None)
@given(places())
def test_sums_gather_all(case):
    array, index, values = case
    wanted = array.copy()
    np.add.at(wanted, index, values)
    x, v = lampas.from_numpy(array.copy()), lampas.from_numpy(values)
    got = lampas.index_put(x, tensors(index), v, accumulate=True)
    np.testing.assert_array_equal(got.numpy(), wanted)
    np.testing.assert_array_equal(x.numpy(), array)
    x.index_put_(tensors(index), v, accumulate=True)
    np.testing.assert_array_equal(x.numpy(), wanted)


@settings(max_examples=150, deadline=None)
@given(places())
def test_the_last_value_stays(case):
    array, index, values = case
    wanted = array.copy()
    wanted[index] = values
    x = lampas.from_numpy(array.copy())
    x[tensors(index)] = lampas.from_numpy(values)
    np.testing.assert_array_equal(x.numpy(), wanted)


@settings(max_examples=100, deadline=None)
@given(places())
def test_gradients_of_reading_gather_all(case):
    """Each element has as much as it was read: the transpose of reading."""
    array, index, values = case
    x = lampas.from_numpy(array.copy()).requires_grad_()
    x[tensors(index)].backward(lampas.from_numpy(values))
    wanted = np.zeros_like(array)
    np.add.at(wanted, index, values)
    np.testing.assert_array_equal(x.grad.numpy(), wanted)


@pytest.mark.parametrize("dim", [0, 1, -1])
def test_sums_along_a_dimension(dim):
    rng = np.random.default_rng(0)
    x, source = rng.standard_normal((2, 3, 4)), rng.standard_normal((2, 3, 4))
    index = np.array([1, 0, 1, 1])[: x.shape[dim]]
    wanted = x.copy()
    np.add.at(np.moveaxis(wanted, dim, 0), index, np.moveaxis(source, dim, 0))
    args = dim, lampas.from_numpy(index), lampas.from_numpy(source)
    got = lampas.from_numpy(x).index_add(*args)
    np.testing.assert_allclose(got.numpy(), wanted, rtol=1e-14)
    wide = np.moveaxis(
        np.broadcast_to(index, (*np.delete(x.shape, dim), len(index))), -1, dim
    )
    got = lampas.from_numpy(x).scatter_add(
        dim, lampas.from_numpy(np.ascontiguousarray(wide)), args[2]
    )
    np.testing.assert_allclose(got.numpy(), wanted, rtol=1e-14)


@pytest.mark.parametrize("dtype", [lampas.int32, lampas.bool, lampas.float16])
def test_sums_of_other_types(dtype):
    x = lampas.zeros(2, dtype=dtype)
    i = lampas.tensor([1, 1, 1])
    got = x.index_put((i,), lampas.ones(3, dtype=dtype), accumulate=True)
    assert got.dtype is dtype
    assert got.tolist() == [0, 1 if dtype is lampas.bool else 3]

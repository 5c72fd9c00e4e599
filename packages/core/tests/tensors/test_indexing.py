"""``x[index]`` and ``x[index] = value`` in all forms, against NumPy."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import lampas


def slices(size):
    bound = st.none() | st.integers(-size - 2, size + 2)
    return st.builds(slice, bound, bound, st.none() | st.integers(1, 3))


def places(draw, size, shape):
    """Whole numbers that index a dimension; as array, list or tensor."""
    count = int(np.prod(shape))
    numbers = draw(
        st.lists(st.integers(-size, size - 1), min_size=count, max_size=count)
    )
    return np.array(numbers, dtype=np.int64).reshape(shape)


@st.composite
def cases(draw):
    """A shape and an index that fits it.

    Integers stand only beside basic items: next to arrays, PyTorch takes them as a step
    of their own while NumPy broadcasts them.
    """
    shape = tuple(draw(st.lists(st.integers(0, 4), min_size=1, max_size=4)))
    advanced = draw(st.booleans())
    common = draw(st.sampled_from([(), (2,), (3, 2), (1,)]))
    index, dim = [], 0
    used = draw(st.integers(0, len(shape)))
    while dim < used:
        size = shape[dim]
        kinds = ["slice", "none"]
        if size:
            kinds += ["array", "mask"] if advanced else ["int"]
        elif advanced:
            kinds.append("mask")
        kind = draw(st.sampled_from(kinds))
        if kind == "none":
            if sum(i is None for i in index) < 2:
                index.append(None)
            continue
        if kind == "int":
            index.append(draw(st.integers(-size, size - 1)))
        elif kind == "slice":
            index.append(draw(slices(size)))
        elif kind == "array":
            index.append(places(draw, size, common or (1,)))
        else:
            mask = draw(st.lists(st.booleans(), min_size=size, max_size=size))
            # One true place broadcasts against every other array.
            mask = [i == 0 for i, _ in enumerate(mask)] if size else mask
            index.append(np.array(mask, dtype=bool))
        dim += 1
    if draw(st.booleans()):
        # What stands behind an Ellipsis counts from the end; here that is nothing.
        index.append(Ellipsis)
    try:
        np.empty(shape)[tuple(index)]
    except IndexError:
        index = [i for i in index if not isinstance(i, np.ndarray)]
    return shape, tuple(index)


def ours(index, how):
    """The index with its arrays as NumPy arrays, tensors or lists."""
    forms = {
        "array": lambda a: a,
        "tensor": lampas.from_numpy,
        "list": lambda a: a.tolist() if a.size else a,
    }
    return tuple(forms[how](i) if isinstance(i, np.ndarray) else i for i in index)


FORMS = st.sampled_from(["array", "tensor", "list"])


def numbered(shape):
    return np.arange(1.0, 1.0 + np.prod(shape)).reshape(shape)


@settings(max_examples=300, deadline=None)
@given(cases(), FORMS)
def test_reading(case, how):
    shape, index = case
    x = lampas.from_numpy(numbered(shape)).requires_grad_()
    wanted = numbered(shape)[index]
    y = x[ours(index, how)]
    assert tuple(y.shape) == wanted.shape
    np.testing.assert_array_equal(y.detach().numpy(), wanted)
    weights = np.cos(np.arange(wanted.size)).reshape(wanted.shape)
    y.backward(lampas.tensor(weights, dtype=lampas.float64))
    gradient = np.zeros(shape)
    np.add.at(gradient, index, weights)
    np.testing.assert_allclose(x.grad.numpy(), gradient, rtol=1e-14, atol=1e-14)


@settings(max_examples=300, deadline=None)
@given(cases(), FORMS, st.booleans())
def test_writing(case, how, single):
    shape, index = case
    names = np.arange(np.prod(shape)).reshape(shape)[index]
    if len(np.unique(names)) != names.size:
        index = tuple(i for i in index if not isinstance(i, np.ndarray))
        names = np.arange(np.prod(shape)).reshape(shape)[index]
    values = np.array(-1.5) if single else -1.0 - numbered(names.shape)
    wanted = numbered(shape)
    wanted[index] = values
    x = lampas.from_numpy(numbered(shape)).requires_grad_()
    v = lampas.tensor(values, dtype=lampas.float64, requires_grad=True)
    y = x.clone()
    y[ours(index, how)] = v
    np.testing.assert_array_equal(y.detach().numpy(), wanted)
    weights = np.cos(np.arange(wanted.size)).reshape(shape)
    y.backward(lampas.from_numpy(weights))
    kept = weights.copy()
    kept[index] = 0
    # Where all is overwritten, nothing of x is left in the history.
    grad = np.zeros(shape) if x.grad is None else x.grad.numpy()
    np.testing.assert_array_equal(grad, kept)
    into = weights[index].sum() if single else weights[index]
    np.testing.assert_allclose(v.grad.numpy(), into, rtol=1e-14, atol=1e-14)


# ---- what differs from NumPy, and forms of their own


def cube():
    return lampas.arange(24).reshape(2, 3, 4)


def test_an_integer_beside_arrays_is_a_step_of_its_own():
    # NumPy would give (2, 3) here: it broadcasts the 0 with the list.
    y = cube()[0, :, [1, 2]]
    assert y.tolist() == [[1, 2], [5, 6], [9, 10]]


def test_masks_of_several_dimensions():
    mask = lampas.tensor([[True, False, False], [False, False, True]])
    assert cube()[mask].tolist() == [[0, 1, 2, 3], [20, 21, 22, 23]]
    assert cube()[mask, 1].tolist() == [1, 21]
    assert cube()[lampas.zeros(2, 3, 4, dtype=lampas.bool)].shape == (0,)


def test_bools_and_tensors_without_dimensions():
    x = lampas.tensor([1, 2, 3])
    assert x[True].tolist() == [[1, 2, 3]]
    assert x[False].shape == (0, 3)
    assert x[lampas.tensor(1)].item() == 2
    assert x[lampas.tensor(True)].tolist() == [[1, 2, 3]]
    x[lampas.tensor(-1)] = 7
    assert x.tolist() == [1, 2, 7]


def test_bytes_are_masks():
    x = lampas.arange(6).reshape(2, 3)
    for mask in ([0, 1], [[1, 0, 1], [0, 0, 1]]):
        known, bytes_ = lampas.tensor(mask) > 0, lampas.tensor(mask, dtype=lampas.uint8)
        with pytest.warns(UserWarning, match="takes it for a mask"):
            assert x[bytes_].tolist() == x[known].tolist()
        left, right = x.clone(), x.clone()
        right[known] = 7
        with pytest.warns(UserWarning, match="takes it for a mask"):
            left[bytes_] = 7
        assert left.tolist() == right.tolist()


def test_a_place_named_from_both_ends_gets_both_gradients():
    x = lampas.tensor([1.0, 2.0, 3.0], requires_grad=True)
    x[[2, -1, 0]].sum().backward()
    assert x.grad.tolist() == [1.0, 0.0, 2.0]


def test_written_values_are_cast_and_may_have_leading_ones():
    x = lampas.zeros(2, 3, dtype=lampas.int64)
    x[0] = lampas.tensor([[1.9, 2.0, 3.0]])
    assert x.tolist() == [[1, 2, 3], [0, 0, 0]]
    x[:, 1] = True
    assert x.tolist() == [[1, 1, 3], [0, 1, 0]]


def test_writing_from_an_overlapping_view():
    x = lampas.arange(4)
    x[1:] = x[:-1].clone()
    assert x.tolist() == [0, 0, 1, 2]


@pytest.mark.parametrize(
    ("index", "error", "text"),
    [
        (5, IndexError, "index 5 is out of bounds for dimension 0 with size 2"),
        ((0, -4), IndexError, "index -4 is out of bounds for dimension 1 with size 3"),
        ([0, 2], IndexError, "index 2 is out of bounds for dimension 0 with size 2"),
        (([0], [-9]), IndexError, "index -9 is out of bounds for dimension 1"),
        ((0, 0, 0, 0), IndexError, "too many indices for a tensor of dimension 3: 4"),
        ((..., ...), IndexError, "an index can only have a single ellipsis"),
        (1.5, TypeError, "an index must be an int, slice, .*got float"),
        ("a", TypeError, "got str"),
        (slice(None, None, -1), ValueError, "slice step must be positive, got -1"),
        (slice(0.5, None), TypeError, "slice indices must be integers, got 0.5"),
        ([True], IndexError, r"mask \(1,\) does not match .* \(2,\)"),
        ([0.5], IndexError, "integer or bool tensors, got lampas.float32"),
        (([0, 1], [0, 1, 2]), IndexError, r"\(2,\), \(3,\) can't be broadcast"),
    ],
)
def test_bad_indices_change_nothing(index, error, text):
    x = cube()
    with pytest.raises(error, match=text):
        x[index]
    with pytest.raises(error, match=text):
        x[index] = 99
    assert x.tolist() == cube().tolist()


@pytest.mark.parametrize("index", [0, [0, 1], (slice(None), 0)])
def test_values_that_do_not_fit(index):
    x = cube()
    with pytest.raises(RuntimeError, match=r"\(5,\)"):
        x[index] = lampas.zeros(5)
    assert x.tolist() == cube().tolist()

"""Native steps of SparseAdam: against formulas in float64, and what they decline."""

from __future__ import annotations

import numpy as np
import pytest

import lampas
from lampas import kernels
from lampas.backend import native
from lampas.backend.native import bind, left_alone

pytestmark = pytest.mark.skipif(
    native.extension is None, reason="the kernels were not built"
)
STEP = bind("sparse_adam_step", left_alone)
# Rows of one element, around the widths of vectors, of several dimensions, many, none.
SHAPES = [(9,), (5, 1), (6, 7), (40, 33), (11, 3, 5), (2000, 64), (3, 0), (4, 40_000)]
NEAR = {"float32": (3e-6, 3e-6), "float64": (1e-13, 1e-13)}
OPTIONS = [
    {},
    {"lr": 0.1, "betas": (0.5, 0.6), "eps": 1e-3, "maximize": True},
    {"lr": 0.1, "betas": (0.0, 0.9)},
]


def sparse(places, parts, shape):
    made = lampas.sparse_coo_tensor(
        lampas.tensor(places[None]), lampas.tensor(parts), shape
    )
    return made.coalesce()


def drawn(shape, rng, dtype):
    """Some places, which repeat or none, and parts for them."""
    places = rng.integers(0, shape[0], rng.integers(0, 2 * shape[0]))
    parts = rng.standard_normal((len(places), *shape[1:])).astype(dtype)
    return places, parts


def trained(options, dtype, count=4):
    """Tables after some steps, what they were, and the gradients of each step."""
    rng = np.random.default_rng(0)
    starts = [rng.standard_normal(s).astype(dtype) for s in SHAPES]
    slopes = [[drawn(s, rng, dtype) for s in SHAPES] for _ in range(count)]
    params = [lampas.nn.Parameter(lampas.tensor(a)) for a in starts]
    optimizer = lampas.optim.SparseAdam(params, **options)
    for row in slopes:
        for p, (places, parts) in zip(params, row, strict=True):
            p.grad = sparse(places, parts, p.shape)
        optimizer.step()
    return params, starts, slopes


def sparse_adam(p, slopes, *, lr=1e-3, betas=(0.9, 0.999), eps=1e-8, maximize=False):
    p, (b1, b2) = p.astype(np.float64), betas
    m, v = np.zeros_like(p), np.zeros_like(p)
    for t, (places, parts) in enumerate(slopes, 1):
        g = np.zeros_like(p)
        np.add.at(g, places, (-1.0 if maximize else 1.0) * parts)
        at = np.unique(places)
        m[at] = b1 * m[at] + (1 - b1) * g[at]
        v[at] = b2 * v[at] + (1 - b2) * g[at] ** 2
        size = lr * np.sqrt(1 - b2**t) / (1 - b1**t)
        p[at] -= size * m[at] / (np.sqrt(v[at]) + eps)
    return p


@pytest.mark.parametrize("dtype", NEAR)
@pytest.mark.parametrize("options", OPTIONS, ids=str)
def test_rows_that_are_listed_take_a_step(path, options, dtype):
    taken = kernels.report()["sparse_adam_step"][0]
    params, starts, slopes = trained(options, dtype)
    assert kernels.report()["sparse_adam_step"][0] == taken + 4
    for i, p in enumerate(params):
        expected = sparse_adam(starts[i], [row[i] for row in slopes], **options)
        np.testing.assert_allclose(p.detach().numpy(), expected, *NEAR[dtype])


@pytest.mark.parametrize("dtype", NEAR)
def test_steps_of_what_is_not_finite(path, dtype):
    values = np.array([np.nan, np.inf, -np.inf, 0.0, -0.0, 1e15, 1e-15, 2.0], dtype)
    results = []
    for enabled in (True, False):
        before = native.extension.set_enabled(enabled)
        try:
            p = lampas.nn.Parameter(lampas.ones(9, 8, dtype=getattr(lampas, dtype)))
            optimizer = lampas.optim.SparseAdam([p])
            for sign in (1.0, 1.0, -1.0):
                p.grad = sparse(np.array([0, 3]), np.stack([sign * values] * 2), (9, 8))
                optimizer.step()
        finally:
            native.extension.set_enabled(before)
        results.append(p.detach().numpy())
    np.testing.assert_allclose(*results, rtol=1e-5)


def test_threads_do_not_change_a_step():
    results, before = [], lampas.get_num_threads()
    try:
        for threads in (1, 2):
            lampas.set_num_threads(threads)
            params, _, _ = trained({}, "float32")
            results.append([p.detach().numpy().tobytes() for p in params])
    finally:
        lampas.set_num_threads(before)
    assert results[0] == results[1]


# ---- what is declined: nothing is written then


def arrays(places, dtype=np.float64, shape=(6, 3)):
    """A row of a call: a table, places, parts, and the moments."""
    places = np.array(places, np.int64).reshape(1, -1)
    parts = np.ones((places.shape[1], *shape[1:]), dtype)
    return [np.ones(shape, dtype), places, parts, *np.zeros((2, *shape), dtype)]


def call(*rows):
    before = [[a.copy() for a in row] for row in rows]
    steps = list(range(1, 1 + len(rows)))
    taken = STEP(
        list(map(list, rows)), steps, lr=0.1, betas=(0.9, 0.99), eps=1e-8, maximize=True
    )
    if not taken:
        for row, copies in zip(rows, before, strict=True):
            for one, other in zip(row, copies, strict=True):
                np.testing.assert_array_equal(one, other)
    return taken


@pytest.mark.parametrize("places", [[], [0], [5], [0, 5], [1, 2, 4]])
def test_places_in_order_are_taken(places):
    row = arrays(places)
    assert call(row)
    changed = np.flatnonzero((row[0] != 1).any(1))
    assert changed.tolist() == places


@pytest.mark.parametrize(
    "places", [[-1], [-1, 2], [6], [2, 6], [2, 2], [3, 1], [0, 4, 2, 5], [2**62]]
)
def test_places_out_of_range_or_of_order_are_declined(places):
    assert not call(arrays(places))
    assert not call(arrays([0, 1]), arrays(places))


def test_two_sparse_dimensions_are_declined():
    row = arrays([1, 2])
    row[1] = np.array([[1, 2], [0, 1]])
    row[2] = np.ones(2)
    assert not call(row)
    w = lampas.nn.Parameter(lampas.ones(3, 4))
    w.grad = lampas.sparse_coo_tensor(
        lampas.tensor([[0, 2], [1, 3]]), lampas.tensor([2.0, -3.0]), (3, 4)
    )
    lampas.optim.SparseAdam([w], lr=0.5).step()
    expected = np.ones((3, 4))
    expected[[0, 2], [1, 3]] = 0.5, 1.5
    np.testing.assert_allclose(w.detach().numpy(), expected, rtol=1e-6)


@pytest.mark.parametrize("column", range(5))
def test_arrays_with_gaps_or_out_of_place_are_declined(column):
    row = arrays([1, 2, 4])
    apart = np.zeros((*row[column].shape, 2), row[column].dtype)[..., 0]
    apart[...] = row[column]
    assert not call([*row[:column], apart, *row[column + 1 :]])
    space = np.zeros(row[column].nbytes + 1, np.uint8)[1:]
    moved = np.ndarray(row[column].shape, row[column].dtype, space.data)
    moved[...] = row[column]
    assert not call([*row[:column], moved, *row[column + 1 :]])
    assert call(row)


@pytest.mark.parametrize("column", [0, 3, 4])
def test_what_cannot_be_written_is_declined(column):
    row = arrays([1, 2])
    row[column].flags.writeable = False
    assert not call(row)


@pytest.mark.parametrize("column", range(5))
def test_arrays_of_other_types_or_shapes_are_declined(column):
    row = arrays([1, 2])
    other = row[column].astype(np.int32 if column == 1 else np.float32)
    assert not call([*row[:column], other, *row[column + 1 :]])
    longer = np.concatenate([row[column]] * 2, axis=-1)
    assert not call([*row[:column], longer, *row[column + 1 :]])
    flat = row[column].reshape(-1)
    assert not call([*row[:column], flat, *row[column + 1 :]])
    assert not call(row, [*row[:column]])


def test_tables_of_several_types_are_declined():
    assert not call(arrays([1, 2]), arrays([1, 2], np.float32))
    assert not call(arrays([1, 2], np.float16))
    assert call(arrays([1, 2]), arrays([0, 5], shape=(7, 2, 2)))


@pytest.mark.parametrize("column", [2, 3, 4])
def test_arrays_that_share_memory_are_declined(column):
    shape, places = (3, 3), [0, 1, 2]
    row = arrays(places, shape=shape)
    assert call(row)
    row[column] = row[0]
    assert not call(row)


def test_a_table_listed_twice_is_stepped_twice():
    row = arrays([1, 2])
    assert not call(row, row)
    p = lampas.nn.Parameter(lampas.ones(4))
    with pytest.warns(UserWarning, match="duplicate"):
        optimizer = lampas.optim.SparseAdam([p, p], lr=0.25)
    p.grad = sparse(np.array([1]), np.ones(1, np.float32), (4,))
    optimizer.step()
    assert optimizer.state[p]["step"] == 2
    np.testing.assert_allclose(p.detach().numpy(), [1.0, 0.5, 1.0, 1.0], rtol=1e-6)


def test_the_kernel_takes_the_others_of_a_group():
    rng = np.random.default_rng(0)
    starts = [rng.standard_normal((6, 3)).astype(t) for t in ("f4", "f8", "f4")]
    slopes = [(np.array([1, 4]), np.ones((2, 3), a.dtype)) for a in starts]
    params = [lampas.nn.Parameter(lampas.tensor(a)) for a in starts]
    params.append(lampas.nn.Parameter(lampas.ones(6, 3, dtype=lampas.float16)))
    for p in params:
        p.grad = sparse(*slopes[0], p.shape).to(p.dtype)
    taken, left = kernels.report()["sparse_adam_step"]
    lampas.optim.SparseAdam(params, lr=0.5).step()
    # The group is tried at first, and then what is of each type.
    assert kernels.report()["sparse_adam_step"] == (taken + 2, left + 2)
    for p, start, slope in zip(params[:3], starts, slopes, strict=True):
        want = sparse_adam(start, [slope], lr=0.5)
        np.testing.assert_allclose(p.detach().numpy(), want, 3e-6)
    assert params[3][:, 0].tolist() == [1.0, 0.5, 1.0, 1.0, 0.5, 1.0]


@pytest.mark.parametrize("dtype", [lampas.float16, lampas.bfloat16])
def test_narrow_tables_are_left_to_the_reference(dtype):
    p = lampas.nn.Parameter(lampas.ones(4, 2, dtype=dtype))
    p.grad = sparse(np.array([1]), np.ones((1, 2), np.float32), (4, 2)).to(dtype)
    left = kernels.report()["sparse_adam_step"][1]
    lampas.optim.SparseAdam([p], lr=0.5).step()
    assert kernels.report()["sparse_adam_step"][1] == left + 1
    assert p.tolist() == [[1.0, 1.0], [0.5, 0.5], [1.0, 1.0], [1.0, 1.0]]

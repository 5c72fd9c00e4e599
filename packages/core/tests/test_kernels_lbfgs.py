"""The native kernels of L-BFGS against their formulas, and the reference's steps."""

from __future__ import annotations

import numpy as np
import pytest

import lampas
from lampas import kernels
from lampas.backend import native
from lampas.optim import lbfgs

pytestmark = pytest.mark.skipif(
    native.extension is None, reason="the kernels were not built"
)
# Around the widths of vectors and of chunks.
SIZES = [1, 2, 7, 16, 31, 33, 500, 32_768, 32_769, 70_001]


def history(size, count, dtype):
    """A gradient, and pairs of positive curvature with what scales them."""
    rng = np.random.default_rng(size)
    g = rng.standard_normal(size).astype(dtype)
    ss = [rng.standard_normal(size).astype(dtype) for _ in range(count)]
    ys = [(s * rng.uniform(0.5, 2.0, size)).astype(dtype) for s in ss]
    wide = [y.astype(np.float64) for y in ys]
    rhos = [float(1 / (y @ s)) for y, s in zip(wide, ss, strict=True)]
    return (g, ys, ss, rhos), float(1 / (rhos[-1] * (wide[-1] @ wide[-1])))


def inverse_hessian(size, ys, ss, rhos, scale):
    """H by its update, one pair after the other: V^T H V + rho s s^T."""
    h, one = np.eye(size) * scale, np.eye(size)
    for y, s, rho in zip(ys, ss, rhos, strict=True):
        v = one - rho * np.outer(y, s)
        h = v.T @ h @ v + rho * np.outer(s, s)
    return h


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("count", [1, 2, 10])
@pytest.mark.parametrize("size", [1, 7, 33, 120])
def test_direction_is_that_of_the_inverse_hessian(path, size, count, dtype):
    arguments, scale = history(size, count, dtype)
    g, ys, ss, rhos = arguments
    wide = [[a.astype(np.float64) for a in many] for many in (ys, ss)]
    want = -inverse_hessian(size, *wide, rhos, scale) @ g
    taken = kernels.report()["lbfgs_direction"][0]
    got = lbfgs._directed(*arguments, scale=scale)
    assert kernels.report()["lbfgs_direction"][0] == taken + 1
    assert got.dtype == dtype
    near = 200 * np.finfo(dtype).eps * np.abs(want).max()
    np.testing.assert_allclose(got, want, 0, near)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("size", SIZES)
def test_direction_errs_by_a_rounding_of_each_pass(path, size, dtype):
    arguments, scale = history(size, 5, dtype)
    g, ys, ss, rhos = arguments
    exact = [np.asarray(g, np.longdouble)]
    exact += [[np.asarray(a, np.longdouble) for a in many] for many in (ys, ss)]
    want = lbfgs._two_loops(*exact, rhos, scale=scale)
    got = lbfgs._directed(*arguments, scale=scale)
    # By half a unit: five pairs on the way there, the scale, and five on the way back.
    near = 11 / 2 * np.finfo(dtype).eps * np.abs(want).max()
    assert np.abs(got - want).max() <= near


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("size", SIZES)
def test_pair(path, size, dtype):
    rng = np.random.default_rng(size)
    g, before, d = rng.standard_normal((3, size)).astype(dtype)
    taken = kernels.report()["lbfgs_pair"][0]
    y, s, along, square = lbfgs._new_pair(g, before, d, length=0.3)
    assert kernels.report()["lbfgs_pair"][0] == taken + 1
    np.testing.assert_array_equal(y, g - before)
    np.testing.assert_array_equal(s, d * dtype(0.3))
    wide_y, wide_s = y.astype(np.longdouble), s.astype(np.longdouble)
    near = 1e-15 * float(np.abs(wide_y) @ np.abs(wide_s))
    assert along == pytest.approx(float(wide_y @ wide_s), rel=1e-15, abs=near)
    assert square == pytest.approx(float(wide_y @ wide_y), rel=1e-14)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_move(path, dtype):
    shapes = [(), (0,), (5,), (3, 7), (2, 40_000)]
    rng = np.random.default_rng(0)
    starts = [rng.standard_normal(s).astype(dtype) for s in shapes]
    ways = [rng.standard_normal(s).astype(dtype) for s in shapes]
    rows = [[a.copy(), d] for a, d in zip(starts, ways, strict=True)]
    assert lbfgs._move_all(rows, length=0.3)
    for (got, _), start, way in zip(rows, starts, ways, strict=True):
        want = start.astype(np.float64) + 0.3 * way.astype(np.float64)
        np.testing.assert_allclose(got, want, 3e-7, 3e-7)


def valley(params):
    """A function whose curvature differs along its parameters."""
    x, y, z = params
    weights = lampas.linspace(1.0, 30.0, x.numel(), dtype=x.dtype)
    return (
        0.5 * (weights * x * x).sum()
        + (x[:6].reshape(2, 3) - y).square().sum()
        + (z - x[0] - 1).square() * (1 + y[0, 0] ** 2)
    )


def minimized(dtype, search, layout=lambda a: a):
    rng = np.random.default_rng(0)
    made = [rng.standard_normal(s) for s in ((301,), (2, 3), ())]
    params = [lampas.nn.Parameter(layout(lampas.tensor(a, dtype=dtype))) for a in made]
    optimizer = lampas.optim.LBFGS(
        params, 0.1, max_iter=4, max_eval=12, history_size=2, line_search_fn=search
    )

    def closure():
        optimizer.zero_grad()
        loss = valley(params)
        loss.backward()
        return loss

    for _ in range(2):
        optimizer.step(closure)
    return [p.detach().double().numpy() for p in params], optimizer


NAMES = ("lbfgs_direction", "lbfgs_pair", "lbfgs_move")


@pytest.mark.parametrize("dtype", [lampas.float32, lampas.float64])
@pytest.mark.parametrize("search", [None, "strong_wolfe"])
def test_steps_are_those_of_the_reference(path, dtype, search):
    before = kernels.report()
    got, ours = minimized(dtype, search)
    after = kernels.report()
    for name in NAMES:
        assert after[name][0] >= before[name][0] + 3, name
        assert after[name][1] == before[name][1], name
    with kernels.disabled():
        want, theirs = minimized(dtype, search)
    near = 1e-4 if dtype is lampas.float32 else 1e-10
    for one, other in zip(got, want, strict=True):
        np.testing.assert_allclose(one, other, near, near)
    # What is kept for a checkpoint is of the same kind.
    one, other = (next(iter(o.state.values())) for o in (ours, theirs))
    assert one.keys() == other.keys()
    for name in ("old_dirs", "old_stps", "ro"):
        assert [x.shape for x in one[name]] == [x.shape for x in other[name]]
        assert {x.dtype for x in one[name]} == {dtype}


def test_parameters_in_columns_are_moved_by_the_reference():
    def layout(a):
        return a.t().contiguous().t() if a.ndim == 2 else a

    left = kernels.report()["lbfgs_move"][1]
    got, _ = minimized(lampas.float64, None, layout)
    assert kernels.report()["lbfgs_move"][1] > left
    want, _ = minimized(lampas.float64, None)
    for one, other in zip(got, want, strict=True):
        np.testing.assert_allclose(one, other, 1e-10, 1e-10)


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_what_is_not_finite_spreads_to_the_whole_direction(path, value):
    arguments, scale = history(37, 3, np.float32)
    for place in (0, 36):
        g = arguments[0].copy()
        g[place] = value
        got = lbfgs._directed(g, *arguments[1:], scale=scale)
        assert np.isnan(got).all()


def test_other_calls_are_left_to_the_reference():
    (g, ys, ss, rhos), _ = history(9, 2, np.float32)
    calls = [
        (g, [], [], []),
        (g, ys, [s.astype(np.float64) for s in ss], rhos),
        (np.repeat(g, 2)[::2], ys, ss, rhos),
    ]
    for call in calls:
        left = kernels.report()["lbfgs_direction"][1]
        got = lbfgs._directed(*call, scale=0.5)
        assert kernels.report()["lbfgs_direction"][1] == left + 1
        np.testing.assert_array_equal(got, lbfgs._two_loops(*call, scale=0.5))


def test_threads_do_not_change_a_direction():
    arguments, scale = history(300_001, 3, np.float32)
    results, before = [], lampas.get_num_threads()
    try:
        for threads in (1, 2):
            lampas.set_num_threads(threads)
            d = lbfgs._directed(*arguments, scale=scale)
            y, s, *sums = lbfgs._new_pair(arguments[0], d, d, length=0.7)
            results.append([d.tobytes(), y.tobytes(), s.tobytes(), *sums])
    finally:
        lampas.set_num_threads(before)
    assert results[0] == results[1]

"""The native kernels of pooling against their references and float64."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from test_kernels_elementwise import PATHS, draws, kernel, reference, same, setting

import lampas
from lampas.backend import native
from lampas.engine.record import RECORDS
from lampas.ops._windows import Windows

F = lampas.nn.functional


def windows(size, kernel, stride, padding=0, dilation=1, ceil=False):
    """Windows as ``ops/pool.py`` makes them; numbers are for all dimensions."""
    n = len(size)
    parts = [
        p if isinstance(p, tuple) else (p,) * n
        for p in (kernel, stride, padding, dilation)
    ]
    out = []
    for s, k, st, p, d in zip(size, *parts, strict=True):
        steps = (s + 2 * p - d * (k - 1) - 1) / st
        count = (math.ceil if ceil else math.floor)(steps) + 1
        out.append(count - 1 if ceil and (count - 1) * st >= s + p else count)
    return Windows(tuple(size), *parts, tuple(out))


# Leading dimensions and windows: rows around the widths of vectors, few and many taps,
# steps and gaps that share divisors, padding on one side only.
SHAPES = [
    ((2, 3), windows((8, 9), 2, 2)),
    ((5,), windows((17, 33), 3, 2, 1)),
    ((2, 2), windows((15, 16), 3, 1, 1)),
    ((3,), windows((16, 35), 3, 2, 1, ceil=True)),
    ((2,), windows((20, 40), (3, 2), (1, 3))),
    ((2,), windows((19, 41), (3, 4), (2, 4), (0, 1), (2, 6))),
    ((2,), windows((23, 50), 5, 3, 2, 3)),
    ((2,), windows((13, 70), (1, 3), (2, 1))),
    ((4,), windows((7, 7), 7, 7)),
    ((4,), windows((1, 1), 1, 1)),
    ((3,), windows((6, 5), (6, 2), (1, 1))),
    ((2, 3), windows((37,), 3, 2, 1)),
    ((40,), windows((300,), 5, 1, 2)),
    ((2,), windows((2000,), 600, 100, 300)),
    ((2,), windows((5, 9, 18), 3, 2, 1)),
    ((2,), windows((4, 4, 4), 2, 2)),
    ((), windows((6, 8), 2, 2)),
    ((70,), windows((24, 24), 3, 2, 1)),
    ((3,), windows((40, 40), 20, 1, 10)),
]
IDS = [f"{'x'.join(map(str, w.size))}k{w.kernel}s{w.stride}" for _, w in SHAPES]


def spread_out(shape, dtype, seed=0):
    """Draws of few values, so that windows have equal ones."""
    rng = np.random.default_rng(seed)
    return rng.integers(-4, 4, shape).astype(dtype)


def references(name, *arrays, **params):
    before = native.extension.set_enabled(False)
    try:
        return RECORDS[name].on_host(*arrays, **params)
    finally:
        native.extension.set_enabled(before)


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize(("lead", "how"), SHAPES, ids=IDS)
def test_max_pool_and_its_gradients_are_the_references(lead, how, threads, path):
    for dtype in (np.float32, np.float64):
        x, g = draws((*lead, *how.size), dtype), draws((*lead, *how.out), dtype, 1)
        with setting(path, threads):
            for values in (x, spread_out(x.shape, dtype)):
                y, place = references("max_pool", values, windows=how)
                made = kernel("max_pool", values, windows=how)
                np.testing.assert_array_equal(made[0], y, strict=True)
                same(made[1], place)
                right = reference("max_spread", g, place, windows=how)
                same(kernel("max_spread", g, place, windows=how), right)
                right = reference("max_pick", values, place, windows=how)
                same(kernel("max_pick", values, place, windows=how), right)


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("how", [w for _, w in SHAPES], ids=IDS)
def test_nan_and_infinities_of_max_pool(how, path):
    rng = np.random.default_rng(0)
    special = np.array([math.nan, math.inf, -math.inf, 1, -1, 2])
    for dtype, weights in itertools.product(
        (np.float32, np.float64), ((3, 1, 3, 1, 1, 1), (1, 1, 9, 0, 0, 0))
    ):
        chances = np.array(weights) / sum(weights)
        x = rng.choice(special, (2, *how.size), p=chances).astype(dtype)
        x[0].reshape(-1)[: x[0].size // 2] = -math.inf
        with setting(path), np.errstate(all="ignore"):
            y, place = references("max_pool", x, windows=how)
            made = kernel("max_pool", x, windows=how)
            np.testing.assert_array_equal(made[0], y, strict=True)
            same(made[1], place)
            # Windows of minus infinity alone have their place in the padding.
            g = draws(y.shape, dtype)
            same(
                kernel("max_spread", g, place, windows=how),
                reference("max_spread", g, place, windows=how),
            )
            picked = kernel("max_pick", x, place, windows=how)
            same(picked, reference("max_pick", x, place, windows=how))


def means(x, how, include_pad, divisor):
    """Mean by mean, in float64."""
    n = len(how.size)
    x = x.astype(np.float64)
    y = np.zeros((*x.shape[: x.ndim - n], *how.out))
    for at in itertools.product(*map(range, how.out)):
        count, index = 1, []
        for o, k, s, p, size in zip(
            at, how.kernel, how.stride, how.padding, how.size, strict=True
        ):
            start = o * s - p
            end = min(start + k, size + p)
            inside = slice(max(start, 0), min(end, size))
            index.append(inside)
            count *= end - start if include_pad else inside.stop - inside.start
        window = x[(..., *index)]
        total = window.sum(tuple(range(x.ndim - n, x.ndim)))
        y[(..., *at)] = total / (divisor or count)
    return y


PLAIN = [(lead, how) for lead, how in SHAPES if set(how.dilation) == {1}]


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize(("lead", "how"), PLAIN, ids=str)
def test_avg_pool_and_its_gradient_are_right(lead, how, threads, path):
    x, g = draws((*lead, *how.size)), draws((*lead, *how.out), seed=1)
    for include_pad, divisor in ((True, None), (False, None), (True, 3), (True, -7)):
        params = {"windows": how, "include_pad": include_pad, "divisor": divisor}
        right = means(x, how, include_pad, divisor)
        for dtype, digits in ((np.float32, 2e-6), (np.float64, 1e-14)):
            tolerance = {"rtol": digits, "atol": digits * how.count**0.5}
            with setting(path, threads):
                y = kernel("avg_pool", x.astype(dtype), **params)
                dx = kernel("avg_spread", g.astype(dtype), **params)
            assert y.dtype == dx.dtype == dtype
            exact = x if dtype is np.float32 else x.astype(np.float64)
            right = means(exact, how, include_pad, divisor)
            np.testing.assert_allclose(y, right, **tolerance)
            spread = reference("avg_spread", g.astype(np.float64), **params)
            np.testing.assert_allclose(dx, spread, **tolerance)
            # Spreading is the transpose of the means.
            one = (dx.astype(np.float64) * x).sum()
            assert one == pytest.approx((right * g).sum(), rel=1e-4, abs=1e-3)


def test_nan_and_infinities_of_avg_pool():
    x = draws((3, 12, 40))
    x[0, 3, 4], x[1, 5, 6], x[2, 0, 0] = math.nan, math.inf, -math.inf
    how = windows((12, 40), 3, 2, 1)
    params = {"windows": how, "include_pad": True, "divisor": None}
    for name, values in (("avg_pool", x), ("avg_spread", x[:, :6, :20])):
        right = reference(name, values, **params)
        made = kernel(name, np.ascontiguousarray(values), **params)
        np.testing.assert_allclose(made, right, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize(
    "layout",
    [
        lambda a: np.asfortranarray(a),
        lambda a: a[::-1],
        lambda a: np.broadcast_to(a[:1], a.shape),
        lambda a: np.repeat(a, 2, axis=-1)[..., ::2],
        lambda a: np.concatenate([a.reshape(-1)[:1], a.reshape(-1)])[1:].reshape(
            a.shape
        ),
    ],
)
def test_other_layouts_are_copied_first(layout):
    how = windows((9, 21), 3, 2, 1)
    x, g = layout(draws((4, 9, 21))), layout(draws((4, *how.out), seed=1))
    y, place = kernel("max_pool", x, windows=how)
    right = references("max_pool", x, windows=how)
    same(y, right[0])
    same(place, right[1])
    place = layout(place)
    same(
        kernel("max_spread", g, place, windows=how),
        reference("max_spread", g, place, windows=how),
    )
    same(
        kernel("max_pick", x, place, windows=how),
        reference("max_pick", x, place, windows=how),
    )
    how_mean = {"windows": how, "include_pad": False, "divisor": None}
    for name, values in (("avg_pool", x), ("avg_spread", g)):
        right = reference(name, values, **how_mean)
        made = kernel(name, values, **how_mean)
        np.testing.assert_allclose(made, right, rtol=2e-6, atol=1e-6)


def test_what_else_pools_is_left_to_the_reference():
    how = windows((8, 8), 2, 2)
    whole = np.arange(64).reshape(1, 8, 8)
    y, place = kernel("max_pool", whole, windows=how, accepted=False)
    np.testing.assert_array_equal(y[0], whole[0, 1::2, 1::2])
    assert (place == 3).all()
    params = {"windows": how, "include_pad": True, "divisor": None}
    y = kernel("avg_pool", whole, accepted=False, **params)
    assert y[0, 0].tolist() == [4, 6, 8, 10]
    empty = np.zeros((0, 8, 8), np.float32)
    assert kernel("avg_pool", empty, accepted=False, **params).shape == (0, 4, 4)
    assert kernel("max_pool", empty, windows=how, accepted=False)[0].shape == (0, 4, 4)
    # Places as max_pool does not give them.
    g, places = draws((1, 4, 4)), np.zeros((1, 4, 4), np.int64)
    assert kernel("max_spread", g, places, windows=how, accepted=False).shape == (
        1,
        8,
        8,
    )


def test_places_outside_of_the_kernel_get_and_give_nothing():
    how = windows((8, 16), 2, 2)
    g = draws((1, *how.out))
    place = np.full(g.shape, 4, np.uint8)
    assert not kernel("max_spread", g, place, windows=how).any()
    assert not kernel("max_pick", draws((1, *how.size)), place, windows=how).any()


def test_layers_reach_the_kernels():
    x = lampas.tensor(draws((2, 3, 12, 12)), requires_grad=True)
    before = native.extension.report()
    y = F.max_pool2d(x, 3, 2, 1) + F.avg_pool2d(x, 2) + F.adaptive_avg_pool2d(x, 6)
    (y.sum() + F.adaptive_avg_pool2d(x, 1).sum()).backward()
    after = native.extension.report()
    calls = {"max_pool": 1, "max_spread": 1, "avg_pool": 3, "avg_spread": 3}
    for name, count in calls.items():
        assert after[name][0] - before[name][0] == count
        assert after[name][1] == before[name][1]

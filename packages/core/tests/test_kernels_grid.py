"""The native kernels of grid_sample: one pass for places, weights and sums."""

from __future__ import annotations

import math

import numpy as np
import pytest
from cases.grid_sample import sampled
from test_kernels_elementwise import PATHS, draws, kernel, same, setting

import lampas
from lampas.backend import native

F = lampas.nn.functional

# Images, channels, sizes of images, and of grids: around the blocks that points are
# taken in, and the channels that are spread together.
SHAPES = [
    (1, 1, (1, 1), (1, 1)),
    (2, 3, (4, 5), (3, 3)),
    (1, 9, (3, 7), (1, 17)),
    (1, 2, (6, 5), (257, 1)),
    (1, 2, (2, 3, 4), (2, 3, 5)),
    (2, 1, (3, 1, 2), (1, 7, 1)),
]
MODES = ["nearest", "bilinear", "bicubic"]
PADDINGS = ["zeros", "border", "reflection"]
CALLS = [(s, m) for s in SHAPES for m in MODES if m != "bicubic" or len(s[2]) == 2]


def operands(shape, dtype):
    n, c, sizes, points = shape
    rng = np.random.default_rng(5)
    grid = rng.uniform(-1.7, 1.7, (n, *points, len(sizes)))
    x, g = draws((n, c, *sizes), dtype), draws((n, c, *points), dtype, 1)
    return x, grid.astype(dtype), g


def plain(x, grid, mode, padding, corners):
    return sampled(
        x.astype(np.float64), grid.astype(np.float64), mode, padding, corners
    )


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize(("shape", "mode"), CALLS, ids=str)
def test_samples_are_right(shape, mode, path):
    for dtype, digits in ((np.float32, 1e-5), (np.float64, 1e-12)):
        x, grid, _ = operands(shape, dtype)
        for i, padding in enumerate(PADDINGS):
            how = {"mode": mode, "padding": padding, "corners": (i + len(mode)) % 2 > 0}
            with setting(path, 2):
                y = kernel("grid_sample", x, grid, **how)
            assert y.dtype == dtype
            right = plain(x, grid, **how)
            np.testing.assert_allclose(y, right, digits, digits * 4)


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize(("shape", "mode"), CALLS[3:6] + CALLS[12:14], ids=str)
def test_gradients_are_right(shape, mode, path):
    x, grid, g = operands(shape, np.float64)
    for padding in PADDINGS:
        how = {"mode": mode, "padding": padding, "corners": False}
        with setting(path, 2):
            dx = kernel("grid_sample_input", g, grid, sizes=x.shape[2:], **how)
            dgrid = kernel("grid_sample_points", g, x, grid, **how)
        # The sum is linear in x, and moves with a point by differences.
        h = draws(x.shape, np.float64, 3)
        whole = (plain(h, grid, mode, padding, False) * g).sum()
        assert (dx * h).sum() == pytest.approx(whole, rel=1e-10)
        for d in range(grid.shape[-1]):
            step = np.zeros_like(grid)
            step[..., d] = 1e-7
            change = plain(x, grid + step, mode, padding, False)
            change -= plain(x, grid - step, mode, padding, False)
            right = (change / 2e-7 * g).sum(1)
            if mode == "nearest":
                right = 0.0
            np.testing.assert_allclose(dgrid[..., d], right, 1e-4, 1e-4)


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_many_points_on_few_elements_lose_no_digits(dtype, path):
    rng = np.random.default_rng(0)
    g = rng.uniform(1, 2, (1, 9, 30_000, 1)).astype(dtype)
    row, column = rng.integers(0, 3, 30_000), rng.integers(0, 2, 30_000)
    apart = rng.uniform(-0.3, 0.3, (2, 30_000))  # from the middle of an element
    x, y = (2 * column + 1 + apart[0]) / 2 - 1, (2 * row + 1 + apart[1]) / 3 - 1
    grid = np.stack([x, y], -1).astype(dtype)[None, :, None]
    right = np.zeros((1, 9, 3, 2), np.longdouble)
    np.add.at(right[0], np.s_[:, row, column], g[0, :, :, 0].astype(np.longdouble))
    how = {"mode": "nearest", "padding": "zeros", "corners": False}
    with setting(path):
        dx = kernel("grid_sample_input", g, grid, sizes=(3, 2), **how)
    # Adding 5000 terms one after the other costs 15 units and more.
    unit = np.finfo(dtype).eps * right
    assert np.max(np.abs(dx - right) / unit) <= 4


def test_threads_change_no_bits():
    x, grid, g = operands((2, 20, (30, 40), (50, 41)), np.float32)
    how = {"mode": "bilinear", "padding": "reflection", "corners": True}
    made = []
    for threads in (1, 2):
        with setting(threads=threads):
            made.append(
                (
                    kernel("grid_sample", x, grid, **how),
                    kernel("grid_sample_input", g, grid, sizes=(30, 40), **how),
                    kernel("grid_sample_points", g, x, grid, **how),
                )
            )
    for one, two in zip(*made, strict=True):
        same(one, two)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("mode", ["nearest", "bilinear"])
def test_points_that_are_no_places(mode, dtype):
    x = np.arange(1.0, 13.0, dtype=dtype).reshape(1, 1, 3, 4)
    far = np.array([math.nan, math.inf, -math.inf, 1e30, -1e30], dtype)
    grid = np.full((1, 1, 5, 2), -1.0, dtype)
    grid[0, 0, :, 0] = far
    how = {"mode": mode, "corners": True}
    beyond = kernel("grid_sample", x, grid, padding="zeros", **how)
    assert beyond.ravel().tolist() == [0.0] * 5
    last = kernel("grid_sample", x, grid, padding="border", **how)
    assert last.ravel().tolist() == [1.0, 4.0, 1.0, 4.0, 1.0]
    mirrored = kernel("grid_sample", x, grid, padding="reflection", **how)
    assert mirrored.ravel()[:3].tolist() == [1.0, 1.0, 1.0]
    g = np.ones((1, 1, 1, 5), dtype)
    assert not kernel("grid_sample_points", g, x, grid, padding="border", **how)[
        ..., 0
    ].any()


def test_other_layouts_are_copied_first():
    x, grid, g = operands((2, 3, (4, 5), (3, 3)), np.float32)
    how = {"mode": "bilinear", "padding": "zeros", "corners": False}
    right = kernel("grid_sample", x, grid, **how)
    same(kernel("grid_sample", *map(np.asfortranarray, (x, grid)), **how), right)
    one = np.broadcast_to(np.float32(2), g.shape)
    full = np.full(g.shape, 2, np.float32)
    same(
        kernel("grid_sample_points", one, x, grid, **how),
        kernel("grid_sample_points", full, x, grid, **how),
    )


@pytest.mark.parametrize("mode", MODES)
def test_grid_sample_reaches_the_kernels(mode):
    x = lampas.tensor(draws((2, 3, 6, 7)), requires_grad=True)
    points = lampas.tensor(draws((2, 4, 5, 2), seed=1) / 2, requires_grad=True)
    before = native.extension.report()
    F.grid_sample(x, points, mode=mode, align_corners=False).sum().backward()
    after = native.extension.report()
    for name in ("grid_sample", "grid_sample_input", "grid_sample_points"):
        assert after[name][0] == before[name][0] + 1
        assert after[name][1] == before[name][1]
    assert math.isfinite(float(x.grad.sum() + points.grad.sum()))

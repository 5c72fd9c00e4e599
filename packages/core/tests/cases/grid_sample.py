"""Cases of ``lampas.ops.grid_sample``.

The oracle extends the image beyond its edges and weighs all elements near a point by
the kernel of the mode.
"""

from __future__ import annotations

import itertools

import numpy as np
from case import Case

F = "nn.functional."


def hat(d):
    return max(0.0, 1 - abs(d))


def keys(d, a=-0.75):
    d = abs(d)
    if d <= 1:
        return (a + 2) * d**3 - (a + 3) * d**2 + 1
    return a * d**3 - 5 * a * d**2 + 8 * a * d - 4 * a if d < 2 else 0.0


def box(d):
    return float(abs(d) <= 0.5)


KERNELS = {"bilinear": hat, "bicubic": keys, "nearest": box}


def extended(i, size, padding, corners):
    """The element that stands at place ``i``, or None."""
    if padding == "border":
        return min(max(i, 0), size - 1)
    if padding == "reflection" and corners:
        i = i % max(2 * size - 2, 1)
        return min(i, 2 * size - 2 - i)
    if padding == "reflection":
        i = i % (2 * size)
        return min(i, 2 * size - 1 - i)
    return i if 0 <= i < size else None


def sampled(x, grid, mode="bilinear", padding_mode="zeros", align_corners=False):
    sizes = x.shape[2:]
    out = np.zeros((*x.shape[:2], *grid.shape[1:-1]))
    for n, *place in np.ndindex(grid.shape[:-1]):
        axes = []
        for size, g in zip(sizes, grid[(n, *place)][::-1], strict=True):
            at = (g + 1) / 2 * (size - 1) if align_corners else ((g + 1) * size - 1) / 2
            near = range(int(np.floor(at)) - 2, int(np.floor(at)) + 4)
            found = [(i, KERNELS[mode](at - i)) for i in near]
            axes.append(
                [(extended(i, size, padding_mode, align_corners), w) for i, w in found]
            )
        for taps in itertools.product(*axes):
            if all(i is not None for i, _ in taps):
                weight = np.prod([w for _, w in taps])
                index = (n, slice(None), *(i for i, _ in taps))
                out[(n, slice(None), *place)] += weight * x[index]
    return out


def image(*sizes, reach=1.6):
    """An image of two channels and points within and beyond its edges."""

    def make(rng):
        grid = rng.uniform(-reach, reach, (2, 2, *(3,) * (len(sizes) - 1), len(sizes)))
        return [rng.standard_normal((2, 2, *sizes)), grid]

    return make


def maps(dims):
    return lambda rng: [rng.standard_normal((2, dims, dims + 1))]


def affine(theta, size, align_corners):
    axes = []
    for n in size[2:]:
        end = 1 if align_corners else (n - 1) / n
        axes.append(np.linspace(-end, end, n) if n > 1 else np.zeros(1))
    points = np.stack([*np.meshgrid(*axes, indexing="ij")[::-1], np.ones(size[2:])], -1)
    return np.einsum("nij,...j->n...i", theta, points)


# A half's rounding may move a point to another element.
WIDE = ("float64", "float32")

CASES = [
    *(
        Case(
            F + "grid_sample",
            image(3, 4),
            sampled,
            {"mode": mode, "padding_mode": padding, "align_corners": corners},
            tol="loose",
            dtypes=WIDE,
        )
        for mode in ("bilinear", "bicubic")
        for padding in ("zeros", "border", "reflection")
        for corners in (False, True)
    ),
    *(
        Case(
            F + "grid_sample",
            image(3, 2, 4),
            sampled,
            {"padding_mode": padding},
            tol="loose",
            dtypes=WIDE,
        )
        for padding in ("zeros", "border", "reflection")
    ),
    *(
        Case(
            F + "grid_sample",
            image(*sizes),
            sampled,
            {"mode": "nearest", "padding_mode": padding},
            tol="loose",
            dtypes=WIDE,
        )
        for sizes, padding in (
            ((3, 4), "zeros"),
            ((3, 4), "border"),
            ((3, 2, 4), "reflection"),
        )
    ),
    *(
        Case(
            F + "affine_grid",
            maps(len(size) - 2),
            affine,
            {"size": size, "align_corners": corners},
        )
        for size in ((2, 1, 3, 4), (2, 1, 2, 1, 3))
        for corners in (False, True)
    ),
]

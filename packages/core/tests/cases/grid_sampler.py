"""Cases of ``lampas.ops.grid_sampler``."""

from __future__ import annotations

from case import Case

from cases.grid_sample import WIDE, affine, image, sampled


def numbered(x, grid, interpolation_mode, padding_mode, align_corners):
    mode = ("bilinear", "nearest", "bicubic")[interpolation_mode]
    padding = ("zeros", "border", "reflection")[padding_mode]
    return sampled(x, grid, mode, padding, align_corners)


def _case(name, sizes, mode, padding, corners):
    return Case(
        name,
        image(*sizes),
        numbered,
        {
            "interpolation_mode": mode,
            "padding_mode": padding,
            "align_corners": corners,
        },
        tol="loose",
        dtypes=WIDE,
    )


CASES = [
    _case("grid_sampler", (3, 4), 0, 0, False),
    _case("grid_sampler", (2, 3, 2), 0, 1, True),
    _case("grid_sampler_2d", (3, 4), 2, 2, False),
    _case("grid_sampler_3d", (2, 3, 2), 0, 2, False),
    Case(
        "affine_grid_generator",
        lambda rng: [rng.standard_normal((2, 2, 3))],
        affine,
        {"size": (2, 1, 3, 4), "align_corners": False},
    ),
]

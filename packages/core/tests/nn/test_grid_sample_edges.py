"""Sampling at points on, beyond and far from the edges, and what is refused."""

from __future__ import annotations

import math

import numpy as np
import pytest

import lampas
import lampas.nn.functional as F
from lampas.errors import ArgumentError, DTypeError, ShapeError

X = lampas.arange(12, dtype=lampas.float64).reshape(1, 1, 3, 4)


def at(*points):
    return lampas.tensor([[list(points)]], dtype=lampas.float64)


@pytest.mark.parametrize("mode", ["bilinear", "nearest", "bicubic"])
@pytest.mark.parametrize("padding", ["zeros", "border", "reflection"])
def test_corners_are_the_corner_elements(mode, padding):
    corners = at([-1.0, -1.0], [1.0, -1.0], [-1.0, 1.0], [1.0, 1.0])
    out = F.grid_sample(X, corners, mode, padding, align_corners=True)
    np.testing.assert_allclose(out.flatten().numpy(), [0, 3, 8, 11], atol=1e-12)


@pytest.mark.parametrize("mode", ["bilinear", "nearest", "bicubic"])
@pytest.mark.parametrize(
    ("padding", "wanted"), [("zeros", 0.0), ("border", 11.0), ("reflection", None)]
)
def test_points_far_away(mode, padding, wanted):
    out = F.grid_sample(X, at([1e30, 1e30]), mode, padding, align_corners=True)
    assert math.isfinite(out.item())
    if wanted is not None:
        assert out.item() == pytest.approx(wanted)


@pytest.mark.parametrize("mode", ["bilinear", "nearest"])
def test_nan_is_the_first_element_beyond_zeros(mode):
    point = at([math.nan, -1.0])
    assert F.grid_sample(X, point, mode, "border", True).item() == 0.0
    assert F.grid_sample(X, point, mode, "zeros", True).item() == 0.0


def test_a_clipped_point_has_no_gradient():
    point = at([5.0, 0.0]).requires_grad_()
    F.grid_sample(X, point, padding_mode="border", align_corners=False).backward()
    across, down = point.grad.flatten().tolist()
    assert across == 0.0
    assert down == pytest.approx(4 * 3 / 2)


def test_nearest_gives_the_points_a_zero_gradient():
    point = at([0.3, 0.1]).requires_grad_()
    F.grid_sample(X, point, "nearest").backward()
    assert not point.grad.any()


@pytest.mark.parametrize("shape", [(0, 1, 2, 2), (2, 0, 2, 2)])
def test_no_batch_or_no_channels(shape):
    grid = lampas.zeros(shape[0], 3, 5, 2)
    assert F.grid_sample(lampas.zeros(shape), grid).shape == (*shape[:2], 3, 5)


def test_half_precision_is_computed_wide():
    # In bfloat16 the place 300.25 could not be told from 300 or 301.
    line = lampas.arange(401).remainder(4).reshape(1, 1, 1, 401).bfloat16()
    grid = lampas.tensor([[[[0.5, 0.0]]]]).bfloat16()
    out = F.grid_sample(line, grid, align_corners=True)
    assert out.dtype == lampas.bfloat16
    assert out.item() == 300 % 4


@pytest.mark.parametrize(
    ("x", "grid", "mode", "error", "text"),
    [
        (X, at([0.0, 0.0]).float(), "bilinear", DTypeError, "one floating dtype"),
        (X.long(), at([0.0, 0.0]).long(), "nearest", DTypeError, "floating"),
        (X[0], at([0.0, 0.0]), "bilinear", ShapeError, "4-D or both 5-D"),
        (X, at([0.0, 0.0, 0.0]), "bilinear", ShapeError, "2 in its last"),
        (X[:, :, :0], at([0.0, 0.0]), "bilinear", ShapeError, "empty spatial"),
        (X, at([0.0, 0.0]), "cubic", ArgumentError, "mode must be one of"),
        (
            X.unsqueeze(0),
            at([0.0, 0.0, 0.0]).unsqueeze(0),
            "bicubic",
            ShapeError,
            "takes 4-D",
        ),
    ],
)
def test_arguments_that_do_not_fit_are_refused(x, grid, mode, error, text):
    with pytest.raises(error, match=text):
        F.grid_sample(x, grid, mode)


@pytest.mark.parametrize(
    ("theta", "size", "error"),
    [
        (lampas.zeros(1, 2, 3).long(), (1, 1, 2, 2), ValueError),
        (lampas.zeros(1, 2, 3), (1, 1, 2), NotImplementedError),
        (lampas.zeros(1, 3, 3), (1, 1, 2, 2), ValueError),
        (lampas.zeros(1, 2, 3), (1, 1, 0, 2), ValueError),
    ],
)
def test_affine_arguments_that_do_not_fit_are_refused(theta, size, error):
    with pytest.raises(error, match="affine_grid"):
        F.affine_grid(theta, size)


def test_grids_on_a_device():
    theta = lampas.tensor([[[1.0, 0.0, 0.1], [0.0, 1.0, 0.0]]], device="sim")
    x = lampas.rand(1, 2, 3, 4, device="sim")
    out = F.grid_sample(x, F.affine_grid(theta, (1, 2, 3, 4)))
    assert out.device == x.device
    alone = F.grid_sample(x.cpu(), F.affine_grid(theta.cpu(), (1, 2, 3, 4)))
    # The kernels of the CPU add up in another order than the device's reference.
    np.testing.assert_allclose(out.cpu().numpy(), alone.numpy(), rtol=1e-6, atol=1e-7)

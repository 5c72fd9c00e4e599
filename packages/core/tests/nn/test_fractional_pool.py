"""Fractional pools as layers: sizes, given samples, and settings refused."""

import numpy as np
import pytest

import lampas
from lampas import nn


def test_given_samples_choose_the_windows():
    x = lampas.arange(36.0, requires_grad=True)
    layer = nn.FractionalMaxPool2d(
        2, output_size=3, return_indices=True, _random_samples=lampas.zeros(1, 1, 2)
    )
    y, places = layer(x.reshape(1, 1, 6, 6))
    # Windows start at 0, 2 and 4: their last element is the largest.
    expected = [[7.0, 9.0, 11.0], [19.0, 21.0, 23.0], [31.0, 33.0, 35.0]]
    assert y[0, 0].tolist() == expected and places[0, 0].tolist() == expected
    y.sum().backward()
    assert np.flatnonzero(x.grad.numpy()).tolist() == sum(expected, [])


@pytest.mark.parametrize(
    ("layer", "size", "expected"),
    [
        (nn.FractionalMaxPool2d(3, output_ratio=0.5), (2, 3, 9, 8), (2, 3, 4, 4)),
        (nn.FractionalMaxPool2d((2, 3), (4, 2)), (3, 9, 8), (3, 4, 2)),
        (nn.FractionalMaxPool3d(2, output_ratio=(0.5, 0.7, 0.9)), (1, 8, 9, 9), None),
        (nn.FractionalMaxPool3d(2, 2), (1, 2, 4, 4, 4), (1, 2, 2, 2, 2)),
    ],
)
def test_sizes(layer, size, expected):
    x = lampas.randn(*size)
    y = layer(x)
    assert y.shape == (expected or (1, 4, 6, 8))
    assert set(y.flatten().tolist()) <= set(x.flatten().tolist())


def test_settings_are_checked():
    for options in ({}, {"output_size": 2, "output_ratio": 0.5}):
        with pytest.raises(ValueError, match="one of output_size and output_ratio"):
            nn.FractionalMaxPool2d(2, **options)
    with pytest.raises(ValueError, match="between 0 and 1"):
        nn.FractionalMaxPool3d(2, output_ratio=1.5)

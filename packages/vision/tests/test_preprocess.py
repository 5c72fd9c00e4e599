"""The object that prepares images for a model, and travels with its weights."""

from __future__ import annotations

import json

import numpy as np
import pytest
from PIL import Image

import lampas
from lampas_vision.transforms import Preprocess

GREY = Preprocess(size=(4, 4), channels=1, mean=(0.25,), std=(0.5,))


def test_values():
    out = GREY(Image.new("L", (9, 7), 255))
    assert out.dtype == lampas.float32 and tuple(out.shape) == (1, 4, 4)
    # (1 - 0.25) / 0.5
    assert np.allclose(out.numpy(), 1.5)


def test_pil_and_tensor_and_batch_agree():
    array = np.random.default_rng(0).integers(0, 256, (12, 15, 3), dtype=np.uint8)
    colour = Preprocess((6, 6), 3, (0.1, 0.2, 0.3), (0.4, 0.5, 0.6), crop_ratio=0.875)
    tensor = lampas.from_numpy(np.ascontiguousarray(array.transpose(2, 0, 1)))
    one = colour(Image.fromarray(array)).numpy()
    two = colour(tensor).numpy()
    batch = colour(lampas.stack([tensor, tensor])).numpy()
    # a level of 255, divided by the smallest std
    assert np.abs(one - two).max() <= 1.01 / 255 / 0.4
    assert np.array_equal(batch[0], two) and np.array_equal(batch[1], two)


def test_channels_are_made_to_fit():
    assert tuple(GREY(Image.new("RGBA", (5, 5))).shape) == (1, 4, 4)
    assert tuple(GREY(lampas.zeros(3, 5, 5)).shape) == (1, 4, 4)
    colour = Preprocess((4, 4), 3)
    assert tuple(colour(Image.new("L", (5, 5))).shape) == (3, 4, 4)
    assert tuple(colour(lampas.zeros(1, 5, 5)).shape) == (3, 4, 4)


def test_crop_keeps_the_middle():
    image = Image.new("L", (16, 8))
    image.paste(255, (4, 0, 12, 8))
    out = Preprocess((8, 8), 1, crop_ratio=1.0)(image)
    assert np.array_equal(out.numpy(), np.ones((1, 8, 8), np.float32))


def test_round_trip_through_json():
    assert Preprocess.from_dict(json.loads(json.dumps(GREY.to_dict()))) == GREY


def test_refuses():
    with pytest.raises(ValueError, match="channels: expected 1 or 3, got 2"):
        Preprocess((4, 4), 2)
    with pytest.raises(ValueError, match="crop_ratio"):
        Preprocess((4, 4), 1, crop_ratio=2.0)
    with pytest.raises(
        ValueError, match="preprocess: .*colour, std missing or unknown"
    ):
        values = GREY.to_dict() | {"colour": 1}
        del values["std"]
        Preprocess.from_dict(values)

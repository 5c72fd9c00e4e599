"""Images laid out, written and drawn on, and images of noise."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

import lampas
from lampas_vision.datasets import FakeData, FashionMNIST
from lampas_vision.transforms import ToTensor
from lampas_vision.utils import draw_bounding_boxes, make_grid, save_image


def test_a_grid_has_each_image_in_its_place():
    images = lampas.arange(5.0).reshape(5, 1, 1, 1).expand(5, 3, 2, 3)
    grid = make_grid(images, nrow=2, padding=1, pad_value=9.0)
    expected = np.full((3, 10, 9), 9.0)
    for index in range(5):
        top, left = 1 + index // 2 * 3, 1 + index % 2 * 4
        expected[:, top : top + 2, left : left + 3] = index
    assert np.array_equal(grid, expected)


def test_values_are_scaled_together_or_each():
    images = lampas.tensor([0.0, 2.0, 2.0, 6.0]).reshape(2, 1, 1, 2)
    together = make_grid(images, padding=0, normalize=True)
    each = make_grid(images, padding=0, normalize=True, scale_each=True)
    bounded = make_grid(images, padding=0, normalize=True, value_range=(0, 2))
    assert together[0, 0].tolist() == pytest.approx([0, 1 / 3, 1 / 3, 1])
    assert each[0, 0].tolist() == [0, 1, 0, 1]
    assert bounded[0, 0].tolist() == [0, 1, 1, 1]
    assert images.max() == 6


@pytest.mark.parametrize("shape", [(2, 3), (1, 2, 3), (1, 1, 2, 3)])
def test_one_image_comes_back_in_three_channels(shape):
    assert make_grid(lampas.ones(shape)).shape == (3, 2, 3)


def test_what_is_no_image_is_refused():
    with pytest.raises(TypeError, match="got int"):
        make_grid(3)
    with pytest.raises(RuntimeError, match=r"\(2,\)"):
        make_grid(lampas.ones(2))


def test_a_written_image_is_rounded(tmp_path):
    save_image([lampas.full((3, 2, 2), 0.5)] * 2, tmp_path / "a.png", padding=0)
    image = Image.open(tmp_path / "a.png")
    assert image.size == (4, 2)
    assert image.getpixel((0, 0)) == (128, 128, 128)


def test_boxes_are_outlined():
    image = lampas.zeros(1, 6, 6, dtype=lampas.uint8)
    boxes = lampas.tensor([[0, 0, 2, 2], [3, 3, 5, 5]])
    drawn = draw_bounding_boxes(image, boxes, colors=["red", "blue"])
    assert (drawn[0] > 0).sum() == 8 and (drawn[2] > 0).sum() == 8
    filled = draw_bounding_boxes(image, boxes, ["a", None], fill=True)
    assert filled[0, 4, 4] == 127
    with pytest.raises(ValueError, match="labels: expected 2, got 1"):
        draw_bounding_boxes(image, boxes, ["a"])
    with pytest.raises(TypeError, match="uint8"):
        draw_bounding_boxes(lampas.zeros(3, 2, 2), boxes)


def test_noise_repeats_by_index():
    data = FakeData(4, (1, 5, 6), 3, transform=ToTensor())
    other = FakeData(4, (1, 5, 6), 3, transform=ToTensor(), random_offset=1)
    assert lampas.equal(data[1][0], data[1][0])
    assert lampas.equal(data[1][0], other[0][0])
    assert data[0][0].shape == (1, 5, 6) and data[0][1] in range(3)
    with pytest.raises(IndexError):
        data[4]


def test_fashion_is_read_where_torchvision_keeps_it(tmp_path):
    folder = tmp_path / "FashionMNIST" / "raw"
    folder.mkdir(parents=True)
    head = bytes([0, 0, 8, 3, 0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0, 2])
    (folder / "train-images-idx3-ubyte").write_bytes(head + bytes([1, 2, 3, 4]))
    labels = bytes([0, 0, 8, 1, 0, 0, 0, 1, 9])
    (folder / "train-labels-idx1-ubyte").write_bytes(labels)
    data = FashionMNIST(tmp_path, download=True)
    assert data.data.tolist() == [[[1, 2], [3, 4]]]
    assert data.classes[data[0][1]] == "Ankle boot"
    with pytest.raises(FileNotFoundError, match="FashionMNIST: expected"):
        FashionMNIST(tmp_path, train=False)

"""The embedded digits and their split."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from lampas_vision.datasets import Digits, stratified_split

# Images per class in the published file
COUNTS = [178, 182, 177, 183, 181, 182, 181, 179, 174, 180]
# The first indices held out by seed 0, worked out apart from the package
FIRST_HELD_OUT = [7, 15, 18, 20, 25, 36, 44, 46]
# The first image of the published file, a zero, as the repository prints it
FIRST = """
 0  0  5 13  9  1  0  0
 0  0 13 15 10 15  5  0
 0  3 15  2  0 11  8  0
 0  4 12  0  0  8  8  0
 0  5  8  0  0  9  8  0
 0  4 11  0  1 12  7  0
 0  2 14  5 10 12  0  0
 0  0  6 13 10  0  0  0
"""


def test_all_images_are_there_once():
    train, test = Digits(train=True), Digits(train=False)
    assert (len(train), len(test)) == (1438, 359)
    assert sorted([*train.indices, *test.indices]) == list(range(1797))
    counts = np.bincount(train.targets) + np.bincount(test.targets)
    assert counts.tolist() == COUNTS


def test_a_fifth_of_every_class_is_held_out():
    held = np.bincount(Digits(train=False).targets).tolist()
    assert held == [round(count / 5) for count in COUNTS]


def test_the_first_published_image():
    both = [Digits(train=True), Digits(train=False)]
    part = next(p for p in both if 0 in p.indices)
    position = int(np.flatnonzero(part.indices == 0)[0])
    image, label = part[position]
    levels = np.array(FIRST.split(), dtype=float).reshape(8, 8)
    assert label == 0 and isinstance(label, int)
    assert image.mode == "L"
    assert np.abs(np.asarray(image) - levels / 16 * 255).max() <= 0.5


def test_the_split_is_the_same_for_ever():
    """By hand: the first held out are those whose SHA-256 is low in their class."""
    assert Digits(train=False).indices[:8].tolist() == FIRST_HELD_OUT


def test_another_seed_gives_another_split():
    one, two = Digits(train=False), Digits(train=False, seed=1)
    assert len(one) == len(two)
    assert set(one.indices) != set(two.indices)


def test_transforms_are_called():
    dataset = Digits(transform=lambda image: image.size, target_transform=str)
    assert dataset[0] == ((8, 8), str(dataset.targets[0]))


def test_fraction_out_of_range():
    with pytest.raises(ValueError, match=r"fraction: expected .* got 1.0"):
        stratified_split([0, 1], 1.0, seed=0)


def test_it_is_a_dataset_that_prints_itself():
    text = repr(Digits(train=False))
    assert "Dataset Digits" in text and "359" in text and "Test" in text
    assert isinstance(Digits()[0][0], Image.Image)

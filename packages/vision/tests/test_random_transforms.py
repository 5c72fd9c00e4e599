"""Transforms by chance: ranges, rates, and that a generator decides all."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

import lampas
from lampas_vision import transforms as T


def generator(seed=0):
    return lampas.Generator().manual_seed(seed)


@pytest.fixture
def image():
    array = np.random.default_rng(0).integers(0, 256, (16, 16, 3), dtype=np.uint8)
    return Image.fromarray(array)


RANDOM = [
    lambda g: T.RandomCrop(9, padding=2, generator=g),
    lambda g: T.RandomHorizontalFlip(generator=g),
    lambda g: T.RandomVerticalFlip(generator=g),
    lambda g: T.RandomRotation(30, generator=g),
    lambda g: T.RandomAffine(10, (0.2, 0.2), (0.8, 1.2), 10, generator=g),
    lambda g: T.RandomResizedCrop(8, generator=g),
]


@pytest.mark.parametrize("make", RANDOM)
def test_the_seed_decides(make, image):
    def run(seed):
        transform = make(generator(seed))
        return [np.asarray(transform(image)).tobytes() for _ in range(8)]

    assert run(1) == run(1)
    assert run(1) != run(2)
    assert len(set(run(1))) > 1


@pytest.mark.parametrize("make", RANDOM)
def test_without_a_generator_the_default_one_decides(make, image):
    def run(seed):
        lampas.manual_seed(seed)
        transform = make(None)
        return [np.asarray(transform(image)).tobytes() for _ in range(8)]

    assert run(1) == run(1)
    assert run(1) != run(2)


def test_flips_at_the_rate_asked_for():
    pixels = lampas.tensor([[[1, 2]]])
    flip = T.RandomHorizontalFlip(0.3, generator=generator())
    flipped = sum(int(flip(pixels)[0, 0, 0].item() == 2) for _ in range(2000))
    # four standard deviations of a binomial
    assert abs(flipped - 600) < 4 * (2000 * 0.3 * 0.7) ** 0.5


def test_random_crop_reaches_every_place():
    pixels = lampas.arange(9).reshape(1, 3, 3)
    crop = T.RandomCrop(2, generator=generator())
    corners = {int(crop(pixels)[0, 0, 0].item()) for _ in range(200)}
    assert corners == {0, 1, 3, 4}


def test_random_crop_of_a_small_image():
    with pytest.raises(ValueError, match=r"size \(5, 5\) is larger .*\(3, 3\)"):
        T.RandomCrop(5)(lampas.zeros(1, 3, 3))
    out = T.RandomCrop(5, pad_if_needed=True)(lampas.ones(1, 3, 3))
    assert tuple(out.shape) == (1, 5, 5)


def test_angles_stay_in_their_range():
    affine = T.RandomAffine(
        (-5, 15), (0.25, 0.5), (0.5, 2.0), (1, 2, 3, 4), generator=generator()
    )
    draws = [affine._draw((20, 40)) for _ in range(500)]
    angles, shifts, scales, shears = (np.array(d) for d in zip(*draws, strict=True))
    assert angles.min() >= -5 and angles.max() <= 15 and np.ptp(angles) > 18
    assert np.abs(shifts[:, 0]).max() == 10 and np.abs(shifts[:, 1]).max() == 10
    assert scales.min() >= 0.5 and scales.max() <= 2.0 and np.ptp(scales) > 1.4
    assert shears[:, 0].min() >= 1 and shears[:, 0].max() <= 2
    assert shears[:, 1].min() >= 3 and shears[:, 1].max() <= 4


def test_resized_crop_stays_inside():
    crop = T.RandomResizedCrop(4, generator=generator())
    for rows, columns in ((10, 30), (30, 10), (1, 100)):
        for _ in range(100):
            top, left, height, width = crop._rectangle(rows, columns)
            assert 0 <= top <= rows - height and 0 <= left <= columns - width
            assert height > 0 and width > 0


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: T.RandomHorizontalFlip(1.5), "p: expected a probability"),
        (lambda: T.RandomRotation(-1), "degrees: one number must not be negative"),
        (lambda: T.RandomRotation([1, 2, 3]), "degrees: expected one number or two"),
        (lambda: T.RandomAffine(0, (2, 0)), "translate: expected two shares"),
        (lambda: T.RandomAffine(0, None, (0, 1)), "scale: expected two numbers above"),
        (lambda: T.RandomAffine(0, shear=[1, 2, 3]), "shear: expected 1, 2 or 4"),
        (lambda: T.RandomResizedCrop(4, (1.0, 0.5)), "scale: expected two rising"),
        (lambda: T.RandomCrop(0), "size: expected a positive int"),
    ],
)
def test_arguments_are_checked(make, message):
    with pytest.raises(ValueError, match=message):
        make()

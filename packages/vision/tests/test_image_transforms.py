"""Transforms without chance against formulas, literals and Pillow."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

import lampas
from lampas_vision import transforms as T

F = T.functional


@pytest.fixture
def rng():
    return np.random.default_rng(0)


@pytest.fixture
def array(rng):
    """A smooth-free image (H, W, C): the hardest for resampling."""
    return rng.integers(0, 256, (13, 17, 3), dtype=np.uint8)


def both(array):
    """The same image as PIL and as tensor."""
    planes = np.ascontiguousarray(array.transpose(2, 0, 1))
    return Image.fromarray(array), lampas.from_numpy(planes)


def values(image):
    """Any image as (C, H, W) float64."""
    if isinstance(image, Image.Image):
        image = np.asarray(image)
        image = image[:, :, None] if image.ndim == 2 else image
        return image.transpose(2, 0, 1).astype(np.float64)
    return image.numpy().astype(np.float64)


# Conversion


def test_to_tensor_scales_bytes(array):
    pil, _ = both(array)
    for source in (pil, array):
        out = T.ToTensor()(source)
        assert out.dtype == lampas.float32 and tuple(out.shape) == (3, 13, 17)
        expected = array.transpose(2, 0, 1) / 255.0
        assert np.abs(out.numpy() - expected).max() < 1e-7


@pytest.mark.parametrize(
    ("mode", "value", "expected"),
    [("L", 51, 0.2), ("1", 1, 1.0), ("F", 3.5, 3.5), ("I", 70000, 70000)],
)
def test_to_tensor_of_other_modes(mode, value, expected):
    out = T.ToTensor()(Image.new(mode, (2, 1), value))
    assert np.allclose(out.numpy(), np.full((1, 1, 2), expected))


def test_to_tensor_shares_no_memory():
    source = np.zeros((2, 2), dtype=np.float32)
    out = T.ToTensor()(source)
    source[:] = 1
    assert out.numpy().max() == 0


def test_pil_and_back(array):
    pil, tensor = both(array)
    assert np.array_equal(T.PILToTensor()(pil).numpy(), tensor.numpy())
    for source in (tensor, T.ToTensor()(pil), array):
        assert np.array_equal(np.asarray(T.ToPILImage()(source)), array)


def test_convert_image_dtype():
    bytes_ = lampas.tensor([0, 1, 128, 255], dtype=lampas.uint8)
    floats = F.convert_image_dtype(bytes_, lampas.float32)
    assert np.allclose(floats.numpy(), [0, 1 / 255, 128 / 255, 1])
    back = F.convert_image_dtype(floats, lampas.uint8)
    assert back.numpy().tolist() == [0, 1, 128, 255]
    short = F.convert_image_dtype(bytes_, lampas.int16)
    assert short.numpy().tolist() == [0, 128, 16384, 32640]
    assert F.convert_image_dtype(short, lampas.uint8).numpy().tolist() == [
        0,
        1,
        128,
        255,
    ]
    with pytest.raises(RuntimeError, match="too few digits"):
        F.convert_image_dtype(floats, lampas.int32)


def test_normalize(rng):
    image = rng.random((3, 4, 5), dtype=np.float32)
    mean, std = [0.1, 0.2, 0.3], [0.5, 0.6, 0.7]
    expected = (image.astype(np.float64) - np.reshape(mean, (3, 1, 1))) / np.reshape(
        std, (3, 1, 1)
    )
    tensor = lampas.from_numpy(image.copy())
    assert np.allclose(T.Normalize(mean, std)(tensor).numpy(), expected, atol=1e-6)
    assert np.array_equal(tensor.numpy(), image)
    T.Normalize(mean, std, inplace=True)(tensor)
    assert np.allclose(tensor.numpy(), expected, atol=1e-6)


def test_normalize_refuses():
    image = lampas.zeros(3, 2, 2)
    with pytest.raises(TypeError, match="put ToTensor"):
        F.normalize(Image.new("L", (2, 2)), [0.0], [1.0])
    with pytest.raises(RuntimeError, match="expected floats"):
        F.normalize(lampas.zeros(3, 2, 2, dtype=lampas.uint8), [0.0], [1.0])
    with pytest.raises(ValueError, match="std: expected no zero"):
        F.normalize(image, [0.0], [0.0])
    with pytest.raises(RuntimeError, match="mean: expected 1 or 3 numbers .* got 2"):
        F.normalize(image, [0.0, 1.0], [1.0])
    with pytest.raises(ValueError, match=r"expected \(..., C, H, W\)"):
        F.normalize(lampas.zeros(2, 2), [0.0], [1.0])


# Resizing


@pytest.mark.parametrize("mode", ["NEAREST_EXACT", "BILINEAR", "BICUBIC"])
@pytest.mark.parametrize("size", [(7, 30), (5, 5), 9, (40, 6)])
def test_floats_are_resized_as_pillow_does(rng, mode, size):
    array = rng.standard_normal((13, 17), dtype=np.float32)
    resize = T.Resize(size, T.InterpolationMode[mode])
    one = values(resize(Image.fromarray(array)))
    two = values(resize(lampas.from_numpy(array[None].copy())))
    assert np.abs(one - two).max() < 1e-5


# Where a cubic leaves the range of a byte, Pillow's order of passes shows.
@pytest.mark.parametrize("mode", ["NEAREST_EXACT", "BILINEAR"])
@pytest.mark.parametrize("size", [(7, 30), (5, 5), 9, (40, 6)])
def test_bytes_are_resized_as_pillow_does(array, mode, size):
    pil, tensor = both(array)
    resize = T.Resize(size, T.InterpolationMode[mode])
    difference = np.abs(values(resize(pil)) - values(resize(tensor)))
    assert difference.max() <= 1


def test_resize_without_antialias_by_hand():
    row = lampas.tensor([[[0.0, 10.0, 20.0, 30.0]]])
    # centres of two pixels of width two lie at 0.5 and 2.5
    out = F.resize(row, [1, 2], antialias=False)
    assert np.allclose(out.numpy(), [[[5.0, 25.0]]])
    up = F.resize(lampas.tensor([[[0.0, 4.0]]]), [1, 4])
    assert np.allclose(up.numpy(), [[[0.0, 1.0, 3.0, 4.0]]])


def test_resize_keeps_constants_and_gradients():
    image = lampas.full((1, 6, 6), 0.7, requires_grad=True)
    out = F.resize(image, [4, 5])
    assert np.allclose(out.detach().numpy(), 0.7, atol=1e-6)
    out.sum().backward()
    assert abs(image.grad.sum().item() - 20.0) < 1e-4


@pytest.mark.parametrize(
    ("old", "size", "limit", "new"),
    [
        ((20, 40), 10, None, (10, 20)),
        ((40, 20), 10, None, (20, 10)),
        ((40, 20), [10], None, (20, 10)),
        ((20, 50), 10, 20, (8, 20)),
        ((20, 50), [3, 4], None, (3, 4)),
    ],
)
def test_sizes_of_resize(old, size, limit, new):
    image = Image.new("L", old[::-1])
    assert T.Resize(size, max_size=limit)(image).size == new[::-1]


def test_resize_refuses():
    image = lampas.zeros(1, 4, 4)
    with pytest.raises(ValueError, match="size: expected a positive int"):
        F.resize(image, 0)
    with pytest.raises(ValueError, match="max_size: expected more than size"):
        F.resize(image, 5, max_size=5)
    with pytest.raises(ValueError, match="max_size: only an int size"):
        F.resize(image, [5, 5], max_size=9)
    with pytest.raises(ValueError, match="interpolation: tensors know .* lanczos"):
        F.resize(image, 5, T.InterpolationMode.LANCZOS)
    with pytest.raises(ValueError, match="interpolation: expected"):
        T.Resize(5, 17)


# Crops, borders, flips


@pytest.mark.parametrize("size", [(5, 7), 4, (20, 8), (30, 40), (12, 18)])
def test_center_crop_of_both_kinds(array, size):
    pil, tensor = both(array)
    crop = T.CenterCrop(size)
    assert np.array_equal(values(crop(pil)), values(crop(tensor)))


def test_center_crop_by_hand():
    image = lampas.arange(16).reshape(1, 4, 4)
    assert F.center_crop(image, 2).numpy().tolist() == [[[5, 6], [9, 10]]]


@pytest.mark.parametrize(
    "box", [(2, 3, 4, 5), (-2, -3, 9, 9), (10, 12, 8, 9), (30, 0, 3, 3)]
)
def test_crop_of_both_kinds(array, box):
    pil, tensor = both(array)
    assert np.array_equal(values(F.crop(pil, *box)), values(F.crop(tensor, *box)))


@pytest.mark.parametrize("mode", ["constant", "edge", "reflect", "symmetric"])
@pytest.mark.parametrize("padding", [2, [1, 3], (1, 2, 3, 4)])
def test_pad_of_both_kinds(array, mode, padding):
    pil, tensor = both(array)
    left, top, right, bottom = (
        [padding] * 4 if isinstance(padding, int) else [*padding, *padding][:4]
    )
    widths = ((top, bottom), (left, right), (0, 0))
    expected = np.pad(array, widths, mode=mode).transpose(2, 0, 1)
    pad = T.Pad(padding, padding_mode=mode)
    assert np.array_equal(values(pad(pil)), expected)
    assert np.array_equal(values(pad(tensor)), expected)


def test_pad_fills_each_channel(array):
    pil, tensor = both(array)
    for image in (pil, tensor):
        out = values(T.Pad(1, fill=(1, 2, 3))(image))
        assert out[:, 0, 0].tolist() == [1, 2, 3]
        assert np.array_equal(out[:, 1:-1, 1:-1], array.transpose(2, 0, 1))


def test_pad_refuses():
    image = lampas.zeros(3, 4, 4)
    with pytest.raises(ValueError, match="padding: expected 1, 2"):
        F.pad(image, [1, 2, 3])
    with pytest.raises(ValueError, match="not negative"):
        F.pad(image, -1)
    with pytest.raises(ValueError, match="padding_mode: expected constant"):
        F.pad(image, 1, padding_mode="wrap")
    with pytest.raises(ValueError, match="reflect needs less than"):
        F.pad(image, 4, padding_mode="reflect")
    with pytest.raises(ValueError, match="fill: expected 1 or 3"):
        F.pad(image, 1, fill=(1, 2))
    with pytest.raises(ValueError, match="fill: expected 1 or 3"):
        F.pad(Image.new("RGB", (4, 4)), 1, fill=(1, 2))


def test_flips(array):
    pil, tensor = both(array)
    planes = array.transpose(2, 0, 1)
    for image in (pil, tensor):
        assert np.array_equal(values(F.hflip(image)), planes[:, :, ::-1])
        assert np.array_equal(values(F.vflip(image)), planes[:, ::-1])


def test_grayscale(array):
    weights = np.array([0.299, 0.587, 0.114])
    expected = array.astype(np.float64) @ weights
    for image in both(array):
        one, three = T.Grayscale()(image), T.Grayscale(3)(image)
        assert np.abs(values(one)[0] - expected).max() <= 1.1
        assert np.array_equal(values(three), np.repeat(values(one), 3, axis=0))
    with pytest.raises(ValueError, match="num_output_channels"):
        T.Grayscale(2)(image)
    with pytest.raises(RuntimeError, match="1 or 3, H, W"):
        T.Grayscale()(lampas.zeros(2, 4, 4))


# Rotation and the like


@pytest.mark.parametrize("turns", [0, 1, 2, 3])
def test_quarter_turns_are_exact(rng, turns):
    array = rng.integers(0, 256, (9, 9, 3), dtype=np.uint8)
    expected = np.rot90(array, turns).transpose(2, 0, 1)
    for image in both(array):
        assert np.array_equal(values(F.rotate(image, 90.0 * turns)), expected)


@pytest.mark.parametrize("turns", [1, 2, 3])
def test_quarter_turns_with_expand(array, turns):
    expected = np.rot90(array, turns).transpose(2, 0, 1)
    for image in both(array):
        assert np.array_equal(
            values(F.rotate(image, 90.0 * turns, expand=True)), expected
        )


def test_whole_shifts_are_exact(array):
    expected = np.zeros((3, 13, 17))
    expected[:, 2:, :-3] = array.transpose(2, 0, 1)[:, :-2, 3:]
    for image in both(array):
        for mode in (T.InterpolationMode.NEAREST, T.InterpolationMode.BILINEAR):
            out = F.affine(image, 0.0, [-3, 2], 1.0, [0.0, 0.0], mode)
            assert np.abs(values(out) - expected).max() <= 1


def test_half_a_pixel_is_the_mean_of_two():
    row = lampas.tensor([[[0.0, 8.0, 4.0]]])
    out = F.affine(row, 0.0, [0.5, 0], 1.0, 0.0, T.InterpolationMode.BILINEAR)
    assert np.allclose(out.numpy(), [[[0.0, 4.0, 6.0]]])


def test_scale_two_repeats_pixels():
    image = lampas.tensor([[[0, 1, 2, 3]] * 4])
    out = F.affine(image, 0.0, [0, 0], 2.0, 0.0)
    assert out.numpy()[0, 0].tolist() == [1, 1, 2, 2]


def test_both_kinds_turn_alike(rng):
    smooth = Image.fromarray(rng.integers(0, 256, (6, 8, 3), dtype=np.uint8))
    array = np.asarray(smooth.resize((40, 30), Image.Resampling.BICUBIC))
    pil, tensor = both(array)
    arguments = (20.0, [2, -1], 1.1, [5.0, 3.0], T.InterpolationMode.BILINEAR)
    a, b = values(F.affine(pil, *arguments)), values(F.affine(tensor, *arguments))
    inner = (slice(None), slice(6, -6), slice(6, -6))
    assert np.abs(a - b)[inner].max() <= 1


def test_fill_stands_outside():
    for image in both(np.zeros((5, 5, 3), np.uint8)):
        out = values(F.affine(image, 0.0, [2, 0], 1.0, 0.0, fill=[9, 8, 7]))
        assert out[:, 0, 0].tolist() == [9, 8, 7]
        assert out[:, 0, 4].tolist() == [0, 0, 0]


def test_affine_refuses():
    image = lampas.zeros(1, 4, 4)
    with pytest.raises(ValueError, match="scale: expected a number above zero"):
        F.affine(image, 0.0, [0, 0], 0.0, 0.0)
    with pytest.raises(ValueError, match="translate: expected two"):
        F.affine(image, 0.0, [0], 1.0, 0.0)
    with pytest.raises(ValueError, match="center: expected two"):
        F.rotate(image, 0.0, center=[1])
    with pytest.raises(ValueError, match="tensors know nearest and bilinear"):
        F.rotate(image, 0.0, T.InterpolationMode.BICUBIC)


# All of them


EVERY = [
    T.PILToTensor(),
    T.Resize(2),
    T.CenterCrop(2),
    T.Pad(1),
    T.Grayscale(),
    T.RandomCrop(2),
    T.RandomHorizontalFlip(),
    T.RandomVerticalFlip(),
    T.RandomRotation(5),
    T.RandomAffine(5),
    T.RandomResizedCrop(2),
    T.Preprocess((2, 2), 1),
    T.Normalize([0.0], [1.0]),
]


@pytest.mark.parametrize("transform", EVERY, ids=lambda t: type(t).__name__)
@pytest.mark.parametrize("image", [np.zeros((4, 4), np.uint8), [[1.0]], "a.png", None])
def test_an_unknown_type_raises(transform, image):
    with pytest.raises(TypeError, match=r"expected a"):
        transform(image)


def test_compose_calls_in_order_and_prints():
    compose = T.Compose([T.Resize(4), T.CenterCrop(2), T.ToTensor()])
    assert tuple(compose(Image.new("RGB", (8, 6))).shape) == (3, 2, 2)
    assert "CenterCrop" in repr(compose)
    with pytest.raises(TypeError, match="things to call, got int"):
        T.Compose([3])
    with pytest.raises(TypeError, match="something to call, got int"):
        T.Lambda(3)

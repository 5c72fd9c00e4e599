"""MNIST and the IDX format: right files, and every way in which one can be wrong."""

from __future__ import annotations

import gzip
import os
import struct
from pathlib import Path

import numpy as np
import pytest

from lampas.errors import FileFormatError
from lampas_vision.datasets import MNIST, DatasetNotFoundError, read_idx

DATA = os.environ.get("LAMPAS_DATA", "")


def idx(array, code=8):
    head = struct.pack(f">HBB{array.ndim}I", 0, code, array.ndim, *array.shape)
    return head + array.tobytes()


def write_part(root: Path, part: str, images, labels) -> None:
    root.mkdir(parents=True, exist_ok=True)
    for kind, array in (("images-idx3", images), ("labels-idx1", labels)):
        with gzip.open(root / f"{part}-{kind}-ubyte.gz", "wb") as file:
            file.write(idx(array))


@pytest.fixture
def images():
    return np.arange(5 * 4 * 3, dtype=np.uint8).reshape(5, 4, 3)


@pytest.fixture
def labels():
    return np.array([3, 1, 4, 1, 5], dtype=np.uint8)


@pytest.mark.parametrize("folder", ["", "mnist", "MNIST/raw"])
def test_reads_the_files_where_they_may_stand(tmp_path, images, labels, folder):
    write_part(tmp_path / folder, "train", images, labels)
    write_part(tmp_path / folder, "t10k", images[:2], labels[:2])
    train, test = MNIST(tmp_path), MNIST(tmp_path, train=False)
    assert (len(train), len(test)) == (5, 2)
    assert np.array_equal(train.data, images)
    assert train.targets.tolist() == [3, 1, 4, 1, 5]
    image, label = test[1]
    assert np.array_equal(np.asarray(image), images[1]) and label == 1


def test_unpacked_files_are_read_too(tmp_path, images, labels):
    (tmp_path / "t10k-images-idx3-ubyte").write_bytes(idx(images))
    (tmp_path / "t10k-labels-idx1-ubyte").write_bytes(idx(labels))
    assert len(MNIST(tmp_path, train=False)) == 5


@pytest.mark.parametrize(
    ("code", "dtype"), [(9, ">i1"), (11, ">i2"), (12, ">i4"), (13, ">f4"), (14, ">f8")]
)
def test_all_types_of_idx(tmp_path, code, dtype):
    array = np.array([[1, -2], [3, 4]], dtype=dtype)
    (tmp_path / "a").write_bytes(idx(array, code))
    read = read_idx(tmp_path / "a")
    assert read.dtype == np.dtype(dtype).newbyteorder("=")
    assert read.tolist() == [[1, -2], [3, 4]]


def test_a_folder_that_is_not_there(tmp_path):
    with pytest.raises(DatasetNotFoundError, match=r"no folder .*nowhere.*t10k-images"):
        MNIST(tmp_path / "nowhere", train=False)


def test_a_file_that_is_not_there(tmp_path):
    with pytest.raises(FileNotFoundError, match="train-images-idx3-ubyte.gz"):
        MNIST(tmp_path)


def test_an_unknown_split(tmp_path):
    with pytest.raises(ValueError, match="split: .* got 'half'"):
        MNIST(tmp_path, split="half")


def test_a_gzip_file_cut_short(tmp_path, images, labels):
    noise = np.random.default_rng(0).integers(0, 256, (5, 40, 30), dtype=np.uint8)
    write_part(tmp_path, "train", noise, labels)
    path = tmp_path / "train-images-idx3-ubyte.gz"
    path.write_bytes(path.read_bytes()[:3000])
    with pytest.raises(FileFormatError, match=r"train-images.*cut short"):
        MNIST(tmp_path)


def test_gzip_damaged_inside(tmp_path, images, labels):
    noise = np.random.default_rng(0).integers(0, 256, (5, 40, 30), dtype=np.uint8)
    write_part(tmp_path, "train", noise, labels)
    path = tmp_path / "train-images-idx3-ubyte.gz"
    content = bytearray(path.read_bytes())
    content[-6] ^= 0xFF  # the checksum, behind the last byte of data
    path.write_bytes(content)
    with pytest.raises(FileFormatError, match="train-images"):
        read_idx(path)


def test_bytes_behind_the_data(tmp_path, labels):
    path = tmp_path / "a"
    path.write_bytes(idx(labels) + b"more")
    with pytest.raises(FileFormatError, match="bytes left over"):
        read_idx(path)


def test_not_gzip_at_all(tmp_path):
    path = tmp_path / "a.gz"
    path.write_bytes(b"<html>not found</html>")
    with pytest.raises(FileFormatError, match=r"a\.gz.*damaged"):
        read_idx(path)


def test_not_idx_at_all(tmp_path):
    path = tmp_path / "a"
    path.write_bytes(b"<html>not found</html>")
    with pytest.raises(FileFormatError, match="not an IDX file.* got 3c 68 74 6d"):
        read_idx(path)


@pytest.mark.parametrize("name", ["a", "a.gz"])
def test_a_header_that_promises_too_much_allocates_nothing(tmp_path, name):
    content = struct.pack(">HBB3I", 0, 8, 3, 2**32 - 1, 2**32 - 1, 2**32 - 1)
    path = tmp_path / name
    path.write_bytes(gzip.compress(content) if name.endswith("gz") else content)
    with pytest.raises(FileFormatError, match="promises shape .* cannot hold"):
        read_idx(path)


def test_fewer_labels_than_images(tmp_path, images, labels):
    write_part(tmp_path, "train", images, labels[:4])
    with pytest.raises(FileFormatError, match=r"expected 5 labels .* got \(4,\)"):
        MNIST(tmp_path)


def test_labels_that_are_no_digits(tmp_path, images, labels):
    write_part(tmp_path, "train", images, labels + 7)
    with pytest.raises(FileFormatError, match="labels must be 0 to 9, got 12"):
        MNIST(tmp_path)


@pytest.mark.skipif(not DATA, reason="LAMPAS_DATA names no folder with data sets")
def test_the_published_half():
    """Counts per class as published: 980 zeros to 1,009 nines."""
    whole = MNIST(DATA, train=False)
    published = [980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009]
    assert np.bincount(whole.targets).tolist() == published
    assert whole.targets[:5].tolist() == [7, 2, 1, 0, 4]
    train = MNIST(DATA, train=True, split="t10k")
    test = MNIST(DATA, train=False, split="t10k")
    assert (len(train), len(test)) == (8000, 2000)
    assert np.array_equal(train.data, whole.data[:8000])
    assert np.array_equal(test.targets, whole.targets[8000:])

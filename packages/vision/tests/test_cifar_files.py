"""CIFAR's files: read as published, checked by MD5, never executed."""

import hashlib
import pickle

import numpy as np
import pytest

from lampas_vision.datasets import CIFAR10, CIFAR100

PIXELS = np.random.default_rng(0).integers(0, 256, (4, 3072), np.uint8)


class Small(CIFAR10):
    """The form of CIFAR-10 with files of the test's own."""

    base_folder = "small"
    train_list = []
    test_list = []


class Small100(CIFAR100):
    base_folder = "small"


def batch_of_python_2(labels_key: bytes, labels: list[int], pixels) -> bytes:
    """A batch byte by byte, in protocol 2."""

    def short(text: bytes) -> bytes:
        return b"U" + bytes([len(text)]) + text

    raw = pixels.tobytes()
    numbers = b"".join(b"K" + bytes([n]) for n in labels)
    return (
        b"\x80\x02}("
        + short(b"data")
        + b"cnumpy.core.multiarray\n_reconstruct\ncnumpy\nndarray\nK\x00\x85"
        + short(b"b")
        + b"\x87R(K\x01K"
        + bytes([len(pixels)])
        + b"M\x00\x0c\x86cnumpy\ndtype\n"
        + short(b"u1")
        + b"K\x00K\x01\x87R(K\x03"
        + short(b"|")
        + b"NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tb\x89T"
        + len(raw).to_bytes(4, "little")
        + raw
        + b"tb"
        + short(labels_key)
        + b"]("
        + numbers
        + b"eu."
    )


def put(folder, name: str, raw: bytes) -> list[str]:
    folder.mkdir(exist_ok=True)
    (folder / name).write_bytes(raw)
    return [name, hashlib.md5(raw).hexdigest()]


@pytest.fixture
def root(tmp_path, monkeypatch):
    folder = tmp_path / "small"
    first = put(folder, "a", batch_of_python_2(b"labels", [0, 1], PIXELS[:2]))
    second = put(folder, "b", batch_of_python_2(b"labels", [1, 0], PIXELS[2:]))
    _, md5 = put(folder, "batches.meta", pickle.dumps({"label_names": ["x", "y"]}, 2))
    monkeypatch.setattr(Small, "train_list", [first, second])
    monkeypatch.setattr(Small, "test_list", [second])
    monkeypatch.setattr(Small, "meta", {**CIFAR10.meta, "md5": md5})
    return tmp_path


def test_batches_are_read(root):
    data = Small(root, train=True, download=True)
    assert len(data) == 4 and data.targets == [0, 1, 1, 0]
    assert data.classes == ["x", "y"] and data.class_to_idx == {"x": 0, "y": 1}
    image, label = data[2]
    assert image.size == (32, 32) and label == 1
    planes = PIXELS[2].reshape(3, 32, 32)
    assert np.array_equal(np.asarray(image)[5, 9], planes[:, 5, 9])
    assert data.data.shape == (4, 32, 32, 3) and data.data.dtype == np.uint8
    assert len(Small(root, train=False)) == 2
    assert "Split: Train" in repr(data)


def test_what_python_unpickles_is_the_same(root):
    raw = batch_of_python_2(b"labels", [0, 1], PIXELS[:2])
    assert np.array_equal(pickle.loads(raw, encoding="latin1")["data"], PIXELS[:2])


def test_a_hundred_kinds(tmp_path, monkeypatch):
    folder = tmp_path / "small"
    batch = put(folder, "test", batch_of_python_2(b"fine_labels", [7, 99], PIXELS[:2]))
    _, md5 = put(folder, "meta", pickle.dumps({"fine_label_names": ["x"] * 100}, 2))
    monkeypatch.setattr(Small100, "test_list", [batch])
    monkeypatch.setattr(Small100, "meta", {**CIFAR100.meta, "md5": md5})
    assert Small100(tmp_path, train=False).targets == [7, 99]


def test_another_file_than_the_published_one_is_refused(root):
    path = root / "small" / "b"
    path.write_bytes(path.read_bytes() + b" ")
    with pytest.raises(RuntimeError, match=r"b: expected the MD5 \w+, got"):
        Small(root)


def test_a_missing_file_is_named(root):
    (root / "small" / "a").unlink()
    with pytest.raises(FileNotFoundError, match="expected the file .*a; unpack"):
        Small(root)


@pytest.mark.parametrize(
    ("content", "error", "match"),
    [
        (b"cos\nsystem\n(S'true'\ntR.", pickle.UnpicklingError, r"os\.system"),
        (b"cnumpy\nload\n.", pickle.UnpicklingError, r"numpy\.load"),
        (pickle.dumps([1], 2), RuntimeError, "expected a dict, got list"),
        (pickle.dumps({"labels": []}, 2), RuntimeError, "under 'data'"),
        (
            batch_of_python_2(b"labels", [0], PIXELS[:2]),
            RuntimeError,
            "expected 2 labels",
        ),
    ],
)
def test_what_is_no_batch_is_refused(root, monkeypatch, content, error, match):
    monkeypatch.setattr(Small, "train_list", [put(root / "small", "bad", content)])
    with pytest.raises(error, match=match):
        Small(root)

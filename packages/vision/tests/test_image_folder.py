"""Image folders: the layout, and messages that name the path."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from lampas.errors import FileFormatError
from lampas_vision.datasets import DatasetFolder, DatasetNotFoundError, ImageFolder


@pytest.fixture
def root(tmp_path):
    for name, colour in (("dog", (10, 20, 30)), ("cat", (40, 50, 60))):
        folder = tmp_path / name
        folder.mkdir()
        for index in (2, 1):
            Image.new("RGB", (4, 3), colour).save(folder / f"{index}.PNG")
    (tmp_path / "cat" / "deeper").mkdir()
    Image.new("L", (2, 2), 7).save(tmp_path / "cat" / "deeper" / "3.jpg")
    (tmp_path / "cat" / "notes.txt").write_text("no image")
    (tmp_path / "readme.md").write_text("no class")
    return tmp_path


def test_classes_and_samples(root):
    dataset = ImageFolder(root)
    assert dataset.classes == ["cat", "dog"]
    assert dataset.class_to_idx == {"cat": 0, "dog": 1}
    names = [path[len(str(root)) + 1 :].replace("\\", "/") for path, _ in dataset.imgs]
    assert names == [
        "cat/1.PNG",
        "cat/2.PNG",
        "cat/deeper/3.jpg",
        "dog/1.PNG",
        "dog/2.PNG",
    ]
    assert dataset.targets == [0, 0, 0, 1, 1]
    image, target = dataset[4]
    assert target == 1
    assert np.asarray(image)[0, 0].tolist() == [10, 20, 30]


def test_grey_images_become_rgb(root):
    assert ImageFolder(root)[2][0].mode == "RGB"


def test_own_loader_and_files(root):
    dataset = DatasetFolder(
        root,
        loader=lambda path: path[-9:],
        is_valid_file=lambda p: "notes" in p,
        allow_empty=True,
    )
    assert list(dataset) == [("notes.txt", 0)]


def test_no_such_folder(tmp_path):
    missing = tmp_path / "missing"
    with pytest.raises(DatasetNotFoundError) as caught:
        ImageFolder(missing)
    assert f"there is no folder {missing}" in str(caught.value)
    assert f"{missing}/CLASS/IMAGE" in str(caught.value)
    assert isinstance(caught.value, FileNotFoundError)


def test_no_class_folder(tmp_path):
    Image.new("L", (2, 2)).save(tmp_path / "1.png")
    with pytest.raises(DatasetNotFoundError, match="no class folder in .*CLASS/IMAGE"):
        ImageFolder(tmp_path)


def test_an_empty_class(root):
    (root / "emu").mkdir()
    with pytest.raises(DatasetNotFoundError, match=r"class emu.*\.png.*emu"):
        ImageFolder(root)
    assert ImageFolder(root, allow_empty=True).class_to_idx["emu"] == 2


@pytest.mark.parametrize("content", ["text", "cut", "empty"])
def test_a_corrupt_image_is_named(root, content):
    path = root / "dog" / "2.PNG"
    whole = path.read_bytes()
    path.write_bytes({"text": b"<html>", "cut": whole[:-30], "empty": b""}[content])
    with pytest.raises(FileFormatError, match=r"dog.2\.PNG.*damaged"):
        ImageFolder(root)[4]


def test_an_absurdly_large_image_is_refused(root, monkeypatch):
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 5)
    with pytest.raises(FileFormatError, match=r"1\.PNG.*exceeds limit"):
        ImageFolder(root)[0]


def test_extensions_and_is_valid_file_exclude_each_other(root):
    with pytest.raises(ValueError, match="exactly one of them, got both"):
        DatasetFolder(root, open, extensions=(".png",), is_valid_file=bool)
    with pytest.raises(ValueError, match="exactly one of them, got neither"):
        DatasetFolder(root, open)

"""CIFAR-10 and CIFAR-100 (Krizhevsky, 2009), read from the files as published."""

from __future__ import annotations

import hashlib
import io
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image

from lampas.errors import FileFormatError, UnsafeFileError
from lampas_vision.datasets._base import (
    DatasetNotFoundError,
    Transform,
    VisionDataset,
)

__all__ = ["CIFAR10", "CIFAR100"]

_SHAPE = (3, 32, 32)


class _Stored:
    """Stands for an array or a dtype of a file, and only keeps what it was given."""

    state: Any = None

    def __init__(self, *arguments: Any) -> None:
        self.arguments = arguments

    def __setstate__(self, state: Any) -> None:
        self.state = state


class _Reader(pickle.Unpickler):
    """Knows plain containers and :class:`_Stored`; calls nothing that a file names."""

    def find_class(self, module_name: str, global_name: str) -> Any:
        known = ("_reconstruct", "ndarray", "dtype")
        if module_name.split(".")[0] != "numpy" or global_name not in known:
            raise UnsafeFileError(
                f"it asks for {module_name}.{global_name}, which is no array"
            )
        return _Stored


def _content(path: Path, md5: str) -> dict[str, Any]:
    """The dict of a file whose MD5 is the published one; it is checked before."""
    try:
        raw = path.read_bytes()
    except FileNotFoundError as error:
        raise DatasetNotFoundError(
            f"expected the file {path}; unpack the published archive there: it is not "
            "fetched"
        ) from error
    found = hashlib.md5(raw, usedforsecurity=False).hexdigest()
    if found != md5:
        raise FileFormatError(f"{path}: expected the MD5 {md5}, got {found}")
    try:
        # The files were written by Python 2, whose text is bytes.
        content = _Reader(io.BytesIO(raw), encoding="latin1").load()
    except UnsafeFileError as error:
        raise UnsafeFileError(f"{path}: refused, nothing was run: {error}") from error
    if not isinstance(content, dict):
        raise FileFormatError(f"{path}: expected a dict, got {type(content).__name__}")
    return content


def _pixels(stored: Any, path: Path) -> npt.NDArray[np.uint8]:
    """The images of a batch as (N, 32, 32, 3)."""
    state = getattr(stored, "state", None)
    raw = state[-1] if isinstance(state, tuple) and state else None
    data = raw.encode("latin1") if isinstance(raw, str) else raw
    if not isinstance(data, bytes) or len(data) % np.prod(_SHAPE):
        raise FileFormatError(f"{path}: expected images of 3x32x32 bytes under 'data'")
    planes = np.frombuffer(data, np.uint8).reshape(-1, *_SHAPE)
    return planes.transpose(0, 2, 3, 1)


class CIFAR10(VisionDataset):
    """60,000 colour images of ten kinds of things, 32x32 pixels.

    Args:
        root: the folder that holds ``cifar-10-batches-py/``, as the published archive
            unpacks.
        train: the 50,000 to train on, else the 10,000 to test on.
        transform: called on each PIL image.
        target_transform: called on each label (int).
        download: accepted where the files are there; they are not fetched.

    Attributes:
        data: images, an array ``(N, 32, 32, 3)``, uint8.
        targets: labels, a list of int.
        classes: the names of the kinds.
        class_to_idx: number of each kind by its name.

    Raises:
        FileNotFoundError: a file is missing; the text names it.
        RuntimeError: a file is not the published one (by MD5), or holds something
            else.
        pickle.UnpicklingError: a file asks for something that is no array.

    ::

        CIFAR10("data", train=False, transform=ToTensor())
    """

    base_folder = "cifar-10-batches-py"
    url = "https://www.cs.toronto.edu/~kriz/cifar-10-python.tar.gz"
    filename = "cifar-10-python.tar.gz"
    train_list = [
        ["data_batch_1", "c99cafc152244af753f735de768cd75f"],
        ["data_batch_2", "d4bba439e000b95fd0a9bffe97cbabec"],
        ["data_batch_3", "54ebc095f3ab1f0389bbae665268c751"],
        ["data_batch_4", "634d18415352ddfa80567beed471001a"],
        ["data_batch_5", "482c414d41f54cd18b22e5b47cb7c3cb"],
    ]
    test_list = [["test_batch", "40351d587109b95175f43aff81a1287e"]]
    meta = {
        "filename": "batches.meta",
        "key": "label_names",
        "md5": "5ff9c542aee3614f3951f8cda6e48888",
    }
    _labels = "labels"

    def __init__(
        self,
        root: str | Path,
        train: bool = True,
        transform: Transform | None = None,
        target_transform: Transform | None = None,
        download: bool = False,
    ) -> None:
        super().__init__(root, transform=transform, target_transform=target_transform)
        self.train = train
        folder = Path(root).expanduser() / self.base_folder
        parts: list[npt.NDArray[np.uint8]] = []
        self.targets: list[int] = []
        for name, md5 in self.train_list if train else self.test_list:
            path = folder / name
            content = _content(path, md5)
            parts.append(_pixels(content.get("data"), path))
            labels = content.get(self._labels)
            if not isinstance(labels, list) or len(labels) != len(parts[-1]):
                raise FileFormatError(
                    f"{path}: expected {len(parts[-1])} labels under {self._labels!r}"
                )
            self.targets += [int(label) for label in labels]
        self.data = np.concatenate(parts)
        path = folder / self.meta["filename"]
        self.classes: list[str] = list(
            _content(path, self.meta["md5"]).get(self.meta["key"], [])
        )

    @property
    def class_to_idx(self) -> dict[str, int]:
        """Number of each kind by its name."""
        return {name: index for index, name in enumerate(self.classes)}

    def __len__(self) -> int:
        return len(self.data)

    def __getitem__(self, index: int) -> tuple[Any, Any]:
        return self._transformed(Image.fromarray(self.data[index]), self.targets[index])

    def extra_repr(self) -> str:
        return f"Split: {'Train' if self.train else 'Test'}"


class CIFAR100(CIFAR10):
    """60,000 colour images of a hundred kinds of things; see :class:`CIFAR10`.

    The files stand in ``cifar-100-python/``; labels are the fine ones.
    """

    base_folder = "cifar-100-python"
    url = "https://www.cs.toronto.edu/~kriz/cifar-100-python.tar.gz"
    filename = "cifar-100-python.tar.gz"
    train_list = [["train", "16019d7e3df5f24257cddd939b257f8d"]]
    test_list = [["test", "f0ef6b0ae62326f3e7ffdfab6717acfc"]]
    meta = {
        "filename": "meta",
        "key": "fine_label_names",
        "md5": "7973b15100ade9c7d40fb424638fde48",
    }
    _labels = "fine_labels"

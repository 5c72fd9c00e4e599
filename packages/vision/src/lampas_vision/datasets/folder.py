"""Images sorted into one folder per class."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from PIL import Image

from lampas.errors import ArgumentError, FileFormatError
from lampas_vision.datasets._base import (
    DatasetNotFoundError,
    Transform,
    VisionDataset,
)

__all__ = [
    "IMG_EXTENSIONS",
    "DatasetFolder",
    "ImageFolder",
    "default_loader",
    "find_classes",
    "make_dataset",
    "pil_loader",
]

# the order is torchvision's
IMG_EXTENSIONS = tuple(".jpg .jpeg .png .ppm .bmp .pgm .tif .tiff .webp".split())

_LAYOUT = "expected {root}/CLASS/IMAGE, such as {root}/cat/1.png and {root}/dog/2.png"


def pil_loader(path: str | os.PathLike[str]) -> Image.Image:
    """Read an image file as RGB.

    Args:
        path: a file in a format that Pillow knows.

    Returns:
        The image, mode "RGB".

    Raises:
        FileFormatError: the file is damaged, cut short, absurdly large or no image;
            the text names it.
        FileNotFoundError: there is no such file.
    """
    with open(path, "rb") as file:
        try:
            with Image.open(file) as image:
                return image.convert("RGB")
        except (
            OSError,
            ValueError,
            SyntaxError,
            Image.DecompressionBombError,
        ) as error:
            raise FileFormatError(
                f"image {os.fspath(path)}: expected an image that Pillow can read, "
                f"got a file that is damaged or of another kind ({error})"
            ) from error


default_loader = pil_loader


def find_classes(directory: str | Path) -> tuple[list[str], dict[str, int]]:
    """Take the sorted names of the folders in a folder as classes.

    Args:
        directory: the folder above the class folders.

    Returns:
        The names, and the number of each by its name.

    Raises:
        DatasetNotFoundError: there is no such folder, or no folder in it.
    """
    root = Path(directory)
    layout = _LAYOUT.format(root=root)
    if not root.is_dir():
        raise DatasetNotFoundError(f"there is no folder {root}; {layout}")
    classes = sorted(entry.name for entry in os.scandir(root) if entry.is_dir())
    if not classes:
        raise DatasetNotFoundError(f"there is no class folder in {root}; {layout}")
    return classes, {name: index for index, name in enumerate(classes)}


def _files(folder: Path) -> list[str]:
    """All files under a folder, links followed, in a fixed order."""
    return [
        os.path.join(parent, name)
        for parent, _, names in sorted(os.walk(folder, followlinks=True))
        for name in sorted(names)
    ]


def make_dataset(
    directory: str | Path,
    class_to_idx: dict[str, int] | None = None,
    extensions: str | tuple[str, ...] | list[str] | None = None,
    is_valid_file: Callable[[str], bool] | None = None,
    allow_empty: bool = False,
) -> list[tuple[str, int]]:
    """List the files of every class.

    Args:
        directory: the folder above the class folders.
        class_to_idx: the classes; found by :func:`find_classes` when None.
        extensions: endings of the files to take, in any case.
        is_valid_file: decides instead of ``extensions``.
        allow_empty: a class without files is no error.

    Returns:
        Pairs of path and class number.

    Raises:
        DatasetNotFoundError: a class has no file that fits.
        ValueError: both or neither of ``extensions`` and ``is_valid_file``.
    """
    if (extensions is None) == (is_valid_file is None):
        raise ArgumentError(
            "extensions, is_valid_file: expected exactly one of them, got "
            + ("neither" if extensions is None else "both")
        )
    root = Path(directory).expanduser()
    classes = find_classes(root)[1] if class_to_idx is None else class_to_idx
    if not classes:
        raise ArgumentError("class_to_idx: expected at least one class, got none")
    endings = (extensions,) if isinstance(extensions, str) else tuple(extensions or ())
    fits = is_valid_file or (lambda path: path.lower().endswith(endings))
    samples: list[tuple[str, int]] = []
    empty = []
    for name in sorted(classes):
        found = [path for path in _files(root / name) if fits(path)]
        samples += [(path, classes[name]) for path in found]
        if not found:
            empty.append(name)
    if empty and not allow_empty:
        wanted = f"files ending in {' '.join(endings)}" if endings else "valid files"
        paths = ", ".join(str(root / name) for name in empty)
        raise DatasetNotFoundError(
            f"no image for class {', '.join(empty)}: expected {wanted} in {paths} "
            "(or pass allow_empty=True)"
        )
    return samples


class DatasetFolder(VisionDataset):
    """Files sorted into one folder per class, read by a loader of your own.

    Args:
        root: the folder above the class folders.
        loader: reads a path.
        extensions: endings of the files to take.
        transform: called on what the loader gives.
        target_transform: called on each class number.
        is_valid_file: decides instead of ``extensions`` which paths to take.
        allow_empty: a class without files is no error.

    Attributes:
        classes: names, sorted.
        class_to_idx: number of each class by its name.
        samples: pairs of path and class number.
        targets: class numbers.

    Raises:
        DatasetNotFoundError: no such folder, no class folder, or an empty one; the
            text names the path and the layout that was expected.
    """

    def __init__(
        self,
        root: str | Path,
        loader: Callable[[str], Any],
        extensions: tuple[str, ...] | list[str] | None = None,
        transform: Transform | None = None,
        target_transform: Transform | None = None,
        is_valid_file: Callable[[str], bool] | None = None,
        allow_empty: bool = False,
    ) -> None:
        super().__init__(root, transform=transform, target_transform=target_transform)
        folder = Path(root).expanduser()
        self.classes, self.class_to_idx = self.find_classes(folder)
        self.samples = make_dataset(
            folder, self.class_to_idx, extensions, is_valid_file, allow_empty
        )
        self.loader = loader
        self.extensions = extensions
        self.targets = [target for _, target in self.samples]

    def find_classes(self, directory: str | Path) -> tuple[list[str], dict[str, int]]:
        """Name the classes; a subclass may do so in another way."""
        return find_classes(directory)

    def __len__(self) -> int:
        return len(self.samples)

    def __getitem__(self, index: int) -> tuple[Any, Any]:
        path, target = self.samples[index]
        return self._transformed(self.loader(path), target)


class ImageFolder(DatasetFolder):
    """Images sorted into one folder per class: ``root/cat/1.png``, ``root/dog/2.png``.

    Args:
        root: the folder above the class folders.
        transform: called on each PIL image (mode "RGB").
        target_transform: called on each class number.
        loader: reads a path; by default :func:`pil_loader`.
        is_valid_file: decides which paths are images; by default their ending.
        allow_empty: a class without images is no error.

    Attributes:
        classes: names, sorted.
        class_to_idx: number of each class by its name.
        samples, imgs: pairs of path and class number.
        targets: class numbers.

    Raises:
        DatasetNotFoundError: no such folder, no class folder, or an empty one; the
            text names the path and the layout that was expected.

    >>> import tempfile
    >>> root = Path(tempfile.mkdtemp())
    >>> for name in ("cat", "dog"):
    ...     (root / name).mkdir()
    ...     Image.new("L", (4, 4)).save(root / name / "1.png")
    >>> ImageFolder(root).class_to_idx
    {'cat': 0, 'dog': 1}
    """

    def __init__(
        self,
        root: str | Path,
        transform: Transform | None = None,
        target_transform: Transform | None = None,
        loader: Callable[[str], Any] = default_loader,
        is_valid_file: Callable[[str], bool] | None = None,
        allow_empty: bool = False,
    ) -> None:
        super().__init__(
            root,
            loader,
            IMG_EXTENSIONS if is_valid_file is None else None,
            transform,
            target_transform,
            is_valid_file,
            allow_empty,
        )
        self.imgs = self.samples

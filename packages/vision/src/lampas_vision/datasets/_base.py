"""What every vision dataset shares: a root, transforms, and its errors."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from lampas.errors import LampasError
from lampas.utils.data import Dataset

__all__ = ["DatasetNotFoundError", "VisionDataset"]

Transform = Callable[[Any], Any]


class DatasetNotFoundError(LampasError, FileNotFoundError, RuntimeError):
    """Files of a data set are not where they were looked for; the text says where.

    torchvision raises FileNotFoundError in some places and RuntimeError in others;
    this is both.
    """


class VisionDataset(Dataset[tuple[Any, Any]]):
    """Base of the datasets: where they come from, and what is done to each item.

    Args:
        root: the folder with the data.
        transforms: called as ``transforms(image, target)``; excludes the other two.
        transform: called on each image.
        target_transform: called on each target.

    Raises:
        ValueError: ``transforms`` together with one of the others.
    """

    def __init__(
        self,
        root: str | Path | None = None,
        transforms: Callable[[Any, Any], tuple[Any, Any]] | None = None,
        transform: Transform | None = None,
        target_transform: Transform | None = None,
    ) -> None:
        if transforms is not None and (transform or target_transform):
            raise ValueError(
                "transforms: expected either transforms or transform and "
                "target_transform, got both"
            )
        self.root = None if root is None else Path(root).expanduser()
        self.transforms = transforms
        self.transform = transform
        self.target_transform = target_transform

    def _transformed(self, image: Any, target: Any) -> tuple[Any, Any]:
        if self.transforms is not None:
            return self.transforms(image, target)
        if self.transform is not None:
            image = self.transform(image)
        if self.target_transform is not None:
            target = self.target_transform(target)
        return image, target

    def __len__(self) -> int:
        raise TypeError(f"{type(self).__name__} does not define its length")

    def __repr__(self) -> str:
        lines = [
            f"Dataset {type(self).__name__}",
            f"    Number of datapoints: {len(self)}",
        ]
        if self.root is not None:
            lines.append(f"    Root location: {self.root}")
        lines += [f"    {line}" for line in self.extra_repr().splitlines()]
        for name in ("transforms", "transform", "target_transform"):
            if getattr(self, name) is not None:
                lines.append(f"    {name}: {getattr(self, name)!r}")
        return "\n".join(lines)

    def extra_repr(self) -> str:
        """Lines that a dataset adds to its printed form."""
        return ""

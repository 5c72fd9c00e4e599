"""Pictures of many images in one, under torchvision's names."""

from __future__ import annotations

import math
import os
from collections.abc import Sequence
from typing import Any, BinaryIO

from PIL import Image, ImageDraw

import lampas
from lampas import Tensor
from lampas.errors import ArgumentError, ArgumentTypeError, ShapeError
from lampas_vision.transforms.functional import pil_to_tensor, to_pil_image

__all__ = ["draw_bounding_boxes", "make_grid", "save_image"]


def _batch(tensor: Any) -> Tensor:
    """Images ``(N, C, H, W)`` of at least three channels, from any of the forms."""
    if isinstance(tensor, (list, tuple)):
        tensor = lampas.stack([*tensor], dim=0)
    if not isinstance(tensor, Tensor):
        raise ArgumentTypeError(
            f"tensor: expected a tensor or a list of them, got {type(tensor).__name__}"
        )
    if tensor.ndim not in (2, 3, 4):
        raise ShapeError(
            "tensor: expected (H, W), (C, H, W) or (N, C, H, W), got shape "
            f"{tuple(tensor.shape)}"
        )
    while tensor.ndim < 4:
        tensor = tensor.unsqueeze(0)
    if tensor.shape[1] == 1:
        tensor = tensor.expand(-1, 3, -1, -1)
    return tensor


def _normalized(images: Tensor, bounds: tuple[float, float] | None) -> Tensor:
    """Values from ``bounds``, or from the smallest to the largest, to [0, 1]."""
    low, high = bounds or (float(images.min()), float(images.max()))
    return (images.clamp(low, high) - low) / max(high - low, 1e-5)


@lampas.no_grad()
def make_grid(
    tensor: Tensor | Sequence[Tensor],
    nrow: int = 8,
    padding: int = 2,
    normalize: bool = False,
    value_range: tuple[float, float] | None = None,
    scale_each: bool = False,
    pad_value: float = 0.0,
) -> Tensor:
    """Lay images out in rows, as one image.

    Args:
        tensor: images ``(N, C, H, W)``, one ``(C, H, W)`` or ``(H, W)``, or a list of
            images of one size; a single channel is repeated to three.
        nrow: images in a row.
        padding: pixels around each.
        normalize: shift and scale the values to [0, 1].
        value_range: what becomes 0 and 1; by default the smallest and the largest.
        scale_each: take these from each image, not from all together.
        pad_value: value of the pixels around.

    Returns:
        The image ``(C, rows * (H + padding) + padding, ...)``; a single image comes
        back as it is.

    Raises:
        TypeError: neither a tensor nor a list of tensors.
        RuntimeError: another number of dimensions.
        ValueError: ``value_range`` is not a pair.

    >>> make_grid(lampas.ones(3, 1, 4, 4), nrow=2).shape
    lampas.Size([3, 14, 14])
    """
    if value_range is not None and len(value_range) != 2:
        raise ArgumentError(f"value_range: expected (min, max), got {value_range!r}")
    images = _batch(tensor)
    if normalize and scale_each:
        images = lampas.stack([_normalized(image, value_range) for image in images])
    elif normalize:
        images = _normalized(images, value_range)
    if len(images) == 1:
        return images[0]
    columns = min(nrow, len(images))
    rows = math.ceil(len(images) / columns)
    _, channels, height, width = images.shape
    down, across = height + padding, width + padding
    size = (channels, down * rows + padding, across * columns + padding)
    grid = lampas.full(size, pad_value, dtype=images.dtype)
    for index, image in enumerate(images):
        row, column = divmod(index, columns)
        top, left = row * down + padding, column * across + padding
        grid[:, top : top + height, left : left + width] = image
    return grid


def save_image(
    tensor: Tensor | Sequence[Tensor],
    fp: str | os.PathLike[str] | BinaryIO,
    format: str | None = None,
    **kwargs: Any,
) -> None:
    """Write images, laid out by :func:`make_grid`, to one image file.

    Args:
        tensor: floats in [0, 1], in any form that ``make_grid`` takes.
        fp: a path, or a file opened for writing bytes.
        format: Pillow's name of the format; by default by the path's ending.
        kwargs: arguments of ``make_grid``.

    Raises:
        ValueError: the format cannot be told from the path.

    >>> import io
    >>> file = io.BytesIO()
    >>> save_image(lampas.zeros(1, 4, 4), file, format="png")
    >>> Image.open(file).size
    (4, 4)
    """
    grid = make_grid(tensor, **kwargs)
    bytes_ = grid.mul(255).add(0.5).clamp(0, 255).to("cpu", lampas.uint8)
    to_pil_image(bytes_).save(fp, format=format)


def draw_bounding_boxes(
    image: Tensor,
    boxes: Tensor,
    labels: Sequence[str | None] | None = None,
    colors: Any = None,
    fill: bool = False,
    width: int = 1,
) -> Tensor:
    """Draw boxes on an image.

    Args:
        image: ``(C, H, W)``, uint8, one or three channels.
        boxes: ``(N, 4)``: left, top, right, bottom, in pixels.
        labels: a text for each box, or None.
        colors: one of Pillow's colours, or one for each box; red by default.
        fill: fill the boxes, half transparent.
        width: of the lines, in pixels.

    Returns:
        The image with the boxes, ``(3, H, W)``, uint8.

    Raises:
        TypeError: the image is not of bytes.
        ValueError: there is not one label or colour for each box.

    >>> image = lampas.zeros(3, 5, 5, dtype=lampas.uint8)
    >>> box = lampas.tensor([[1, 1, 3, 3]])
    >>> draw_bounding_boxes(image, box)[0, 1]
    tensor([  0, 255, 255, 255,   0], dtype=lampas.uint8)
    """
    if image.dtype is not lampas.uint8:
        raise ArgumentTypeError(f"image: expected uint8, got {image.dtype}")
    count = len(boxes)
    texts = [None] * count if labels is None else [*labels]
    paints = [*colors] if isinstance(colors, list) else [colors or "red"] * count
    for name, given in (("labels", texts), ("colors", paints)):
        if len(given) != count:
            raise ArgumentError(f"{name}: expected {count}, got {len(given)}")
    picture = to_pil_image(image).convert("RGB")
    layer = picture.copy()
    pen, brush = ImageDraw.Draw(picture), ImageDraw.Draw(layer)
    corners = [tuple(map(float, box)) for box in boxes.tolist()]
    for box, paint in zip(corners, paints) if fill else ():
        brush.rectangle(box, fill=paint)
    if fill:
        picture.paste(Image.blend(picture, layer, 0.5))
    for box, paint, text in zip(corners, paints, texts):
        pen.rectangle(box, outline=paint, width=width)
        if text is not None:
            pen.text((box[0] + width, box[1] + width), text, fill=paint)
    return pil_to_tensor(picture)

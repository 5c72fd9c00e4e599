"""Products of two vectors with a tensor between, and pixels exchanged for channels."""

from __future__ import annotations

from lampas.engine.tensor import Tensor
from lampas.errors import ArgumentError, ShapeError

__all__ = ["bilinear", "channel_shuffle", "pixel_shuffle", "pixel_unshuffle"]


def bilinear(
    input1: Tensor, input2: Tensor, weight: Tensor, bias: Tensor | None = None
) -> Tensor:
    """``y_k = x1^T A_k x2 + b_k``.

    Args:
        input1: (..., H1).
        input2: (..., H2).
        weight: (O, H1, H2).
        bias: (O,).

    Returns:
        (..., O).

    Raises:
        RuntimeError: shapes that do not fit.

    >>> lampas.bilinear(lampas.ones(1, 2), lampas.ones(1, 3), lampas.ones(1, 2, 3))
    tensor([[6.]])
    """
    one, two, w = input1._data.shape, input2._data.shape, weight._data.shape
    if len(w) != 3 or one[:-1] != two[:-1] or one[-1] != w[1] or two[-1] != w[2]:
        raise ShapeError(
            f"bilinear: input1 is {one}, input2 is {two} and weight is {w}; they must "
            "be (..., H1), (..., H2) and (O, H1, H2)"
        )
    outs, h1, h2 = w
    x1, x2 = input1.reshape(-1, 1, h1), input2.reshape(-1, h2)  # type: ignore[attr-defined]
    matrix = weight.permute(1, 0, 2).reshape(h1, outs * h2)  # type: ignore[attr-defined]
    inner = (x1.reshape(-1, h1) @ matrix).reshape(-1, outs, h2)
    y = (inner * x2.unsqueeze(1)).sum(-1, dtype=inner.dtype)
    if bias is not None:
        y = y + bias
    return y.reshape(*one[:-1], outs)


def pixel_shuffle(input: Tensor, upscale_factor: int) -> Tensor:
    """Channels become pixels: (..., C r^2, H, W) to (..., C, H r, W r).

    Raises:
        RuntimeError: C is not divisible by ``r^2``.

    >>> lampas.pixel_shuffle(lampas.zeros(1, 4, 2, 3), 2).shape
    lampas.Size([1, 1, 4, 6])
    """
    shape, r = input._data.shape, upscale_factor
    if len(shape) < 3 or r < 1 or shape[-3] % (r * r):
        raise ShapeError(
            f"pixel_shuffle expects its input's 'channel' dimension to be divisible by "
            f"the square of upscale_factor {r}, got shape {tuple(shape)}"
        )
    *lead, c, h, w = shape
    n = len(lead)
    split = input.reshape(*lead, c // (r * r), r, r, h, w)  # type: ignore[attr-defined]
    order = (*range(n), n, n + 3, n + 1, n + 4, n + 2)
    return split.permute(order).reshape(*lead, c // (r * r), h * r, w * r)


def pixel_unshuffle(input: Tensor, downscale_factor: int) -> Tensor:
    """Pixels become channels: (..., C, H r, W r) to (..., C r^2, H, W).

    Raises:
        RuntimeError: height or width is not divisible by ``r``.

    >>> lampas.pixel_unshuffle(lampas.zeros(1, 1, 4, 6), 2).shape
    lampas.Size([1, 4, 2, 3])
    """
    shape, r = input._data.shape, downscale_factor
    if len(shape) < 3 or r < 1 or shape[-1] % r or shape[-2] % r:
        raise ShapeError(
            f"pixel_unshuffle expects height and width to be divisible by "
            f"downscale_factor {r}, got shape {tuple(shape)}"
        )
    *lead, c, h, w = shape
    n = len(lead)
    split = input.reshape(*lead, c, h // r, r, w // r, r)  # type: ignore[attr-defined]
    order = (*range(n), n, n + 2, n + 4, n + 1, n + 3)
    return split.permute(order).reshape(*lead, c * r * r, h // r, w // r)


def channel_shuffle(input: Tensor, groups: int) -> Tensor:
    """Interleave the channels of groups: (N, C, ...) to the same shape.

    Raises:
        RuntimeError: C is not divisible by ``groups``.

    >>> lampas.channel_shuffle(lampas.arange(4.0).reshape(1, 4, 1), 2).flatten()
    tensor([0., 2., 1., 3.])
    """
    shape = input._data.shape
    if groups < 1:
        raise ArgumentError(f"groups must be positive, got {groups}")
    if len(shape) < 3 or shape[1] % groups:
        raise ShapeError(
            f"channel_shuffle: channels must be divisible by groups {groups}, got "
            f"shape {tuple(shape)}"
        )
    n, c, *rest = shape
    split = input.reshape(n, groups, c // groups, *rest)  # type: ignore[attr-defined]
    return split.transpose(1, 2).reshape(shape)

"""Convolution on arrays: columns and one matrix product.

Everything is done in five dimensions, (N, C, D, H, W); lines and planes have sizes of
one in front. Columns are copied from a padded image that has its channels outermost:
where the last two strides are 1, whole runs of rows are copied at once, gaps at the
row ends included, and the product's surplus columns are dropped as the result is
stored. That makes the copy as fast as memory.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any, NamedTuple

__all__ = ["Geometry", "convolve", "gradient_of_input", "gradient_of_weight"]

# Elements of the columns that are made at once: they should stay in a cache.
_CHUNK = 1 << 20

Triple = tuple[int, int, int]


class Geometry(NamedTuple):
    """Sizes of a convolution in three spatial dimensions."""

    kernel: Triple
    stride: Triple
    dilation: Triple
    pads: tuple[tuple[int, int], ...]
    padded: Triple
    out: Triple
    groups: int

    @property
    def runs(self) -> bool:
        """Whether rows of columns can be copied with the gaps between them."""
        return self.stride[1] == 1 and self.stride[2] == 1

    @property
    def row(self) -> int:
        """Length of a row of columns."""
        return self.padded[2] if self.runs else self.out[2]


def _geometry(
    size: tuple[int, ...],
    kernel: tuple[int, ...],
    stride: Any,
    padding: Any,
    dilation: Any,
    groups: int,
) -> Geometry:
    lead = 3 - len(size)
    size, kernel = (1,) * lead + tuple(size), (1,) * lead + tuple(kernel)
    stride, dilation = (1,) * lead + tuple(stride), (1,) * lead + tuple(dilation)
    pads = ((0, 0),) * lead + tuple(padding)
    padded = tuple(s + lo + hi for s, (lo, hi) in zip(size, pads, strict=True))
    out = tuple(
        (p - d * (k - 1) - 1) // s + 1
        for p, k, s, d in zip(padded, kernel, stride, dilation, strict=True)
    )
    return Geometry(kernel, stride, dilation, pads, padded, out, groups)  # type: ignore[arg-type]


def _cube(x: Any) -> Any:
    """An array with its spatial dimensions filled up to three."""
    lead = (1,) * (5 - x.ndim)
    return x.reshape(x.shape[:2] + lead + x.shape[2:])


def _region(size: int, lo: int, hi: int) -> tuple[slice, slice]:
    """Where data lies in a padded dimension, and which of it (pads may be negative)."""
    target = slice(max(lo, 0), max(lo, 0) + size + min(lo, 0) + min(hi, 0))
    source = slice(max(-lo, 0), size - max(-hi, 0))
    return target, source


def _regions(size: Any, pads: Any) -> tuple[tuple[Any, ...], tuple[Any, ...]]:
    """The regions of all spatial dimensions, as indices of the last ones."""
    places = [_region(s, lo, hi) for s, (lo, hi) in zip(size, pads, strict=True)]
    return (..., *(t for t, _ in places)), (..., *(s for _, s in places))


def _padded(xp: Any, x: Any, geo: Geometry) -> Any:
    """(N, C, D, H, W) as (C, N, ...) with zeros around; a flat buffer with slack."""
    n, channels = x.shape[:2]
    shape = (channels, n, *geo.padded)
    slack = (geo.kernel[2] - 1) * geo.dilation[2]
    flat = xp.zeros(math.prod(shape) + slack, x.dtype)
    inside, of = _regions(x.shape[2:], geo.pads)
    flat[: math.prod(shape)].reshape(shape)[inside] = x[of].swapaxes(0, 1)
    return flat


def _columns(xp: Any, x: Any, geo: Geometry) -> Any:
    """The (C * kernel, N * out) matrix whose product with the weight is the result."""
    n, channels = x.shape[:2]
    flat = _padded(xp, x, geo)
    item = flat.itemsize
    _, height, width = geo.padded
    steps = (height * width * item, width * item, item)
    image = geo.padded[0] * steps[0]
    taps = tuple(d * s for d, s in zip(geo.dilation, steps, strict=True))
    out = (geo.out[0], geo.out[1] * width) if geo.runs else geo.out
    moves = tuple(d * s for d, s in zip(geo.stride, steps, strict=True))
    moves = (moves[0], item) if geo.runs else moves
    windows = xp.lib.stride_tricks.as_strided(
        flat,
        (channels, *geo.kernel, n, *out),
        (n * image, *taps, image, *moves),
    )
    return windows.reshape(channels * math.prod(geo.kernel), -1)


def _chunks(n: int, channels: int, geo: Geometry) -> Iterator[slice]:
    """Parts of the batch whose columns fit into a cache."""
    each = channels * math.prod(geo.kernel) * geo.out[0] * geo.out[1] * geo.row
    step = max(1, min(n, _CHUNK // max(each, 1)))
    return (slice(i, min(i + step, n)) for i in range(0, n, step))


def _is_pointwise(geo: Geometry) -> bool:
    return (
        math.prod(geo.kernel) == 1
        and geo.groups == 1
        and geo.stride == (1, 1, 1)
        and all(lo == hi == 0 for lo, hi in geo.pads)
    )


def _product(xp: Any, a: Any, b: Any, groups: int) -> Any:
    """Matrix product of each of the groups into which the rows are divided."""
    if groups == 1:
        return xp.matmul(a, b)
    a = a.reshape(groups, -1, a.shape[-1])
    return xp.matmul(a, b.reshape(groups, -1, b.shape[-1])).reshape(-1, b.shape[-1])


def convolve(
    xp: Any, x: Any, w: Any, bias: Any, stride: Any, padding: Any, dilation: Any, g: int
) -> Any:
    """Cross-correlate (N, C, *size) with (O, C / g, *kernel)."""
    geo = _geometry(x.shape[2:], w.shape[2:], stride, padding, dilation, g)
    n, channels, outs = x.shape[0], x.shape[1], w.shape[0]
    shape = (n, outs, *geo.out[5 - x.ndim :])
    x5 = _cube(x)
    if _is_pointwise(geo):
        y = xp.matmul(w.reshape(outs, channels), x5.reshape(n, channels, -1))
        if bias is not None:
            y += bias[:, None]
        return y.reshape(shape)
    if w.shape[1] == 1 and g > 1:
        return _depthwise(xp, x5, _cube(w), bias, geo).reshape(shape)
    y = xp.empty((n, outs, *geo.out), xp.result_type(x, w))
    w2 = w.reshape(outs, -1)
    shift = None if bias is None else bias.reshape(-1, 1, 1, 1, 1)
    for part in _chunks(n, channels, geo):
        product = _product(xp, w2, _columns(xp, x5[part], geo), g)
        rows = product.reshape(outs, -1, geo.out[0], geo.out[1], geo.row)
        rows = rows[..., : geo.out[2]]
        into = y[part].swapaxes(0, 1)
        if shift is None:
            into[...] = rows
        else:
            xp.add(rows, shift, out=into)
    return y.reshape(shape)


def gradient_of_weight(
    xp: Any,
    x: Any,
    dy: Any,
    kernel: Any,
    stride: Any,
    padding: Any,
    dilation: Any,
    g: int,
) -> Any:
    """Gradient of the weight: the products of columns and cotangents, summed."""
    geo = _geometry(x.shape[2:], kernel, stride, padding, dilation, g)
    n, channels, outs = x.shape[0], x.shape[1], dy.shape[1]
    shape = (outs, channels // g, *kernel)
    x5, dy5 = _cube(x), _cube(dy)
    if _is_pointwise(geo):
        dw = xp.tensordot(
            dy5.reshape(n, outs, -1),
            x5.reshape(n, channels, -1),
            axes=((0, 2), (0, 2)),
        )
        return dw.reshape(shape)
    if channels == g and g > 1:
        return _depthwise_weight(xp, x5, dy5, geo).reshape(shape)
    dw = xp.zeros((g, outs // g, channels // g * math.prod(geo.kernel)), x.dtype)
    for part in _chunks(n, channels, geo):
        columns = _columns(xp, x5[part], geo)
        count = dy5[part].shape[0]
        # The surplus columns meet zeros.
        make = xp.zeros if geo.row != geo.out[2] else xp.empty
        rows = make((outs, count, geo.out[0], geo.out[1], geo.row), x.dtype)
        rows[..., : geo.out[2]] = dy5[part].swapaxes(0, 1)
        if g == 1:
            dw[0] += xp.matmul(rows.reshape(outs, -1), columns.T)
        else:
            of_group = columns.reshape(g, -1, columns.shape[-1]).swapaxes(1, 2)
            dw += xp.matmul(rows.reshape(g, outs // g, -1), of_group)
    return dw.reshape(shape)


def gradient_of_input(
    xp: Any,
    dy: Any,
    w: Any,
    size: Any,
    stride: Any,
    padding: Any,
    dilation: Any,
    g: int,
) -> Any:
    """Gradient of the input; also the transposed convolution itself."""
    geo = _geometry(size, w.shape[2:], stride, padding, dilation, g)
    n, outs, channels = dy.shape[0], dy.shape[1], w.shape[1] * g
    if _is_pointwise(geo):
        flat = _cube(dy).reshape(n, outs, -1)
        dx = xp.matmul(w.reshape(outs, channels).T, flat)
        return dx.reshape(n, channels, *size)
    if w.shape[1] == 1 and g > 1:
        dx = _depthwise_input(xp, _cube(dy), _cube(w), geo)
        return xp.ascontiguousarray(dx).reshape(n, channels, *size)
    if all(s == 1 for s in stride):
        return _by_flipped(xp, dy, w, size, padding, dilation, g)
    dy5 = _cube(dy)
    dx = xp.empty((n, channels, *(1,) * (5 - dy.ndim), *size), dy.dtype)
    w2 = w.reshape(outs, -1)
    plain = geo._replace(stride=(1, 2, 2))  # rows without gaps
    for part in _chunks(n, channels, plain):
        cotangents = dy5[part].swapaxes(0, 1).reshape(outs, -1)
        if g == 1:
            columns = xp.matmul(w2.T, cotangents)
        else:
            of_group = w2.reshape(g, outs // g, -1).swapaxes(1, 2)
            columns = xp.matmul(of_group, cotangents.reshape(g, outs // g, -1))
        columns = columns.reshape(channels, *geo.kernel, -1, *geo.out)
        dx[part] = _add_columns(xp, columns, geo).swapaxes(0, 1)
    return dx.reshape(n, channels, *size)


def _by_flipped(
    xp: Any, dy: Any, w: Any, size: Any, padding: Any, dilation: Any, g: int
) -> Any:
    """With stride 1 the gradient is a convolution with the mirrored weight."""
    kernel = w.shape[2:]
    spatial = tuple(range(3, 3 + len(kernel)))
    grouped = w.reshape(g, -1, *w.shape[1:]).swapaxes(1, 2)
    mirrored = xp.flip(grouped, spatial).reshape(-1, w.shape[0] // g, *kernel)
    pads = []
    for s, o, k, d, (lo, _) in zip(
        size, dy.shape[2:], kernel, dilation, padding, strict=True
    ):
        reach = d * (k - 1)
        pads.append((reach - lo, s - o + lo))
    ones = (1,) * len(kernel)
    return convolve(xp, dy, mirrored, None, ones, pads, dilation, g)


def _taps(geo: Geometry) -> Iterator[tuple[tuple[int, int, int], tuple[Any, ...]]]:
    """Each position in the kernel, and the part of the padded image that it meets."""
    for i in range(geo.kernel[0]):
        for j in range(geo.kernel[1]):
            for k in range(geo.kernel[2]):
                yield (
                    (i, j, k),
                    tuple(
                        slice(at * d, at * d + s * (o - 1) + 1, s)
                        for at, d, s, o in zip(
                            (i, j, k), geo.dilation, geo.stride, geo.out, strict=True
                        )
                    ),
                )


def _cropped(xp: Any, padded: Any, geo: Geometry) -> Any:
    """The inside of a padded image, of shape (..., *padded)."""
    size = tuple(p - lo - hi for p, (lo, hi) in zip(geo.padded, geo.pads, strict=True))
    inside, of = _regions(size, geo.pads)
    if all(lo >= 0 and hi >= 0 for lo, hi in geo.pads):
        return padded[inside]
    result = xp.zeros((*padded.shape[:-3], *size), padded.dtype)
    result[of] = padded[inside]
    return result


def _add_columns(xp: Any, columns: Any, geo: Geometry) -> Any:
    """(C, *kernel, N, *out) added up at the places they came from."""
    image = xp.zeros((columns.shape[0], columns.shape[4], *geo.padded), columns.dtype)
    for (i, j, k), where in _taps(geo):
        image[(..., *where)] += columns[:, i, j, k]
    return _cropped(xp, image, geo)


def _around(xp: Any, x: Any, geo: Geometry) -> Any:
    """(N, C, D, H, W) with zeros around."""
    if not any(map(any, geo.pads)):
        return x
    image = xp.zeros((*x.shape[:2], *geo.padded), x.dtype)
    inside, of = _regions(x.shape[2:], geo.pads)
    image[inside] = x[of]
    return image


def _depthwise(xp: Any, x: Any, w: Any, bias: Any, geo: Geometry) -> Any:
    """One group for each channel: a sum of shifted products."""
    n, channels = x.shape[:2]
    each = w.shape[0] // channels
    w6 = w.reshape(channels, each, *geo.kernel)
    image = _around(xp, x, geo)[:, :, None]
    y = xp.zeros((n, channels, each, *geo.out), xp.result_type(x, w))
    if bias is not None:
        y += bias.reshape(channels, each, 1, 1, 1)
    term = xp.empty_like(y)
    for (i, j, k), where in _taps(geo):
        weight = w6[:, :, i, j, k].reshape(channels, each, 1, 1, 1)
        xp.multiply(image[(..., *where)], weight, out=term)
        y += term
    return y


def _depthwise_weight(xp: Any, x: Any, dy: Any, geo: Geometry) -> Any:
    n, channels = x.shape[:2]
    image = _around(xp, x, geo)
    dy6 = dy.reshape(n, channels, -1, *geo.out)
    dw = xp.empty((channels, dy6.shape[2], *geo.kernel), x.dtype)
    for (i, j, k), where in _taps(geo):
        dw[:, :, i, j, k] = xp.einsum(
            "ncdhw,ncmdhw->cm", image[(..., *where)], dy6, optimize=False
        )
    return dw


def _depthwise_input(xp: Any, dy: Any, w: Any, geo: Geometry) -> Any:
    n, channels = dy.shape[0], geo.groups
    each = w.shape[0] // channels
    w6 = w.reshape(channels, each, *geo.kernel)
    dy6 = dy.reshape(n, channels, each, *geo.out)
    image = xp.zeros((n, channels, *geo.padded), dy.dtype)
    for (i, j, k), where in _taps(geo):
        weight = w6[:, :, i, j, k].reshape(channels, each, 1, 1, 1)
        term = dy6 * weight
        image[(..., *where)] += term[:, :, 0] if each == 1 else term.sum(axis=2)
    return _cropped(xp, image, geo)

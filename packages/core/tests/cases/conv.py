"""Cases of ``lampas.ops.conv``; the oracle adds up products one by one."""

from __future__ import annotations

import itertools

import numpy as np
from case import Case, normal

F = "nn.functional."


def _sizes(value, n):
    return value if isinstance(value, tuple) else (value,) * n


def conv(x, w, b=None, stride=1, padding=0, dilation=1, groups=1):
    """Cross-correlation by its definition."""
    n = w.ndim - 2
    stride, dilation = _sizes(stride, n), _sizes(dilation, n)
    if padding == "same":
        total = [d * (k - 1) for d, k in zip(dilation, w.shape[2:], strict=True)]
        pads = [(t // 2, t - t // 2) for t in total]
    else:
        pads = [(p, p) for p in _sizes(padding, n)]
    x = np.pad(x, [(0, 0), (0, 0), *pads])
    spans = [d * (k - 1) + 1 for d, k in zip(dilation, w.shape[2:], strict=True)]
    out = [
        (size - span) // s + 1
        for size, span, s in zip(x.shape[2:], spans, stride, strict=True)
    ]
    y = np.zeros((x.shape[0], w.shape[0], *out))
    each_in, each_out = w.shape[1], w.shape[0] // groups
    for o, *at in itertools.product(range(w.shape[0]), *map(range, out)):
        first = o // each_out * each_in
        window = tuple(
            slice(i * s, i * s + span, d)
            for i, s, span, d in zip(at, stride, spans, dilation, strict=True)
        )
        patch = x[(slice(None), slice(first, first + each_in), *window)]
        y[(slice(None), o, *at)] = (patch * w[o]).reshape(x.shape[0], -1).sum(axis=1)
    return y if b is None else y + b.reshape(-1, *(1,) * n)


def transposed(
    x, w, b=None, stride=1, padding=0, output_padding=0, groups=1, dilation=1
):
    """Each input element spreads the kernel, scaled, over the output."""
    n = w.ndim - 2
    stride, padding = _sizes(stride, n), _sizes(padding, n)
    extra, dilation = _sizes(output_padding, n), _sizes(dilation, n)
    spans = [d * (k - 1) + 1 for d, k in zip(dilation, w.shape[2:], strict=True)]
    full = [
        (i - 1) * s + span + e
        for i, s, span, e in zip(x.shape[2:], stride, spans, extra, strict=True)
    ]
    outs = w.shape[1] * groups
    y = np.zeros((x.shape[0], outs, *full))
    each_in = w.shape[0] // groups
    for c, *at in itertools.product(range(w.shape[0]), *map(range, x.shape[2:])):
        first = c // each_in * w.shape[1]
        window = tuple(
            slice(i * s, i * s + span, d)
            for i, s, span, d in zip(at, stride, spans, dilation, strict=True)
        )
        value = x[(slice(None), c, *at)].reshape(-1, *(1,) * (n + 1))
        y[(slice(None), slice(first, first + w.shape[1]), *window)] += value * w[c]
    inside = tuple(slice(p, f - p) for p, f in zip(padding, full, strict=True))
    y = y[(slice(None), slice(None), *inside)]
    return y if b is None else y + b.reshape(-1, *(1,) * n)


def _case(name, shapes, oracle, **params):
    return Case(name, normal(*shapes), oracle, params)


CASES = [
    _case("conv1d", [(2, 3, 7), (4, 3, 3), (4,)], conv, padding=1),
    _case("conv1d", [(2, 4, 7), (4, 2, 2)], conv, groups=2, dilation=2, stride=2),
    _case("conv2d", [(2, 3, 5, 6), (4, 3, 3, 3), (4,)], conv, padding=(1, 0)),
    _case("conv2d", [(2, 3, 5, 6), (4, 3, 3, 2)], conv, stride=(2, 1)),
    _case("conv2d", [(2, 4, 5, 6), (6, 2, 3, 3), (6,)], conv, groups=2, dilation=2),
    _case("conv2d", [(2, 3, 5, 4), (4, 3, 1, 1), (4,)], conv),
    _case("conv2d", [(2, 3, 5, 4), (6, 1, 3, 3), (6,)], conv, groups=3, padding=1),
    _case("conv2d", [(2, 2, 5, 5), (2, 1, 3, 3)], conv, groups=2, stride=2),
    _case("conv2d", [(1, 2, 5, 4), (3, 2, 2, 3)], conv, padding="same"),
    _case("conv3d", [(1, 2, 4, 3, 5), (2, 2, 2, 3, 2), (2,)], conv, padding=1),
    _case("conv_transpose1d", [(2, 3, 4), (3, 2, 3), (2,)], transposed, stride=2),
    _case("conv_transpose2d", [(2, 3, 3, 4), (3, 2, 3, 2)], transposed, padding=1),
    _case(
        "conv_transpose2d",
        [(1, 4, 3, 2), (4, 1, 3, 3), (2,)],
        transposed,
        stride=2,
        padding=1,
        output_padding=1,
        groups=2,
    ),
    _case(
        "conv_transpose2d",
        [(1, 2, 3, 2), (2, 1, 2, 3)],
        transposed,
        stride=(2, 1),
        dilation=3,
        output_padding=2,
        groups=2,
    ),
    _case("conv_transpose3d", [(1, 2, 2, 2, 3), (2, 1, 2, 2, 2)], transposed, stride=2),
]

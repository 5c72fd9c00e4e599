"""Cases of ``lampas.ops.pool``; the oracle looks at one window at a time."""

from __future__ import annotations

import itertools

import numpy as np
from case import Case, apart, normal, within

F = "nn.functional."


def _sizes(value, n):
    return value if isinstance(value, tuple) else (value,) * n


def _windows(x, n, kernel, stride, padding, dilation, ceil):
    """Output sizes, and for each output the elements of its window and their count."""
    kernel = _sizes(kernel, n)
    stride = kernel if stride is None else _sizes(stride, n)
    padding, dilation = _sizes(padding, n), _sizes(dilation, n)
    size = x.shape[-n:]
    out = []
    for s, k, st, p, d in zip(size, kernel, stride, padding, dilation, strict=True):
        reach = (s + 2 * p - d * (k - 1) - 1) / st
        count = int(np.ceil(reach) if ceil else np.floor(reach)) + 1
        out.append(count - 1 if ceil and (count - 1) * st >= s + p else count)
    for at in itertools.product(*map(range, out)):
        places = [
            [i * st - p + d * j for j in range(k)]
            for i, k, st, p, d in zip(
                at, kernel, stride, padding, dilation, strict=True
            )
        ]
        padded = 1
        for line, s, p in zip(places, size, padding, strict=True):
            padded *= sum(i < s + p for i in line)
        inside = [
            [i for i in line if 0 <= i < s]
            for line, s in zip(places, size, strict=True)
        ]
        yield at, inside, padded, out


def pooled(n, reduce):
    def oracle(
        x, kernel_size, stride=None, padding=0, dilation=1, ceil_mode=False, **how
    ):
        y = None
        for at, inside, padded, out in _windows(
            x, n, kernel_size, stride, padding, dilation, ceil_mode
        ):
            if y is None:
                y = np.zeros((*x.shape[:-n], *out))
            grid = np.ix_(*map(range, x.shape[:-n]), *inside)
            window = x[grid].reshape(*x.shape[:-n], -1)
            y[(..., *at)] = reduce(window, padded, **how)
        return y

    return oracle


def largest(window, padded):
    return window.max(axis=-1)


def mean(window, padded, count_include_pad=True, divisor_override=None):
    count = padded if count_include_pad else window.shape[-1]
    return window.sum(axis=-1) / (divisor_override or count)


def power(n):
    def oracle(x, norm_type, kernel_size):
        sums = pooled(n, lambda w, _: (w**norm_type).sum(axis=-1))
        return sums(x, kernel_size) ** (1 / norm_type)

    return oracle


def _unpool(x, index, kernel_size):
    n = x.ndim - 1
    size = tuple(s * kernel_size for s in x.shape[1:])
    flat = np.zeros((x.shape[0], int(np.prod(size))))
    for row in range(x.shape[0]):
        flat[row, index[row].ravel()] = x[row].ravel()
    return flat.reshape(x.shape[0], *size) if n else flat


def _unpool_inputs(*size):
    def make(rng):
        places = rng.permutation(int(np.prod(size)) * 2 ** len(size))
        places = places[: int(np.prod(size))].reshape(1, *size)
        return [rng.standard_normal((1, *size)), places]

    return make


def _max(n, shape, **params):
    return Case(f"{F}max_pool{n}d", apart(shape), pooled(n, largest), params)


def _avg(n, shape, **params):
    return Case(f"{F}avg_pool{n}d", normal(shape), pooled(n, mean), params)


CASES = [
    _max(1, (2, 3, 8), kernel_size=3, stride=2),
    _max(2, (2, 2, 6, 5), kernel_size=2),
    _max(2, (2, 5, 7), kernel_size=(3, 2), stride=(2, 1), padding=1),
    _max(2, (1, 2, 7, 8), kernel_size=3, stride=2, ceil_mode=True),
    _max(2, (1, 2, 7, 8), kernel_size=3, stride=2, dilation=2),
    _max(3, (1, 2, 4, 5, 4), kernel_size=2),
    _avg(1, (2, 3, 8), kernel_size=3, stride=2, padding=1),
    _avg(2, (2, 2, 6, 5), kernel_size=2),
    _avg(2, (2, 5, 7), kernel_size=3, stride=2, padding=1, count_include_pad=False),
    _avg(2, (1, 2, 7, 8), kernel_size=3, stride=2, padding=1, ceil_mode=True),
    _avg(2, (1, 2, 6, 6), kernel_size=3, divisor_override=2),
    _avg(3, (1, 2, 4, 5, 4), kernel_size=2),
    *(
        Case(
            f"{F}lp_pool{n}d",
            within(0.5, 2.0, (1, 2, *(4,) * n)),
            power(n),
            {"norm_type": 3.0, "kernel_size": 2},
        )
        for n in (1, 2, 3)
    ),
    *(
        Case(
            f"{F}max_unpool{n}d", _unpool_inputs(*(2,) * n), _unpool, {"kernel_size": 2}
        )
        for n in (1, 2, 3)
    ),
]

"""Native depthwise convolutions against sums over taps in float64."""

from __future__ import annotations

import itertools
from typing import NamedTuple

import numpy as np
import pytest
from test_kernels_conv import LAYOUTS, accepted, close, with_threads

import lampas
from lampas.backend import native
from lampas.ops.conv import _conv, _conv_input, _conv_weight

pytestmark = pytest.mark.skipif(
    native.extension is None, reason="the kernels were not built"
)


class Case(NamedTuple):
    """Images, channels, outputs of a channel; what is one number counts everywhere."""

    shape: tuple[int, int, int]
    size: tuple[int, ...]
    kernel: tuple[int, ...]
    stride: int | tuple[int, ...] = 1
    pads: int | tuple[tuple[int, int], ...] = 0
    dilation: int | tuple[int, ...] = 1

    def each(self, value):
        return (value,) * len(self.size) if isinstance(value, int) else value

    @property
    def how(self):
        pads = self.pads
        return {
            "stride": self.each(self.stride),
            "padding": ((pads, pads),) * len(self.size)
            if isinstance(pads, int)
            else pads,
            "dilation": self.each(self.dilation),
            "groups": self.shape[1],
        }


# Small planes of single outputs lie channel by channel, the others row by row.
SMALL = [
    Case((9, 13, 1), (8, 8), (3, 3), pads=1),
    Case((4, 8, 1), (4, 4), (3, 3), pads=1),
    Case((7, 21, 1), (7, 7), (5, 5), pads=2),
    Case((6, 5, 1), (9, 12), (3, 3), stride=2, pads=1),
    Case((5, 4, 1), (1, 2), (3, 3), pads=1),  # fewer positions than a vector has lanes
    Case((1, 6, 1), (5, 5), (3, 3), stride=(3, 2), pads=((0, 2), (1, 0))),
    Case((12, 17, 1), (3, 4, 5), (2, 3, 3), stride=(1, 2, 1), pads=1),
    Case((4, 9, 1), (50,), (7,), pads=3, dilation=2),
    Case((4, 9, 1), (6, 7), (3, 2), pads=((-1, 3), (2, -2)), dilation=(2, 1)),
    Case((70, 4, 1), (6, 6), (3, 3)),  # several parts of the images
]
ROWS_OF_THREE = [
    Case((2, 3, 1), (19, 33), (3, 3), pads=1),
    Case((1, 2, 1), (20, 16), (3, 3), pads=((0, 1), (1, 0))),
    Case((3, 5, 1), (21, 7), (3, 3), pads=1),  # rows shorter than a vector
    Case((2, 2, 2), (18, 26), (3, 3), pads=1),
    Case((1, 2, 1), (40, 30), (3, 3), stride=(1, 2), pads=1, dilation=(1, 3)),
    Case((1, 2, 1), (290, 200), (3, 3), pads=1),  # planes in several boxes
    Case((1, 2, 1), (9000, 3), (3, 3), pads=1),
    Case((2, 3, 1), (1, 40), (3, 3), pads=1),
]
ROWS_OF_MORE = [
    Case((2, 3, 1), (30, 29), (5, 5), pads=2),
    Case((1, 3, 2), (27, 40), (7, 7), pads=3),
    Case((2, 2, 1), (23, 18), (7, 3), stride=(1, 2), pads=((3, 2), (0, 1))),
    Case((1, 2, 1), (22, 31), (5, 1), dilation=(1, 2)),
    Case((2, 3, 1), (21, 6), (5, 4), pads=2),
    Case((1, 2, 1), (300, 170), (5, 5), pads=2),
]
ROWS = [
    Case((2, 3, 1), (30, 29), (6, 5), pads=2),
    Case((2, 3, 1), (33, 31), (3, 3), stride=2, pads=1),
    Case((1, 3, 1), (24, 50), (4, 2), stride=(2, 3), pads=((1, 2), (0, 1))),
    Case((2, 2, 3), (13, 22), (3, 2), stride=(1, 2), pads=1, dilation=2),
    Case((2, 2, 2), (17, 5), (3, 3), stride=2),
    Case((2, 2, 1), (20, 21), (1, 1), stride=3),  # steps over positions
    Case((2, 2, 1), (5, 21), (2, 2), stride=50, pads=1),
    Case((1, 2, 1), (30, 30), (3, 3), pads=((-2, 4), (3, -5))),
    Case((3, 2, 1), (1000,), (7,), pads=3),
    Case((3, 2, 2), (999,), (4,), stride=2),
    Case((2, 2, 1), (9, 10, 11), (3, 3, 3), pads=1),
    Case((2, 3, 2), (8, 9, 7), (3, 1, 2), stride=(2, 1, 2), pads=1),
    Case((1, 2, 1), (41, 40, 43), (3, 2, 3), stride=2, pads=1),  # in several boxes
    Case((1, 2, 1), (400, 190), (5, 5), stride=2, pads=2),
]
ALL = [*SMALL, *ROWS_OF_THREE, *ROWS_OF_MORE, *ROWS]


def operands(case, dtype=np.float32, seed=0):
    rng = np.random.default_rng(seed)
    images, channels, each = case.shape
    how = case.how
    out = [
        (s + a + b - d * (k - 1) - 1) // t + 1
        for s, k, t, (a, b), d in zip(
            case.size,
            case.kernel,
            how["stride"],
            how["padding"],
            how["dilation"],
            strict=True,
        )
    ]
    shapes = (
        (images, channels, *case.size),
        (channels * each, 1, *case.kernel),
        (images, channels * each, *out),
    )
    return tuple(rng.standard_normal(s).astype(dtype) for s in shapes)


def formula(case, x, w, g):
    """The result and both gradients: what each tap adds to each, in float64."""
    images, channels, each = case.shape
    how = case.how
    x, w, g = (a.astype(np.float64) for a in (x, w, g))
    x = np.repeat(x, each, axis=1)
    y, dx, dw = np.zeros(g.shape), np.zeros(x.shape), np.zeros(w.shape)
    for tap in itertools.product(*map(range, case.kernel)):
        of_x, of_y = [slice(None)] * 2, [slice(None)] * 2
        for t, size, out, s, (low, _), d in zip(
            tap,
            x.shape[2:],
            y.shape[2:],
            how["stride"],
            how["padding"],
            how["dilation"],
            strict=True,
        ):
            at = np.arange(out) * s + t * d - low
            met = np.flatnonzero((at >= 0) & (at < size))
            first, last = (met[0], met[-1] + 1) if met.size else (0, 0)
            of_y.append(slice(first, last))
            begin = max(0, first * s + t * d - low)
            of_x.append(slice(begin, begin + (last - first - 1) * s + 1, s))
            if not met.size:
                of_x[-1] = slice(0, 0)
        weights = w[(slice(None), 0, *tap)].reshape(-1, *(1,) * len(tap))
        seen, slope = x[tuple(of_x)], g[tuple(of_y)]
        y[tuple(of_y)] += weights * seen
        dx[tuple(of_x)] += weights * slope
        dw[(slice(None), 0, *tap)] = (seen * slope).sum((0, *range(2, x.ndim)))
    dx = dx.reshape(images, channels, each, *case.size).sum(2)
    return y, dx, dw


def all_three(case, x, w, g):
    return (
        accepted(_conv, x, w, **case.how),
        accepted(_conv_input, g, w, size=case.size, **case.how),
        accepted(_conv_weight, x, g, kernel=case.kernel, **case.how),
    )


@pytest.mark.parametrize("case", ALL, ids=str)
def test_results_and_gradients(path, case):
    arrays = operands(case)
    for found, wanted in zip(
        all_three(case, *arrays), formula(case, *arrays), strict=True
    ):
        close(found, wanted)


@pytest.mark.parametrize(
    "case",
    [*SMALL[:6], *ROWS_OF_THREE[:4], *ROWS_OF_MORE[:5], *ROWS[:5], ROWS[11]],
    ids=str,
)
def test_double_precision(path, case):
    arrays = operands(case, np.float64)
    for found, wanted in zip(
        all_three(case, *arrays), formula(case, *arrays), strict=True
    ):
        close(found, wanted, np.float64)


@pytest.mark.parametrize(
    "case", [SMALL[0], ROWS_OF_THREE[2], ROWS_OF_THREE[3], ROWS[1], ROWS[3]], ids=str
)
def test_a_bias_is_added(path, case):
    x, w, g = operands(case)
    bias = np.random.default_rng(1).standard_normal(w.shape[0]).astype(np.float32)
    wanted = formula(case, x, w, g)[0] + bias.reshape(-1, *(1,) * (x.ndim - 2))
    close(accepted(_conv, x, w, bias, **case.how), wanted)


@pytest.mark.parametrize("size", range(1, 36))
@pytest.mark.parametrize("stride", [1, 2])
def test_every_length_of_rows(path, size, stride):
    # Of one image and of four: row by row, and (if they are short) channel by channel.
    for images, kernel in ((1, 3), (4, 3), (1, 5), (1, 6), (1, 7)):
        case = Case((images, 4, 1), (6, size), (kernel,) * 2, stride, kernel // 2)
        arrays = operands(case)
        for found, wanted in zip(
            all_three(case, *arrays), formula(case, *arrays), strict=True
        ):
            close(found, wanted)


@pytest.mark.parametrize("channels", range(2, 20))
def test_every_number_of_channels(path, channels):
    for images in (1, 3, 4, 6, 8, 15):
        case = Case((images, channels, 1), (4, 5), (3, 3), pads=1)
        arrays = operands(case)
        for found, wanted in zip(
            all_three(case, *arrays), formula(case, *arrays), strict=True
        ):
            close(found, wanted)


@pytest.mark.parametrize(
    "case", [SMALL[0], SMALL[3], ROWS_OF_THREE[0], ROWS_OF_THREE[2], ROWS[1]], ids=str
)
def test_operands_of_any_layout(path, case):
    x, w, g = operands(case)
    wanted = all_three(case, x, w, g)

    for lay in LAYOUTS:
        for a, b in zip(all_three(case, lay(x), w, lay(g)), wanted, strict=True):
            np.testing.assert_array_equal(a, b)
    same = np.broadcast_to(np.float32(0.5), g.shape)
    for a, b in zip(
        all_three(case, x, w, same), formula(case, x, w, same), strict=True
    ):
        close(a, b)


@pytest.mark.parametrize(
    "case", [SMALL[0], SMALL[9], ROWS_OF_THREE[5], ROWS[3], ROWS[13]], ids=str
)
def test_the_number_of_threads_changes_nothing(case):
    arrays = operands(case)
    one, three = (with_threads(n, all_three, case, *arrays) for n in (1, 3))
    for a, b in zip(one, three, strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.mark.filterwarnings("ignore:invalid value")
@pytest.mark.parametrize("value", [np.nan, np.inf])
@pytest.mark.parametrize(
    "case",
    [*SMALL[:4], *ROWS_OF_THREE[:3], *ROWS_OF_MORE[:3], *ROWS[:2], ROWS[8]],
    ids=str,
)
def test_what_is_not_finite_spreads_as_far_as_it_is_seen(path, case, value):
    # At a corner, which some taps never meet, and where vectors end.
    for end in (0, -1):
        x, w, g = operands(case)
        x[(0, 0) + (end,) * len(case.size)] = value
        found, wanted = all_three(case, x, w, g), formula(case, x, w, g)
        for a, b in zip(found, wanted, strict=True):
            np.testing.assert_array_equal(np.isfinite(a), np.isfinite(b))
        x, w, g = operands(case)
        g[(0, 0) + (end,) * len(case.size)] = value
        found, wanted = all_three(case, x, w, g), formula(case, x, w, g)
        for a, b in zip(found, wanted, strict=True):
            # A packed image's zeros times an infinite cotangent are NaN, as in the
            # reference's padded image.
            assert not (np.isfinite(a) & ~np.isfinite(b)).any()
        np.testing.assert_array_equal(np.isfinite(found[1]), np.isfinite(wanted[1]))
        x, w, g = operands(case)
        w[(0, 0) + (end,) * len(case.size)] = value
        found = _conv_input.on_host(g, w, size=x.shape[2:], **case.how)
        wanted = formula(case, x, w, g)[1]
        np.testing.assert_array_equal(np.isfinite(found), np.isfinite(wanted))


@pytest.mark.parametrize(
    "case",
    [
        Case((64, 5, 1), (16, 15), (3, 3), pads=1),
        Case((200, 8, 1), (7, 7), (3, 3), pads=1),
        Case((3, 2, 1), (230, 220), (5, 5), stride=2, pads=2),
        Case((1, 2, 1), (300000,), (3,), pads=1),
    ],
    ids=str,
)
def test_long_sums_are_exact_to_a_few_roundings(path, case):
    x, w, g = operands(case)
    x += 1
    g += 1
    wanted = formula(case, x, w, g)[2]
    found = accepted(_conv_weight, x, g, kernel=case.kernel, **case.how)
    near = 2 * np.finfo(np.float32).eps * np.abs(wanted).max()
    assert np.abs(found - wanted).max() <= near


def test_gradients_of_gradients():
    x = lampas.randn(2, 4, 5, 6, dtype=lampas.float64, requires_grad=True)
    w = lampas.randn(4, 1, 3, 3, dtype=lampas.float64, requires_grad=True)

    def f(x, w):
        return lampas.nn.functional.conv2d(x, w, stride=2, padding=1, groups=4)

    assert lampas.autograd.gradcheck(f, (x, w))
    assert lampas.autograd.gradgradcheck(f, (x, w))

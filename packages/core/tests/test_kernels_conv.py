"""Native convolutions against sums over taps in float64: sizes, strides, gradients."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

import lampas
from lampas import kernels
from lampas.backend import native
from lampas.ops.conv import _conv, _conv_input, _conv_weight

pytestmark = pytest.mark.skipif(
    native.extension is None, reason="the kernels were not built"
)


class Sizes:
    """A convolution: what is not given is plain."""

    def __init__(self, image, weight, stride=1, pads=0, dilation=1, groups=1):
        rank = len(image) - 2
        self.image, self.weight, self.groups = image, weight, groups
        self.stride, self.dilation = (
            (v,) * rank if isinstance(v, int) else v for v in (stride, dilation)
        )
        self.pads = ((pads, pads),) * rank if isinstance(pads, int) else pads

    def __repr__(self):
        how = f"s{self.stride}p{self.pads}d{self.dilation}g{self.groups}"
        return f"{self.image}{self.weight}{how}".replace(" ", "")

    @property
    def how(self):
        return {
            "stride": self.stride,
            "padding": self.pads,
            "dilation": self.dilation,
            "groups": self.groups,
        }


PLAIN = [
    Sizes((1, 1, 1), (1, 1, 1)),
    Sizes((2, 3, 9), (4, 3, 3), pads=1),
    Sizes((3, 5, 6, 7), (17, 5, 3, 3), pads=1),
    Sizes((2, 4, 33, 35), (7, 4, 3, 3), pads=1),
    Sizes((5, 6, 7, 7), (6, 6, 3, 3), pads=1),  # several images in one block
    Sizes((1, 70, 20, 20), (50, 70, 3, 3), pads=1),  # several blocks of channels
    Sizes((9, 40, 3, 3), (33, 40, 3, 3), pads=1),
]
ODD = [
    Sizes((3, 5, 6, 7), (4, 5, 1, 1)),
    Sizes((2, 33, 13, 11), (20, 33, 1, 1), stride=2),
    Sizes((2, 3, 6, 7), (4, 3, 2, 4), pads=((0, 3), (2, 1))),
    Sizes((2, 3, 19, 18), (8, 3, 7, 7), stride=2, pads=3),
    Sizes((2, 3, 12, 11), (4, 3, 3, 3), stride=(3, 2), pads=1),
    Sizes((2, 3, 12, 11), (4, 3, 2, 2), stride=3),  # steps over pixels
    Sizes((2, 3, 12, 11), (4, 3, 3, 2), dilation=(2, 3), pads=2),
    Sizes((2, 3, 12, 11), (4, 3, 3, 3), stride=2, dilation=2, pads=1),
    Sizes((2, 3, 9, 8), (4, 3, 3, 3), pads=((-1, 2), (1, -2))),
    Sizes((2, 6, 9, 8), (8, 3, 3, 3), groups=2, pads=1),
    Sizes((2, 6, 9, 8), (9, 2, 3, 3), stride=2, groups=3, pads=1),
    Sizes((2, 3, 5, 6, 7), (4, 3, 3, 3, 3), pads=1),
    Sizes((2, 3, 6, 5, 7), (4, 3, 3, 2, 3), stride=(2, 1, 2), pads=1),
    Sizes((1, 4, 7, 4, 4), (4, 2, 2, 1, 1), stride=(3, 1, 1), groups=2),
    Sizes((2, 3, 5, 4, 4), (4, 3, 3, 1, 1), pads=((2, 2), (0, 0), (0, 0))),
    Sizes((5, 20, 4, 8), (7, 20, 1, 1)),  # images of whole vectors
    Sizes((1, 2, 3, 40, 40), (3, 2, 5, 1, 3), dilation=(2, 1, 1), pads=4),
    # Some taps see nothing but padding, in the last but one all of them.
    Sizes((40, 17, 1, 1), (18, 17, 3, 3), pads=1),
    Sizes((40, 17, 2, 2), (18, 17, 3, 3), stride=2, pads=1),
    Sizes(
        (3, 4, 2, 7),
        (5, 4, 5, 3),
        stride=(1, 4),
        dilation=(2, 3),
        pads=((4, 4), (3, 3)),
    ),
    Sizes((3, 4, 2, 2, 1), (6, 2, 3, 3, 5), groups=2, pads=((1, 1), (1, 1), (2, 2))),
    Sizes((2, 3, 3, 3), (4, 3, 2, 2), stride=9, pads=((4, 0), (4, 0))),
    Sizes((2, 3, 9, 9), (4, 3, 5, 5), stride=3, pads=((0, 0), (-6, 8))),
]
WINOGRAD = [  # 3 x 3 taps, stride 1, channels and tiles enough
    Sizes((4, 24, 15, 14), (33, 24, 3, 3), pads=1),
    Sizes((1, 40, 31, 32), (25, 40, 3, 3)),
    Sizes((18, 30, 7, 5), (24, 30, 3, 3), pads=((2, 1), (0, 3))),
    Sizes((2, 50, 19, 21), (48, 25, 3, 3), groups=2, pads=2),
    Sizes((2, 24, 23, 40), (24, 24, 3, 3), pads=((-1, 0), (1, -2))),
    # So many weights that one place is multiplied after another.
    Sizes((5, 190, 9, 7), (181, 190, 3, 3), pads=1),
    Sizes((3, 370, 8, 9), (366, 185, 3, 3), groups=2, pads=1),
]
BACK_OUT = [  # the transposed convolution's result is larger than what the taps reach
    Sizes((2, 3, 9, 9), (4, 3, 1, 1), stride=3),
    Sizes(
        (2, 3, 9, 4, 4),
        (4, 3, 1, 1, 1),
        stride=(3, 1, 1),
        pads=((1, 1), (0, 0), (0, 0)),
    ),
    Sizes((1, 2, 11, 12), (3, 2, 2, 2), stride=4),
]


def windows(sizes, x):
    """(N, C, *kernel, *out) of an image, each tap's pixels."""
    x = np.pad(x, [(0, 0), (0, 0), *((max(a, 0), max(b, 0)) for a, b in sizes.pads)])
    inside = [slice(max(-a, 0), s - max(-b, 0)) for s, (a, b) in grid(sizes, x)]
    x = x[(..., *inside)]
    kernel = sizes.weight[2:]
    spread = [(k - 1) * d + 1 for k, d in zip(kernel, sizes.dilation, strict=True)]
    axes = tuple(range(2, x.ndim))
    view = np.lib.stride_tricks.sliding_window_view(x, spread, axes)
    starts = (slice(None, None, s) for s in sizes.stride)
    taps = (slice(None, None, d) for d in sizes.dilation)
    view = view[(slice(None), slice(None), *starts, *taps)]
    rank = len(kernel)
    order = (0, 1, *range(2 + rank, 2 + 2 * rank), *range(2, 2 + rank))
    return view.transpose(order)


def grid(sizes, x):
    return list(zip(x.shape[2:], sizes.pads, strict=True))


def formula(sizes, x, w, g=None):
    """The result, or the gradients for its cotangents, one group after another."""
    x, w = x.astype(np.float64), w.astype(np.float64)
    groups, rank = sizes.groups, x.ndim - 2
    inputs, outs = w.shape[1], w.shape[0] // groups
    seen = windows(sizes, x)
    results, slopes = [], []
    images = np.zeros(x.shape)
    for i in range(groups):
        of, to = slice(i * inputs, (i + 1) * inputs), slice(i * outs, (i + 1) * outs)
        part = seen[:, of].reshape(x.shape[0], -1, int(np.prod(seen.shape[-rank:])))
        flat = w[to].reshape(outs, -1)
        results.append(np.einsum("ok,nkp->nop", flat, part))
        if g is not None:
            h = g[:, to].astype(np.float64).reshape(x.shape[0], outs, -1)
            slopes.append(np.einsum("nop,nkp->ok", h, part).reshape(w[to].shape))
            images[:, of] = spread_out(sizes, np.einsum("ok,nop->nkp", flat, h), x, i)
    y = np.concatenate(results, 1).reshape(x.shape[0], -1, *seen.shape[-rank:])
    return (y, images, np.concatenate(slopes)) if g is not None else y


def spread_out(sizes, columns, x, group):
    """Columns added up at the pixels that they were taken from."""
    places = np.arange(1.0, x[0, 0].size + 1).reshape(1, 1, *x.shape[2:])
    rank = x.ndim - 2
    at = windows(sizes, places)[0, 0]
    at = at.reshape(-1, int(np.prod(at.shape[-rank:]))).astype(int)  # 0: padding
    inputs = sizes.weight[1]
    columns = columns.reshape(x.shape[0], inputs, *at.shape)
    result = np.zeros((x.shape[0], inputs, x[0, 0].size + 1))
    for n, c in itertools.product(range(x.shape[0]), range(inputs)):
        np.add.at(result[n, c], at, columns[n, c])
    return result[..., 1:].reshape(x.shape[0], inputs, *x.shape[2:])


def operands(sizes, dtype=np.float32, seed=0):
    rng = np.random.default_rng(seed)
    x, w = (rng.standard_normal(s).astype(dtype) for s in (sizes.image, sizes.weight))
    g = rng.standard_normal(formula(sizes, x, w).shape).astype(dtype)
    return x, w, g


def accepted(record, *arrays, **how):
    """What the kernel gives, which must not have declined."""
    before = kernels.report()[record.name][0]
    result = record.on_host(*arrays, **how)
    assert kernels.report()[record.name][0] == before + 1
    return result


def _channels_last(a):
    return np.moveaxis(np.ascontiguousarray(np.moveaxis(a, 1, -1)), -1, 1)


def _with_gaps(a):
    wide = np.zeros((*a.shape[:-1], a.shape[-1] * 2), a.dtype)
    wide[..., ::2] = a
    return wide[..., ::2]


def _backwards(a):
    return np.ascontiguousarray(a[:, :, ::-1])[:, :, ::-1]


LAYOUTS = (_channels_last, _with_gaps, _backwards)


def with_threads(count, function, *args):
    before = lampas.get_num_threads()
    lampas.set_num_threads(count)
    try:
        return function(*args)
    finally:
        lampas.set_num_threads(before)


def all_three(sizes, x, w, g):
    return (
        accepted(_conv, x, w, **sizes.how),
        accepted(_conv_input, g, w, size=x.shape[2:], **sizes.how),
        accepted(_conv_weight, x, g, kernel=w.shape[2:], **sizes.how),
    )


def close(found, wanted, dtype=np.float32):
    assert found.dtype == dtype
    assert found.shape == wanted.shape
    scale = max(1.0, float(np.abs(wanted).max()))
    eps = np.finfo(dtype).eps
    np.testing.assert_allclose(found, wanted, rtol=0, atol=20 * eps * scale)


@pytest.mark.parametrize("sizes", [*PLAIN, *ODD, *WINOGRAD, *BACK_OUT], ids=str)
def test_results_and_gradients(path, sizes):
    arrays = operands(sizes)
    for found, wanted in zip(
        all_three(sizes, *arrays), formula(sizes, *arrays), strict=True
    ):
        close(found, wanted)


@pytest.mark.parametrize(
    "sizes", [*PLAIN[:3], *ODD[3:5], ODD[-1], WINOGRAD[2]], ids=str
)
def test_double_precision(path, sizes):
    arrays = operands(sizes, np.float64)
    for found, wanted in zip(
        all_three(sizes, *arrays), formula(sizes, *arrays), strict=True
    ):
        close(found, wanted, np.float64)


@pytest.mark.parametrize(  # an image is a part; lines of one are
    "sizes",
    [
        Sizes((2, 600, 42, 40), (60, 600, 3, 3), pads=1),
        Sizes((1, 600, 64, 64), (60, 600, 3, 3), pads=1),
    ],
    ids=str,
)
def test_many_weights_give_what_their_halves_give(path, sizes):
    """Halves go by parts of the image, all weights by places."""
    x, w, g = operands(sizes)
    halves = slice(None, 300), slice(300, None)
    y = accepted(_conv, x, w, **sizes.how)
    close(
        y,
        sum(accepted(_conv, x[:, h], w[:, h], **sizes.how) for h in halves),
    )
    halves, size = (slice(None, 30), slice(30, None)), x.shape[2:]
    dx = accepted(_conv_input, g, w, size=size, **sizes.how)
    close(
        dx,
        sum(
            accepted(_conv_input, g[:, h], w[h], size=size, **sizes.how) for h in halves
        ),
    )


@pytest.mark.parametrize(
    "sizes", [PLAIN[2], PLAIN[4], ODD[0], ODD[3], WINOGRAD[0]], ids=str
)
def test_a_bias_is_added(path, sizes):
    x, w, _ = operands(sizes)
    bias = np.random.default_rng(1).standard_normal(w.shape[0]).astype(np.float32)
    wanted = formula(sizes, x, w) + bias.reshape(-1, *(1,) * (x.ndim - 2))
    close(accepted(_conv, x, w, bias, **sizes.how), wanted)


@pytest.mark.parametrize(
    "sizes", [PLAIN[2], PLAIN[4], ODD[0], ODD[3], WINOGRAD[0]], ids=str
)
def test_images_and_cotangents_of_any_layout(path, sizes):
    x, w, g = operands(sizes)
    wanted = all_three(sizes, x, w, g)

    for lay in LAYOUTS:
        found = all_three(sizes, lay(x), lay(w), lay(g))
        for a, b in zip(found, wanted, strict=True):
            np.testing.assert_array_equal(a, b)
    same = np.broadcast_to(np.float32(0.5), g.shape)
    close(
        accepted(_conv_input, same, w, size=x.shape[2:], **sizes.how),
        formula(sizes, x, w, same)[1],
    )


@pytest.mark.parametrize(
    "sizes", [PLAIN[3], PLAIN[5], ODD[3], ODD[11], *WINOGRAD[:3], WINOGRAD[6]], ids=str
)
def test_the_number_of_threads_changes_nothing(sizes):
    arrays = operands(sizes)
    one, three = (with_threads(n, all_three, sizes, *arrays) for n in (1, 3))
    for a, b in zip(one, three, strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("threads", [1, 2, 4, 8])
@pytest.mark.parametrize("width", [10, 18])
def test_depths_that_see_nothing_are_zero(width, threads):
    """However many blocks of channels there are, and whatever memory held before."""
    sizes = Sizes(
        (1, 800, 1, width, width),
        (256, 800, 1, 1, 1),
        pads=((2, 2), (0, 0), (0, 0)),
    )
    x, w, _ = operands(sizes)
    for _ in range(3):  # leaves numbers in memory that the next result may get
        (
            lampas.ones(1, 256, 5, width, width) * 7,
            lampas.ones(2, 800, width, width) * 7,
        )
        found = with_threads(threads, lambda: accepted(_conv, x, w, **sizes.how))
    close(found[:, :, 2], np.einsum("ocxyz,ncxhw->nohw", *map(np.float64, (w, x))))
    outside = np.delete(found, 2, axis=2)
    np.testing.assert_array_equal(outside, np.zeros_like(outside))


@pytest.mark.parametrize("channels", [1, 24])  # Winograd's tiles are larger than taps
@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_what_is_not_finite_spreads_as_far_as_it_is_seen(path, channels, value):
    sizes = Sizes((8, channels, 9, 9), (channels, channels, 3, 3), pads=1)
    x, w, g = operands(sizes)
    y = accepted(_conv, x, w, **sizes.how)
    dx = accepted(_conv_input, g, w, size=x.shape[2:], **sizes.how)
    x[1, 0, 4, 4] = g[1, 0, 4, 4] = value
    seen = np.zeros(y.shape, bool)
    seen[1, :, 3:6, 3:6] = True
    found = accepted(_conv, x, w, **sizes.how)
    np.testing.assert_array_equal(np.isfinite(found), ~seen)
    np.testing.assert_allclose(found[~seen], y[~seen], rtol=0, atol=1e-4)
    assert np.isnan(found[seen]).all() == np.isnan(value)
    found = accepted(_conv_input, g, w, size=x.shape[2:], **sizes.how)
    np.testing.assert_array_equal(np.isfinite(found), ~seen)
    np.testing.assert_allclose(found[~seen], dx[~seen], rtol=0, atol=1e-4)


@pytest.mark.filterwarnings("ignore:invalid value")
@pytest.mark.parametrize("value", [np.nan, np.inf])
@pytest.mark.parametrize(
    "sizes", [s for s in (*ODD, *BACK_OUT) if set(s.stride) != {1}], ids=str
)
def test_weights_that_are_not_finite_count_where_they_meet_something(
    path, sizes, value
):
    """The zeros that strides leave between cotangents, and those around, do not."""
    for end in (0, -1):
        x, w, g = operands(sizes)
        w.reshape(-1)[end] = value
        found = _conv_input.on_host(g, w, size=x.shape[2:], **sizes.how)
        wanted = formula(sizes, x, w, g)[1]
        np.testing.assert_array_equal(np.isnan(found), np.isnan(wanted))
        seen = np.isfinite(wanted)
        np.testing.assert_array_equal(np.isfinite(found), seen)
        np.testing.assert_allclose(found[seen], wanted[seen], rtol=0, atol=1e-4)


def test_sums_beyond_the_largest_number_of_tiles_alone_stay_right(path):
    """Winograd's matrices hold up to four times what the image does."""
    sizes = Sizes((8, 24, 9, 9), (24, 24, 3, 3), pads=1)
    x, w, _ = operands(sizes)
    x = np.full_like(x, 1.5e38)
    w = np.where(np.arange(9).reshape(3, 3) == 4, np.float32(1 / 24), np.float32(0))
    w = np.broadcast_to(w, sizes.weight)
    found = accepted(_conv, x, np.ascontiguousarray(w), **sizes.how)
    np.testing.assert_allclose(found, np.float32(1.5e38), rtol=1e-5)


@pytest.mark.parametrize("sizes", [PLAIN[5], WINOGRAD[1], WINOGRAD[5], ODD[3]], ids=str)
def test_errors_are_at_most_twice_those_of_plain_sums(path, sizes):
    x, w, g = operands(sizes, seed=3)
    taps, per_result = w[0].size, g.size // g.shape[1]
    counts = (taps, w[:, 0].size / np.prod(sizes.stride), per_result)
    for found, wanted, count in zip(
        all_three(sizes, x, w, g), formula(sizes, x, w, g), counts, strict=True
    ):
        # Of terms added one by one, sums of k are about sqrt(k / count) of the result,
        # and rounding them errs by 0.4 units of theirs.
        plain = 0.4 * np.sqrt(count / 2) * 2.0**-24 * np.abs(wanted).mean()
        assert np.abs(found - wanted).mean() <= 2 * plain


def test_what_is_empty_is_left_to_the_reference():
    sizes = Sizes((0, 2, 5, 5), (3, 2, 3, 3))
    x, w = (np.ones(s, np.float32) for s in (sizes.image, sizes.weight))
    before = kernels.report()["conv"][0]
    assert _conv.on_host(x, w, **sizes.how).shape == (0, 3, 3, 3)
    assert kernels.report()["conv"][0] == before


def test_memory_that_is_not_there_is_told(monkeypatch):
    # 2**31 images that are one in memory: the result alone would take 32 GB and more.
    x = np.broadcast_to(np.float32(1), (1 << 31, 1, 40, 40))
    w = np.ones((1 << 12, 1, 3, 3), np.float32)
    sizes = Sizes((1, 1, 40, 40), (1, 1, 3, 3))
    with pytest.raises(MemoryError):
        _conv.on_host(x, w, **sizes.how)

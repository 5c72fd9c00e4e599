"""The native scans of recurrent layers against their references in float64."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import lampas
from lampas import kernels, nn
from lampas.backend import native
from lampas.engine.record import RECORDS

pytestmark = pytest.mark.skipif(
    native.extension is None, reason="the kernels were not built"
)
# Steps, batch and size around vectors, panels and the rows that go together.
SIZES = [(1, 1, 1), (3, 2, 5), (4, 9, 8), (2, 30, 17), (5, 50, 33)]
MODES = [("LSTM", 4, 0), ("LSTM", 4, 3), ("GRU", 3, 0), ("RNN_TANH", 1, 0)]
MODES += [("RNN_RELU", 1, 0)]


def _declined(*args: Any, **params: Any) -> Any:
    raise AssertionError("declined")


scan = native.bind("rnn_scan", _declined)
scan_backward = native.bind("rnn_scan_backward", _declined)


def reference(name: str, *arrays: Any, **params: Any) -> Any:
    """The op's own NumPy in float64."""
    # The family is loaded by its first layer.
    nn.LSTM(1, 1)(lampas.zeros(1, 1, 1))
    wide = [None if a is None else a.astype(np.float64) for a in arrays]
    with kernels.disabled():
        return RECORDS[name].forward_rule(np, *wide, **params)


def near(got: Any, expected: Any) -> None:
    assert len(got) == len(expected)
    for a, b in zip(got, expected, strict=True):
        if b is None:
            assert a is None
            continue
        assert a.dtype == np.float32 and a.shape == b.shape
        assert np.allclose(a, b, rtol=1e-4, atol=1e-5)


def operands(mode: str, gates: int, width: int, sizes: tuple[int, int, int]) -> Any:
    steps, batch, size = sizes
    rng = np.random.default_rng(steps + batch)

    def of(*shape: int) -> np.ndarray:
        return rng.standard_normal(shape).astype(np.float32) / 2

    out = width or size
    w_hr = of(width, size) if width else np.zeros((0, 0), np.float32)
    gx, h0, c0 = of(steps, batch, gates * size), of(batch, out), of(batch, size)
    return gx, h0, c0, of(gates * size, out), of(gates * size), w_hr


@pytest.mark.parametrize("reverse", [False, True])
@pytest.mark.parametrize("sizes", SIZES)
@pytest.mark.parametrize(("mode", "gates", "width"), MODES)
def test_forward_and_gradient(mode, gates, width, sizes, reverse, path):
    form = {"mode": mode, "reverse": reverse}
    arrays = operands(mode, gates, width, sizes)
    results = scan(*arrays, **form)
    near(results, reference("rnn_scan", *arrays, **form))
    y, h, c, values, cells = results
    _, h0, c0, w_hh, _, w_hr = arrays
    rng = np.random.default_rng(3)
    gy, gh, gc, gcells = (
        rng.standard_normal(v.shape).astype(np.float32) for v in (y, h, c, cells)
    )
    strided = np.ascontiguousarray(gy.swapaxes(0, 1)).swapaxes(0, 1)
    lstm = mode == "LSTM"
    for g in [
        (gy, None, None, None),
        (None, gh, gc, gcells if lstm else None),
        (strided, gh, None, None),
    ]:
        saved = (h0, c0, w_hh, w_hr, y, values, cells)
        got = scan_backward(*g, *saved, **form)
        near(got, reference("rnn_scan_backward", *g, *saved, **form))


def test_the_same_bits_for_any_number_of_threads():
    arrays = operands("LSTM", 4, 0, (6, 40, 24))
    before = lampas.get_num_threads()
    try:
        results = []
        for count in (1, 2):
            lampas.set_num_threads(count)
            results.append(scan(*arrays, mode="LSTM", reverse=False))
    finally:
        lampas.set_num_threads(before)
    assert all(np.array_equal(a, b) for a, b in zip(*results, strict=True))


def test_what_is_not_served_is_declined():
    arrays = operands("GRU", 3, 0, (3, 2, 4))
    for bad in (
        [a.astype(np.float64) for a in arrays],
        [arrays[0][:, :, ::-1], *arrays[1:]],
        [arrays[0][:, :0], arrays[1][:0], arrays[2][:0], *arrays[3:]],
        [arrays[0], arrays[1], arrays[2], arrays[3][:-1], arrays[4], arrays[5]],
    ):
        with pytest.raises(AssertionError, match="declined"):
            scan(*bad, mode="GRU", reverse=False)
    with pytest.raises(AssertionError, match="declined"):
        scan(*arrays, mode="LSTM", reverse=False)
    with pytest.raises(AssertionError, match="declined"):
        scan(*arrays, mode="GRU")


def test_a_layer_trains_natively_and_has_second_derivatives():
    lampas.manual_seed(0)
    layer = nn.LSTM(5, 6, 2, batch_first=True, bidirectional=True)
    x = lampas.randn(3, 4, 5, requires_grad=True)
    before = kernels.report()["rnn_scan_backward"][0]
    layer(x)[0].square().sum().backward()
    assert kernels.report()["rnn_scan_backward"][0] == before + 4
    native_grad = x.grad
    (taped,) = lampas.autograd.grad(layer(x)[0].square().sum(), x, create_graph=True)
    assert lampas.allclose(taped, native_grad, rtol=1e-4, atol=1e-6)
    (second,) = lampas.autograd.grad(taped.sum(), x)
    wide = layer.double()
    z = x.detach().double()
    step = 1e-5

    def slope(at: Any) -> Any:
        at = at.requires_grad_()
        return lampas.autograd.grad(wide(at)[0].square().sum(), at)[0]

    numeric = (slope(z + step) - slope(z - step)) / (2 * step)
    assert lampas.allclose(second.double(), numeric, rtol=1e-3, atol=1e-4)

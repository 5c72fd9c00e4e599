"""The native records of linear against float64: forward and the three gradients."""

from __future__ import annotations

import numpy as np
import pytest

import lampas
from lampas import kernels
from lampas.backend import native

pytestmark = pytest.mark.skipif(
    native.extension is None, reason="the kernels were not built"
)


def _absent(*arrays: np.ndarray) -> np.ndarray:
    raise AssertionError("declined")


KERNELS = {
    name: native.bind(name, _absent)
    for name in ("linear", "linear_bias", "linear_input", "linear_weight", "linear_sum")
}
# Rows, inputs and outputs around the widths of vectors, panels and parts.
SIZES = [
    (1, 1, 1),
    (1, 70, 33),
    (3, 64, 200),
    (6, 17, 9),
    (7, 16, 8),
    (32, 64, 128),
    (200, 33, 1),
    (33, 150, 70),
    (130, 400, 250),
    (2100, 20, 50),
]


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(5)


def near(y: np.ndarray, exact: np.ndarray, scale: np.ndarray, terms: int) -> None:
    assert y.shape == exact.shape
    bound = (4 + terms / 16) * np.finfo(y.dtype).eps * scale + 1e-30
    assert np.all(np.abs(y - exact) <= bound)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("turned", [False, True])
@pytest.mark.parametrize(("m", "k", "n"), SIZES)
def test_forward_and_gradients(m, k, n, turned, dtype, path, rng):
    def of(rows: int, columns: int) -> np.ndarray:
        if turned:
            return rng.standard_normal((columns, rows)).astype(dtype).T
        return rng.standard_normal((rows, columns)).astype(dtype)

    x, weight, g = of(m, k), of(n, k), of(m, n)
    bias = rng.standard_normal(n).astype(dtype)
    wide = [v.astype(np.float64) for v in (x, weight, g, bias)]
    X, W, G, B = wide
    aX, aW, aG, aB = (np.abs(v) for v in wide)
    near(KERNELS["linear"](x, weight), X @ W.T, aX @ aW.T, k)
    y = KERNELS["linear_bias"](x, weight, bias)
    near(y, X @ W.T + B, aX @ aW.T + aB, k)
    near(KERNELS["linear_input"](g, weight), G @ W, aG @ aW, n)
    near(KERNELS["linear_weight"](g, x), G.T @ X, aG.T @ aX, m)
    near(KERNELS["linear_sum"](g), G.sum(0), aG.sum(0), m)


def test_leading_dimensions_are_one(path, rng):
    x = rng.standard_normal((4, 5, 6, 20))
    weight = rng.standard_normal((30, 20))
    y = KERNELS["linear"](x, weight)
    near(y, x @ weight.T, np.abs(x) @ np.abs(weight.T), 20)
    part = x[:, :, :, 3:13]
    y = KERNELS["linear"](part, weight[:, :10])
    near(y, part @ weight[:, :10].T, np.abs(part) @ np.abs(weight[:, :10].T), 10)
    g = KERNELS["linear_input"](y, weight)
    near(g, y @ weight, np.abs(y) @ np.abs(weight), 30)
    dw = KERNELS["linear_weight"](y, part)
    flat = y.reshape(-1, 30)
    rows = np.ascontiguousarray(part).reshape(-1, 10)
    near(dw, flat.T @ rows, np.abs(flat).T @ np.abs(rows), 120)


@pytest.mark.parametrize("shape", [(0, 5), (2, 0, 5)])
def test_no_rows(shape, path):
    x, weight = np.ones(shape), np.ones((3, 5))
    assert KERNELS["linear"](x, weight).shape == (*shape[:-1], 3)
    g = np.ones((*shape[:-1], 3))
    assert not KERNELS["linear_weight"](g, x).any()
    assert not KERNELS["linear_sum"](g).any()


def test_without_inputs_the_bias_is_left(path):
    y = KERNELS["linear_bias"](np.ones((4, 0)), np.ones((3, 0)), np.arange(3.0))
    assert np.array_equal(y, np.broadcast_to([0.0, 1.0, 2.0], (4, 3)))


def test_dimensions_that_no_stride_joins(path, rng):
    x = rng.standard_normal((4, 6, 5)).swapaxes(0, 1)
    weight = rng.standard_normal((3, 5))
    y = KERNELS["linear"](x, weight)
    near(y, x @ weight.T, np.abs(x) @ np.abs(weight.T), 5)
    g = np.ascontiguousarray(y)
    rows = np.ascontiguousarray(x).reshape(-1, 5)
    flat = g.reshape(-1, 3)
    near(
        KERNELS["linear_weight"](g, x), flat.T @ rows, np.abs(flat).T @ np.abs(rows), 24
    )
    turned = g.swapaxes(0, 1)
    near(KERNELS["linear_sum"](turned), flat.sum(0), np.abs(flat).sum(0), 24)


def test_integers_and_mixed_types_are_declined():
    whole, half = np.ones((2, 3), np.int64), np.ones((2, 3), np.float32)
    for arrays in ((whole, whole), (half, np.ones((2, 3)))):
        with pytest.raises(AssertionError, match="declined"):
            KERNELS["linear"](*arrays)


def test_a_layer_trains_through_the_kernels(rng):
    layer = lampas.nn.Linear(40, 30)
    x = lampas.from_numpy(rng.standard_normal((25, 40), dtype=np.float32))
    x.requires_grad_()
    names = ("linear_bias", "linear_input", "linear_weight", "linear_sum")
    before = {name: kernels.report()[name][0] for name in names}
    layer(x).square().sum().backward()
    assert all(kernels.report()[name][0] == before[name] + 1 for name in names)
    X, W = x.detach().numpy().astype(float), layer.weight.detach().numpy().astype(float)
    G = 2 * (X @ W.T + layer.bias.detach().numpy())
    assert np.allclose(x.grad.numpy(), G @ W, rtol=1e-4, atol=1e-5)
    assert np.allclose(layer.weight.grad.numpy(), G.T @ X, rtol=1e-4, atol=1e-5)
    assert np.allclose(layer.bias.grad.numpy(), G.sum(0), rtol=1e-4, atol=1e-5)

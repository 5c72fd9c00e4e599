"""Gradients where a formula has a corner: norms of zero, borders, masked rows, NaN."""

import math

import numpy as np
import pytest

import lampas
from lampas.nn import functional

NAN, INF = math.nan, math.inf


def gradient(function, values, weights=None):
    """The gradient of the weighted sum of what a function gives."""
    x = lampas.tensor(values, dtype=lampas.float64, requires_grad=True)
    y = function(x)
    y.backward(lampas.ones_like(y) if weights is None else lampas.tensor(weights).to(y))
    return x.grad.tolist()


OF_ZERO = {
    "norm": lambda x: x.norm(),
    "norm of rows": lambda x: lampas.norm(x, 2, 0),
    "norm 1": lambda x: x.norm(1),
    "norm 3": lambda x: x.norm(3),
    "norm inf": lambda x: x.norm(INF),
    "norm -inf": lambda x: x.norm(-INF),
    "norm 0": lambda x: x.norm(0),
    "std": lambda x: x.std(),
    "abs": lambda x: x.abs(),
    "dist": lambda x: lampas.dist(x, x.detach()),
    "pairwise inf": lambda x: functional.pairwise_distance(x, x.detach(), INF, 0.0),
    "cdist": lambda x: lampas.cdist(x[None], x.detach()[None]),
    "prod": lambda x: x.prod(),
    "sgn": lambda x: x.sgn(),
    "relu": lambda x: x.relu(),
    "vector_norm": lambda x: lampas.linalg.vector_norm(x),
    "l1_loss": lambda x: functional.l1_loss(x, x.detach()),
}


@pytest.mark.parametrize("name", OF_ZERO)
def test_at_zero_there_is_none(name):
    assert gradient(OF_ZERO[name], [0.0, 0.0, 0.0]) == [0.0, 0.0, 0.0]


@pytest.mark.parametrize(
    ("function", "slope"),
    [
        (lampas.sqrt, INF),
        (lambda x: x**0.5, INF),
        (lampas.log, INF),
        (lambda x: x**0, 0.0),
        (lambda x: x**1, 1.0),
        (lampas.reciprocal, -INF),
        (lampas.logit, INF),
        (lampas.sinc, 0.0),
        (lampas.frac, 1.0),
        (lampas.acos, -1.0),
        (lambda x: functional.normalize(x, dim=0), 1e12),
    ],
)
def test_slopes_at_zero(function, slope):
    assert gradient(function, [0.0]) == pytest.approx([slope])


# Gradient at below, lower border, inside, upper border, above, NaN.
BETWEEN = {
    "clamp": (lambda x: x.clamp(-1, 1), [0, 1, 1, 1, 0, 0]),
    "clip": (lambda x: x.clip(-1, 1), [0, 1, 1, 1, 0, 0]),
    "clamp of tensors": (
        lambda x: x.clamp(lampas.tensor(-1.0), lampas.tensor(1.0)),
        [0, 1, 1, 1, 0, 0],
    ),
    "hardtanh": (functional.hardtanh, [0, 0, 1, 0, 0, 1]),
    "relu6": (lambda x: functional.relu6(x * 3 + 3) / 3, [0, 0, 1, 0, 0, 1]),
    "hardsigmoid": (lambda x: functional.hardsigmoid(x * 3) * 2, [0, 0, 1, 0, 0, 0]),
    "hardshrink": (lambda x: functional.hardshrink(x, 1), [1, 0, 0, 0, 1, 1]),
    "softshrink": (lambda x: functional.softshrink(x, 1), [1, 0, 0, 0, 1, 1]),
    "threshold": (lambda x: functional.threshold(x, 1, 9), [0, 0, 0, 0, 1, 1]),
    "maximum": (lambda x: lampas.maximum(x, lampas.tensor(1.0)), [0, 0, 0, 0.5, 1, 1]),
    "minimum": (lambda x: lampas.minimum(x, lampas.tensor(1.0)), [1, 1, 1, 0.5, 0, 1]),
    "hardswish": (
        lambda x: functional.hardswish(x * 3) / 3,
        [0, 0, 0.5, 1, 1, 1],
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", BETWEEN)
def test_at_the_borders(name):
    function, wanted = BETWEEN[name]
    found = gradient(function, [-2.0, -1.0, 0.0, 1.0, 2.0, NAN])
    assert found == pytest.approx(wanted)


@pytest.mark.parametrize(
    ("function", "wanted"),
    [
        (functional.relu, 1.0),
        (functional.elu, 1.0),
        (functional.celu, 1.0),
        (lambda x: functional.leaky_relu(x, 0.25), 0.25),
        (lampas.abs, 0.0),
        (lampas.sign, 0.0),
    ],
)
def test_of_nan(function, wanted):
    assert gradient(function, [NAN]) == [wanted]


def test_the_sign_of_nan_is_zero():
    assert lampas.sign(lampas.tensor([NAN, -2.0])).tolist() == [0.0, -1.0]


@pytest.mark.parametrize(
    "loss",
    [
        lambda x, y: functional.margin_ranking_loss(x, y, lampas.ones(1), margin=1.0),
        lambda x, y: functional.hinge_embedding_loss(x - y, -lampas.ones(1)),
    ],
)
def test_losses_with_a_margin_let_through_at_the_border(loss):
    """clamp_min(0) of exactly 0: PyTorch's gradient is that of the inside."""
    margin = gradient(lambda x: loss(x + 1, lampas.zeros(1)), [0.0])
    assert margin == [-1.0]


ROWS = [[-INF, 1.0, 2.0], [0.0, -INF, -INF]]


def softmax_of(row):
    weights = np.exp(np.array(row) - max(row))
    return weights / weights.sum()


def test_masked_entries_of_a_softmax_have_none():
    found = gradient(lambda x: lampas.softmax(x, 1)[:, 1], ROWS)
    for row, got in zip(ROWS, found, strict=True):
        p = softmax_of(row)
        np.testing.assert_allclose(got, p[1] * (np.eye(3)[1] - p), atol=1e-15)


def test_masked_entries_of_a_cross_entropy_have_none():
    target = lampas.tensor([1, 0])
    found = gradient(
        lambda x: functional.cross_entropy(x, target, reduction="none"), ROWS
    )
    for row, label, got in zip(ROWS, [1, 0], found, strict=True):
        np.testing.assert_allclose(got, softmax_of(row) - np.eye(3)[label], atol=1e-15)


def test_logsumexp_of_a_row_that_is_masked_whole():
    found = gradient(lambda x: x.logsumexp(1), [[-INF, -INF], [0.0, -INF]])
    assert found == [[0.0, 0.0], [1.0, 0.0]]


@pytest.mark.parametrize("kind", ["bool", "float"])
def test_masked_entries_of_attention_have_none(kind):
    seen = lampas.tensor([[True, False], [True, True]])
    mask = seen if kind == "bool" else lampas.zeros(2, 2).masked_fill(~seen, -INF)
    key = lampas.ones(1, 2, 2, requires_grad=True)
    value = lampas.ones(1, 2, 2, requires_grad=True)
    out = functional.scaled_dot_product_attention(
        lampas.ones(1, 2, 2), key, value, attn_mask=mask
    )
    out[:, 0].sum().backward()
    assert value.grad.tolist() == [[[1.0, 1.0], [0.0, 0.0]]]
    assert key.grad[0, 1].tolist() == [0.0, 0.0]


def test_attention_of_a_row_that_sees_nothing_is_zero():
    query = lampas.ones(1, 1, 2, requires_grad=True)
    out = functional.scaled_dot_product_attention(
        query,
        lampas.ones(1, 2, 2),
        lampas.ones(1, 2, 2),
        attn_mask=lampas.tensor([[False, False]]),
    )
    out.sum().backward()
    assert out.tolist() == [[[0.0, 0.0]]]
    assert query.grad.tolist() == [[[0.0, 0.0]]]


@pytest.mark.parametrize("base", [math.e, 2.0])
def test_logaddexp_with_infinity(base):
    function = lampas.logaddexp if base == math.e else lampas.logaddexp2
    inf = math.inf
    pairs = [(inf, 0.0), (0.0, inf), (-inf, 1.0), (1.0, -inf), (-inf, -inf), (1.0, 2.0)]
    x, y = (
        lampas.tensor(list(v), dtype=lampas.float64, requires_grad=True)
        for v in zip(*pairs, strict=True)
    )
    first = lampas.autograd.grad(function(x, y).sum(), [x, y], create_graph=True)
    share = 1 / (1 + base)
    np.testing.assert_allclose(first[0].tolist(), [1, 0, 0, 1, 0, share])
    np.testing.assert_allclose(first[1].tolist(), [0, 1, 1, 0, 0, 1 - share])
    second = lampas.autograd.grad(first[0].sum(), [x])[0].tolist()
    curve = share * (1 - share) * math.log(base)
    np.testing.assert_allclose(second, [0, 0, 0, 0, 0, curve])


@pytest.mark.parametrize("name", ["sign", "sgn", "abs"])
def test_signs_have_no_slope_of_any_order(name):
    x = lampas.tensor([0.0, -2.0, 3.0, math.nan], requires_grad=True)
    first = lampas.autograd.grad(
        getattr(lampas, name)(x).sum(), [x], create_graph=True
    )[0]
    second = lampas.autograd.grad(first.sum(), [x], create_graph=True)[0]
    third = lampas.autograd.grad(second.sum(), [x])[0]
    assert second.tolist() == third.tolist() == [0.0] * 4
    assert first.tolist() == ([0.0, -1.0, 1.0, 0.0] if name == "abs" else [0.0] * 4)


@pytest.mark.parametrize("correction", [2, 3])
def test_variance_that_divides_by_nothing(correction):
    x = lampas.tensor([[1.0, 3.0], [2.0, 2.0]], requires_grad=True)
    y = lampas.var(x, dim=1, correction=correction)
    np.testing.assert_array_equal(y.detach(), [math.inf, math.nan])
    slope = lampas.autograd.grad(y.sum(), [x])[0].tolist()
    inf, nan = math.inf, math.nan
    # The value is cut off at a divisor of 0, the slope is not: PyTorch's rule.
    wanted = [[-inf, inf], [nan, nan]] if correction == 2 else [[2.0, -2.0], [0.0, 0.0]]
    np.testing.assert_array_equal(slope, wanted)

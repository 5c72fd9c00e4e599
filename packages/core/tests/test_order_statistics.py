"""Edges and errors of running extremes, quantiles, histograms and covariances."""

from __future__ import annotations

import math

import pytest

import lampas
from lampas.errors import (
    ArgumentError,
    ArgumentTypeError,
    DimensionError,
    DTypeError,
    ShapeError,
)

NAN = math.nan


def grad(function, values):
    x = lampas.tensor(values, requires_grad=True)
    function(x).backward()
    return x.grad.tolist()


def test_the_median_of_all_shares_its_gradient_among_equal_elements():
    assert grad(lampas.median, [1.0, 2.0, 2.0, 3.0]) == [0.0, 0.5, 0.5, 0.0]
    assert grad(lampas.median, [1.0, NAN, 2.0, NAN]) == [0.0, 0.5, 0.0, 0.5]
    assert grad(lampas.nanmedian, [1.0, NAN, 2.0, 3.0]) == [0.0, 0.0, 1.0, 0.0]


def test_the_median_of_nothing():
    assert math.isnan(lampas.median(lampas.zeros(0)))
    assert math.isnan(lampas.nanmedian(lampas.tensor([NAN, NAN])))
    none = lampas.zeros(0, dtype=lampas.int64)
    assert lampas.median(none).tolist() == -(2**63)


def test_nanmedian_along_a_dimension_of_nan_only_is_nan():
    values, indices = lampas.nanmedian(lampas.tensor([[NAN, NAN], [1.0, NAN]]), 1)
    assert math.isnan(values[0]) and values[1] == 1
    assert indices.tolist() == [0, 0]


def test_a_quantile_of_nan_is_nan():
    x = lampas.tensor([[1.0, NAN, 3.0], [1.0, 2.0, 3.0]])
    found = lampas.quantile(x, 0.5, dim=1)
    assert math.isnan(found[0]) and found[1] == 2
    assert math.isnan(lampas.nanquantile(lampas.tensor([NAN]), 0.5))


def test_a_quantile_has_a_slope_by_its_level():
    q = lampas.tensor(0.25, requires_grad=True)
    lampas.quantile(lampas.tensor([0.0, 2.0, 6.0]), q).backward()
    assert q.grad == 4


def test_logcumsumexp_survives_infinities_and_large_numbers():
    x = lampas.tensor([-math.inf, -math.inf, 2.0, -math.inf], requires_grad=True)
    y = lampas.logcumsumexp(x, 0)
    assert y.tolist() == [-math.inf, -math.inf, 2.0, 2.0]
    y[2:].sum().backward()
    assert x.grad.tolist() == [0.0, 0.0, 2.0, 0.0]
    assert lampas.logcumsumexp(lampas.tensor([1e4, 1e4]), 0)[1] == pytest.approx(
        10000.69
    )


def test_complex_logcumsumexp_is_the_logarithm_of_sums():
    x = lampas.tensor([0.5 + 1j, -0.3 + 2j, 0.1 - 1j], dtype=lampas.complex128)
    sums = x.exp().cumsum(0)
    assert lampas.allclose(lampas.logcumsumexp(x, 0).exp(), sums)


def test_bins_outside_the_range_do_not_count():
    x = lampas.tensor([0.0, 1.0, 2.0, 9.0, NAN])
    assert lampas.histc(x, 2, 1, 2).tolist() == [1.0, 1.0]
    assert lampas.histogram(x, 2, range=(1.0, 2.0)).hist.tolist() == [1.0, 1.0]


def test_histograms_of_nothing():
    assert lampas.histc(lampas.zeros(0), 3).tolist() == [0.0, 0.0, 0.0]
    hist, edges = lampas.histogram(lampas.zeros(0), 2)
    assert hist.tolist() == [0.0, 0.0] and edges.tolist() == [0.0, 0.5, 1.0]


def test_one_covariance_is_no_matrix():
    assert lampas.cov(lampas.tensor([1.0, 3.0])).shape == ()
    assert lampas.corrcoef(lampas.tensor([1.0, 3.0])) == 1


def test_complex_correlation_lies_on_the_unit_square():
    x = lampas.tensor([[1.0 + 2j, 2.0, 0.5j], [3.0, -1j, 1.0]])
    c = lampas.corrcoef(x)
    assert c.is_complex()
    assert lampas.allclose(c, c.conj().t())
    assert c[0, 0].real == pytest.approx(1)


def test_integers_cut_the_graph():
    x = lampas.tensor([1.5, 2.5], requires_grad=True)
    assert not x.long().requires_grad
    (x - x.long()).sum().backward()
    assert x.grad.tolist() == [1.0, 1.0]


def test_differences_of_no_order_are_the_input():
    x = lampas.tensor([1.0, 3.0])
    assert lampas.diff(x, 0, 0, x, x).tolist() == [1.0, 3.0]


def test_runs_and_places_in_empty_tensors():
    assert lampas.unique_consecutive(lampas.zeros(0, 2), dim=0).shape == (0, 2)
    none = lampas.zeros(2, 0)
    assert lampas.searchsorted(none, lampas.ones(2, 1)).tolist() == [[0], [0]]
    assert lampas.searchsorted(lampas.ones(0, 2), lampas.ones(0, 3)).shape == (0, 3)


@pytest.mark.parametrize(
    "call",
    [
        lambda x: lampas.cummax(x, 1).values,
        lambda x: lampas.cummin(x, 0).indices,
        lambda x: lampas.logcumsumexp(x, 0),
        lambda x: lampas.trapezoid(x, dim=0),
        lambda x: lampas.cumulative_trapezoid(x),
        lambda x: lampas.gradient(x)[0],
        lambda x: lampas.quantile(x, 0.3, dim=0),
        lambda x: lampas.nanmedian(x),
        lambda x: lampas.nanmedian(x, 1).values,
        lambda x: lampas.mode(x).values,
        lambda x: lampas.cov(x),
        lambda x: lampas.corrcoef(x),
        lambda x: lampas.histc(x, 3),
        lambda x: lampas.histogram(x, 3).hist,
        lambda x: lampas.histogramdd(x, 3).hist,
        lambda x: lampas.isin(x, x[0]),
        lambda x: lampas.gcd(x.long(), x.long() + 6),
        lambda x: lampas.unravel_index(x.long(), (2, 3))[0],
    ],
)
def test_the_simulated_device_computes_the_same(call):
    x = lampas.tensor([[1.0, 4.0, 2.0], [3.0, 3.0, 0.5]])
    there = call(x.to("sim"))
    assert there.device.type == "sim"
    assert there.tolist() == call(x).tolist()


X = lampas.ones(2, 3)


@pytest.mark.parametrize(
    ("call", "error", "text"),
    [
        (lambda: lampas.cummax(X, 2), DimensionError, "dim must be"),
        (lambda: lampas.cummin(X.to(lampas.complex64), 0), DTypeError, "no order"),
        (lambda: lampas.logcumsumexp(X.long(), 0), DTypeError, "floating or complex"),
        (lambda: lampas.trapezoid(X, X, dx=1), ShapeError, "not both"),
        (lambda: lampas.trapezoid(X, X[0, :2]), ShapeError, "2 points, y has 3"),
        (lambda: lampas.trapezoid(X[0, 0]), DimensionError, "0-d"),
        (lambda: lampas.gradient(X, edge_order=3), ShapeError, "must be 1 or 2"),
        (lambda: lampas.gradient(X, edge_order=2), ShapeError, "at least 3"),
        (lambda: lampas.gradient(X, dim=(0, 0)), ShapeError, "twice"),
        (lambda: lampas.gradient(X, spacing=[1.0]), ShapeError, "each of 2"),
        (lambda: lampas.gradient(X, spacing=[X[0], X[0]]), ShapeError, "shape"),
        (lambda: lampas.quantile(X, 1.5), ShapeError, r"in \[0, 1\]"),
        (lambda: lampas.quantile(X, X), ShapeError, "0-d or a vector"),
        (lambda: lampas.quantile(X.long(), 0.5), DTypeError, "float32 or float64"),
        (lambda: lampas.quantile(X, X[0].double()), DTypeError, "input's dtype"),
        (lambda: lampas.quantile(X[:0], 0.5), ShapeError, "no elements"),
        (
            lambda: lampas.quantile(X, 0.5, interpolation="cubic"),
            ShapeError,
            "one of linear",
        ),
        (lambda: lampas.mode(X[:, :0]), DimensionError, "size 0"),
        (lambda: lampas.nanmedian(X.bool()), DTypeError, "bool"),
        (lambda: lampas.cov(lampas.ones(1, 1, 1)), ShapeError, "at most 2"),
        (lambda: lampas.cov(X, fweights=X[0]), DTypeError, "must be integers"),
        (lambda: lampas.cov(X, aweights=X[0].long()), DTypeError, "must be floating"),
        (lambda: lampas.cov(X, aweights=X[0, :2]), ShapeError, "3 observations"),
        (lambda: lampas.cov(X, aweights=-X[0]), ShapeError, "not be negative"),
        (lambda: lampas.histc(X, 0), ShapeError, "positive"),
        (lambda: lampas.histc(X, 2, 3, 1), ShapeError, "not exceed"),
        (lambda: lampas.histc(X * NAN, 2), ShapeError, "not finite"),
        (lambda: lampas.histogram(X, X), ShapeError, "must be a vector"),
        (lambda: lampas.histogram(X, X[0].double()), DTypeError, "input's dtype"),
        (lambda: lampas.histogram(X, 2, weight=X[0]), ShapeError, "weight must have"),
        (lambda: lampas.histogramdd(X, [1, 1]), ShapeError, "each of 3"),
        (lambda: lampas.histogramdd(X[0], 1), ShapeError, "2 dimensions"),
        (lambda: lampas.gcd(X, X), DTypeError, "must be integer"),
        (lambda: lampas.lcm(X.long(), 2), ArgumentTypeError, "must be a Tensor"),
        (lambda: lampas.isin(1, 2), ArgumentError, "must be a tensor"),
        (lambda: lampas.unravel_index(X, (2,)), ArgumentTypeError, "integer tensor"),
        (lambda: lampas.unravel_index(X.long(), (-2,)), ArgumentError, "negative"),
    ],
)
def test_refused(call, error, text):
    with pytest.raises(error, match=text):
        call()

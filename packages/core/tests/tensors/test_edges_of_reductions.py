"""Reductions and sorting over nothing, over NaN and over ties."""

import math

import numpy as np
import pytest

import lampas

NAN, INF = math.nan, math.inf
EMPTY = lampas.zeros(0)

# Over all elements of an empty float vector.
NEUTRAL = {
    "sum": 0.0, "nansum": 0.0, "prod": 1.0, "mean": NAN, "nanmean": NAN, "std": NAN,
    "var": NAN, "all": True, "any": False, "count_nonzero": 0, "norm": 0.0,
    "median": NAN, "nanmedian": NAN,
}  # fmt: skip


@pytest.mark.filterwarnings("ignore:std|var")
@pytest.mark.parametrize(("name", "value"), NEUTRAL.items())
def test_over_nothing_the_neutral_element(name, value):
    got = getattr(lampas, name)(EMPTY)
    np.testing.assert_equal(got.item(), value)
    integers = lampas.zeros(0, dtype=lampas.int64)
    if name in ("sum", "nansum", "prod", "all", "any", "count_nonzero"):
        assert getattr(lampas, name)(integers).item() == value


@pytest.mark.parametrize(
    "name", ["max", "min", "amax", "amin", "argmax", "argmin", "aminmax", "mode"]
)
def test_over_nothing_there_is_no_largest(name):
    function = getattr(lampas, name)
    for call in (lambda: function(EMPTY), lambda: function(lampas.zeros(0, 3), dim=0)):
        with pytest.raises((RuntimeError, IndexError)):
            call()
    # Along another dimension there are none to ask for.
    got = function(lampas.zeros(0, 3), dim=1)
    first = got if isinstance(got, lampas.Tensor) else got[0]
    assert first.shape == (0,)


@pytest.mark.parametrize("dim", [0, 1])
@pytest.mark.parametrize(("name", "value"), [("sum", 0.0), ("prod", 1.0)])
def test_an_empty_dimension(name, value, dim):
    x = lampas.zeros(0, 3, requires_grad=True)
    got = getattr(x, name)(dim)
    assert got.tolist() == ([value] * 3 if dim == 0 else [])
    got.sum().backward()
    assert x.grad.shape == (0, 3)


@pytest.mark.parametrize(
    "name", ["cumsum", "cumprod", "softmax", "log_softmax", "sort", "argsort"]
)
def test_along_an_empty_dimension_nothing(name):
    function = getattr(lampas, name)
    got = function(lampas.zeros(2, 0), dim=1)
    first = got if isinstance(got, lampas.Tensor) else got[0]
    assert first.shape == (2, 0)


MIXED = lampas.tensor([3.0, NAN, 1.0, NAN, 3.0])
OF_NAN = {
    "sum": NAN, "mean": NAN, "prod": NAN, "std": NAN, "max": NAN, "min": NAN,
    "amax": NAN, "amin": NAN, "argmax": 1, "argmin": 1, "median": NAN, "norm": NAN,
    "nansum": 7.0, "nanmean": 7 / 3, "nanmedian": 3.0, "count_nonzero": 5,
    "all": True, "any": True,
}  # fmt: skip


@pytest.mark.parametrize(("name", "value"), OF_NAN.items())
def test_nan_is_passed_on_or_left_out(name, value):
    np.testing.assert_allclose(getattr(lampas, name)(MIXED).item(), value, rtol=1e-6)


def test_nan_sorts_last():
    assert lampas.argsort(MIXED, stable=True).tolist() == [2, 0, 4, 1, 3]
    falling = lampas.sort(MIXED, descending=True, stable=True)
    assert falling.indices.tolist() == [1, 3, 0, 4, 2]
    np.testing.assert_equal(lampas.topk(MIXED, 3).values.tolist(), [NAN, NAN, 3.0])
    assert lampas.kthvalue(MIXED, 3).values.item() == 3.0
    np.testing.assert_equal(lampas.unique(MIXED).tolist(), [1.0, 3.0, NAN, NAN])
    np.testing.assert_equal(
        lampas.cummax(MIXED, 0).values.tolist(), [3.0, NAN, NAN, NAN, NAN]
    )


@pytest.mark.parametrize("name", ["max", "min", "amax", "amin"])
def test_elements_that_are_nan_share_the_gradient(name):
    x = MIXED.clone().requires_grad_()
    getattr(lampas, name)(x).backward()
    assert x.grad.tolist() == [0.0, 0.5, 0.0, 0.5, 0.0]


TIES = [2.0, 1.0, 2.0, 1.0, 2.0]


@pytest.mark.parametrize(
    ("call", "gradient"),
    [
        (lambda x: x.max(), [1 / 3, 0, 1 / 3, 0, 1 / 3]),
        (lambda x: x.amax(0), [1 / 3, 0, 1 / 3, 0, 1 / 3]),
        (lambda x: x.min(), [0, 0.5, 0, 0.5, 0]),
        (lambda x: x.amin(0), [0, 0.5, 0, 0.5, 0]),
        (lambda x: x.median(), [1 / 3, 0, 1 / 3, 0, 1 / 3]),
        (lambda x: x.max(0).values, [1, 0, 0, 0, 0]),
        (lambda x: x.min(0).values, [0, 1, 0, 0, 0]),
        (lambda x: x.maximum(lampas.full((5,), 2.0)).sum(), [0.5, 0, 0.5, 0, 0.5]),
    ],
)  # fmt: skip
def test_ties_share_the_gradient_or_the_first_has_it(call, gradient):
    x = lampas.tensor(TIES, requires_grad=True)
    call(x).backward()
    np.testing.assert_allclose(x.grad.numpy(), gradient, rtol=1e-6)


def test_the_first_of_equal_elements_is_named():
    x = lampas.tensor(TIES)
    assert x.argmax().item() == 0
    assert x.argmin().item() == 1
    assert x.max(0).indices.item() == 0
    assert lampas.sort(x, stable=True).indices.tolist() == [1, 3, 0, 2, 4]
    assert lampas.sort(x, stable=True, descending=True).indices.tolist() == [
        0, 2, 4, 1, 3,
    ]  # fmt: skip


@pytest.mark.filterwarnings("ignore:std|var")
def test_variance_with_more_taken_off_than_there_is():
    x = lampas.tensor([1.0, 2.0, 4.0], dtype=lampas.float64, requires_grad=True)
    y = x.var(0, correction=5)
    assert y.item() == INF
    y.backward()
    wanted = 2 / (3 - 5) * (x.detach() - x.detach().mean())
    np.testing.assert_allclose(x.grad.numpy(), wanted.numpy())

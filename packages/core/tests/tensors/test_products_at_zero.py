"""Products with factors that are zero: gradients of both orders, by hand.

For ``p = a b c``: ``dp/da = b c`` and ``d2p/da db = c``, whatever is zero.
"""

import itertools

import numpy as np
import pytest

import lampas

FACTORS = [
    (2.0, 3.0, 5.0),
    (0.0, 3.0, 5.0),
    (2.0, 0.0, 5.0),
    (0.0, 3.0, 0.0),
    (0.0, 0.0, 0.0),
]


def by_prod(x):
    return x.prod()


def by_scatter(x):
    index = lampas.tensor([0, 0])
    return x[:1].scatter_reduce(0, index, x[1:], "prod").sum()


def by_scatter_alone(x):
    """The input's own value takes no part."""
    index = lampas.tensor([0, 0, 0])
    start = lampas.full((1,), 7.0, dtype=x.dtype)
    return start.scatter_reduce(0, index, x, "prod", include_self=False).sum()


def by_index(x):
    index = lampas.tensor([1, 1])
    start = lampas.cat([x.new_ones(1), x[:1]])
    return start.index_reduce(0, index, x[1:], "prod")[1]


def by_cumprod(x):
    return x.cumprod(0)[-1]


WAYS = [by_prod, by_scatter, by_scatter_alone, by_index, by_cumprod]


@pytest.mark.parametrize("factors", FACTORS)
@pytest.mark.parametrize("way", WAYS)
def test_gradients_of_a_product(way, factors):
    x = lampas.tensor(factors, dtype=lampas.float64, requires_grad=True)
    product = way(x)
    assert product.item() == np.prod(factors)
    (slope,) = lampas.autograd.grad(product, x, create_graph=True)
    wanted = [np.prod(np.delete(factors, i)) for i in range(3)]
    np.testing.assert_allclose(slope.detach().numpy(), wanted, atol=1e-14)
    hessian = np.zeros((3, 3))
    for i, j in itertools.permutations(range(3), 2):
        hessian[i, j] = factors[3 - i - j]
    for i in range(3):
        (row,) = lampas.autograd.grad(slope[i], x, retain_graph=True)
        np.testing.assert_allclose(row.numpy(), hessian[i], atol=1e-14)

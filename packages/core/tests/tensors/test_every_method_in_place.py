"""Every method that changes its tensor: on leaves, expanded tensors and views."""

import inspect

import numpy as np
import pytest

import lampas
from lampas.engine.tensor import METHODS
from lampas.ops import _late

_late.load_all()


def is_elementwise(name):
    """``name_`` with nothing to say but the tensor, beside a method ``name``."""
    plain = getattr(lampas.Tensor, name.removesuffix("_"), None)
    if not name.endswith("_") or name.startswith("_") or plain is None:
        return False
    first, *others = inspect.signature(METHODS[name]).parameters.values()
    given = [p for p in others if p.default is p.empty]
    return not given and first.name in ("input", "self")


# Those that draw, look at matrices or the shape, or do nothing to real numbers.
OTHERS = {"squeeze_", "t_", "tril_", "triu_", "bernoulli_", "conj_physical_"}
ALONE = sorted(name for name in METHODS if is_elementwise(name) and name not in OTHERS)
WITH = {
    "add_": 0.5, "sub_": 0.5, "mul_": 2.0, "div_": 2.0, "pow_": 3.0, "fmod_": 0.4,
    "remainder_": 0.4, "clamp_min_": 0.5, "clamp_max_": 0.5, "copysign_": -1.0,
    "xlogy_": 2.0,
}  # fmt: skip
CALLS = dict.fromkeys(ALONE, ()) | {name: (v,) for name, v in WITH.items()}
over_methods = pytest.mark.parametrize(("name", "args"), CALLS.items(), ids=CALLS)


def numbers():
    rng = np.random.default_rng(0)
    return lampas.from_numpy(rng.uniform(0.2, 0.8, (2, 3)))


def test_there_are_many():
    assert len(ALONE) > 40
    assert {"exp_", "sqrt_", "neg_", "relu_", "erf_", "lgamma_"} <= set(ALONE)


def defined_for_floats(name, args):
    try:
        result = getattr(numbers(), name.removesuffix("_"))(*args)
    except RuntimeError:
        return False
    return result.dtype is lampas.float64


@over_methods
def test_a_leaf_is_left_alone(name, args):
    leaf = numbers().requires_grad_()
    with pytest.raises(RuntimeError):
        getattr(leaf, name)(*args)
    np.testing.assert_array_equal(leaf.detach().numpy(), numbers().numpy())


@over_methods
def test_an_expanded_tensor_is_left_alone(name, args):
    x = numbers()
    with pytest.raises(RuntimeError):
        getattr(x[:, :1].expand(2, 3), name)(*args)
    np.testing.assert_array_equal(x.numpy(), numbers().numpy())


@over_methods
def test_a_change_of_a_view_is_one_of_its_base(name, args):
    """As if the row had been computed apart and stacked with the other."""
    if not defined_for_floats(name, args):
        return
    plain = name.removesuffix("_")
    weights = lampas.from_numpy(np.random.default_rng(1).standard_normal((2, 3)))
    x = numbers().requires_grad_()
    base = x * 1
    row = base[1]
    assert getattr(row, name)(*args) is row
    y = numbers().requires_grad_()
    apart = lampas.stack([y[0] * 1, getattr(y[1] * 1, plain)(*args)])
    np.testing.assert_array_equal(base.detach().numpy(), apart.detach().numpy())
    np.testing.assert_array_equal(row.detach().numpy(), base[1].detach().numpy())
    (base * weights).sum().backward()
    (apart * weights).sum().backward()
    np.testing.assert_allclose(x.grad.numpy(), y.grad.numpy(), rtol=1e-12, atol=1e-14)


@over_methods
def test_values_that_a_gradient_needs_are_watched(name, args):
    if not defined_for_floats(name, args):
        return
    x = numbers().requires_grad_()
    y = x * 1
    z = y * y
    getattr(y, name)(*args)
    with pytest.raises(RuntimeError, match="changed in place by"):
        z.sum().backward()

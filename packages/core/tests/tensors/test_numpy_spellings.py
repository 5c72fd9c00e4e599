"""NumPy's names for arguments, and NumPy's functions called on tensors."""

import inspect

import numpy as np
import pytest

import lampas

X = [[1.0, 5.0, 2.0], [7.0, 0.0, 3.0]]
REDUCTIONS = ["sum", "mean", "prod", "amax", "amin", "argmax", "argmin"]


@pytest.mark.parametrize("name", REDUCTIONS)
def test_axis_and_keepdims_mean_dim_and_keepdim(name):
    x = lampas.tensor(X, dtype=lampas.float64)
    expected = getattr(np, name)(np.array(X), axis=1, keepdims=True).tolist()
    assert getattr(x, name)(axis=1, keepdims=True).tolist() == expected
    assert getattr(lampas, name)(x, axis=1, keepdims=True).tolist() == expected


@pytest.mark.parametrize("name", ["sum", "mean", "prod", "max", "min", "argmax"])
def test_numpy_functions_call_the_methods(name):
    function = getattr(np, name)
    x = lampas.tensor(X, dtype=lampas.float64)
    assert function(x).tolist() == function(np.array(X)).tolist()
    along = function(x, axis=0)
    values = along[0] if isinstance(along, tuple) else along
    assert values.tolist() == function(np.array(X), axis=0).tolist()


def test_joining_scanning_and_sorting_take_axis():
    x = lampas.tensor(X)
    assert lampas.cat([x, x], axis=1).shape == (2, 6)
    assert lampas.stack([x, x], axis=2).shape == (2, 3, 2)
    assert x.cumsum(axis=1).tolist() == np.cumsum(np.array(X), axis=1).tolist()
    assert x.sort(axis=0).values.tolist() == np.sort(np.array(X), axis=0).tolist()
    assert x.unsqueeze(axis=1).squeeze(axis=1).shape == (2, 3)
    assert x.unbind(axis=1)[1].tolist() == [5.0, 0.0]


def test_both_spellings_at_once_are_refused():
    with pytest.raises(TypeError, match="axis"):
        lampas.tensor(X).sum(dim=0, axis=1)


def test_signatures_stay_those_of_the_functions():
    assert list(inspect.signature(lampas.sum).parameters)[:3] == [
        "input",
        "dim",
        "keepdim",
    ]

"""Weight norm and spectral norm, in both forms, against NumPy."""

import numpy as np
import pytest

import lampas
from lampas import nn
from lampas.nn.utils import (
    parametrizations,
    remove_spectral_norm,
    remove_weight_norm,
    spectral_norm,
    weight_norm,
)


def _norm(w, dim):
    if dim is None:
        return np.sqrt((w**2).sum())
    rest = tuple(i for i in range(w.ndim) if i != dim % w.ndim)
    return np.sqrt((w**2).sum(rest, keepdims=True))


@pytest.mark.parametrize("dim", [0, 1, None])
def test_weight_norm_keeps_the_weight_and_splits_it(dim):
    layer = nn.Conv1d(3, 2, 4)
    w = layer.weight.detach().numpy().copy()
    parametrizations.weight_norm(layer, dim=dim)
    g, v = (getattr(layer.parametrizations.weight, f"original{i}") for i in (0, 1))
    np.testing.assert_allclose(g.tolist(), _norm(w, dim), rtol=1e-6)
    assert v.tolist() == w.tolist()
    np.testing.assert_allclose(layer.weight.tolist(), w, rtol=1e-6)
    nn.init.constant_(g, 1.0)
    np.testing.assert_allclose(layer.weight.tolist(), w / _norm(w, dim), rtol=1e-5)


def test_the_older_form_has_the_older_names():
    layer = nn.Linear(3, 2)
    w = layer.weight.detach().numpy().copy()
    weight_norm(layer)
    assert list(layer.state_dict()) == ["bias", "weight_g", "weight_v"]
    nn.init.constant_(layer.weight_g, 2.0)
    x = lampas.ones(1, 3)
    expected = 2 * (w / _norm(w, 0)).sum(1) + layer.bias.detach().numpy()
    np.testing.assert_allclose(layer(x)[0].tolist(), expected, rtol=1e-5)
    layer(x).sum().backward()
    assert layer.weight_g.grad is not None and layer.weight_v.grad is not None
    with pytest.raises(RuntimeError, match="two weight_norm hooks"):
        weight_norm(layer)
    remove_weight_norm(layer)
    assert list(layer.state_dict()) == ["bias", "weight"]
    np.testing.assert_allclose(layer(x)[0].tolist(), expected, rtol=1e-5)
    with pytest.raises(ValueError, match="not found"):
        remove_weight_norm(layer)


def test_a_checkpoint_of_the_older_form_loads():
    older, newer = weight_norm(nn.Linear(3, 2)), nn.Linear(3, 2)
    parametrizations.weight_norm(newer)
    newer.load_state_dict(older.state_dict())
    x = lampas.ones(2, 3)
    assert newer(x).tolist() == older(x).tolist()


@pytest.mark.parametrize("form", [spectral_norm, parametrizations.spectral_norm])
@pytest.mark.parametrize("transposed", [False, True])
def test_spectral_norm_divides_by_the_largest_singular_value(form, transposed):
    lampas.manual_seed(0)
    kind = nn.ConvTranspose1d if transposed else nn.Conv1d
    layer = kind(4, 3, 2)
    w = layer.weight.detach().numpy().copy()
    matrix = (w.swapaxes(0, 1) if transposed else w).reshape(3, -1)
    top = np.linalg.svd(matrix, compute_uv=False)[0]
    form(layer, n_power_iterations=100)
    layer(lampas.ones(1, 4, 5))
    np.testing.assert_allclose(layer.weight.detach().numpy(), w / top, rtol=1e-4)


def test_spectral_norm_in_evaluation_leaves_its_vectors_alone():
    layer = parametrizations.spectral_norm(nn.Linear(4, 3))
    part = layer.parametrizations.weight[0]
    layer.eval()
    before = part._u.tolist()
    assert layer.weight.tolist() == layer.weight.tolist()
    assert part._u.tolist() == before
    layer.train()
    layer.weight.sum().backward()
    assert part._u.tolist() != before
    assert layer.parametrizations.weight.original.grad is not None


def test_gradient_of_spectral_norm_at_its_fixed_point():
    lampas.manual_seed(1)
    layer = nn.Linear(3, 2, dtype=lampas.float64)
    parametrizations.spectral_norm(layer, n_power_iterations=200)
    original = layer.parametrizations.weight.original
    (layer.weight * lampas.arange(6.0).reshape(2, 3)).sum().backward()

    def value(w):
        normed = w / np.linalg.svd(w, compute_uv=False)[0]
        return (normed * np.arange(6.0).reshape(2, 3)).sum()

    w, step = original.detach().numpy().copy(), 1e-6
    for i in np.ndindex(2, 3):
        e = np.zeros((2, 3))
        e[i] = step
        slope = (value(w + e) - value(w - e)) / (2 * step)
        assert float(original.grad[i]) == pytest.approx(slope, rel=1e-5, abs=1e-8)


def test_the_older_spectral_norm_comes_off_again():
    layer = spectral_norm(nn.Linear(3, 2))
    x = lampas.ones(1, 3)
    layer.eval()
    y = layer(x).tolist()
    remove_spectral_norm(layer)
    assert list(layer.state_dict()) == ["bias", "weight"] and layer(x).tolist() == y
    with pytest.raises(ValueError, match="not found"):
        remove_spectral_norm(layer)
    with pytest.raises(ValueError, match="2 or more dimensions"):
        spectral_norm(layer, "bias")
    with pytest.raises(ValueError, match="n_power_iterations"):
        parametrizations.spectral_norm(layer, n_power_iterations=0)
    with pytest.raises(IndexError, match="dim"):
        parametrizations.spectral_norm(layer, dim=2)


def test_one_dimension_is_normalised():
    layer = parametrizations.spectral_norm(nn.Linear(2, 3), "bias")
    assert float(layer.bias.detach().norm()) == pytest.approx(1.0, rel=1e-6)

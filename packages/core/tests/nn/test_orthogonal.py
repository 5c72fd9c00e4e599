"""The orthogonal parametrisation: orthonormal, trainable, assignable."""

import numpy as np
import pytest

import lampas
from lampas import nn
from lampas.nn.utils import parametrizations, parametrize

MAPS = ["matrix_exp", "cayley", "householder"]


def _module(shape, dtype=lampas.float64):
    module = nn.Module()
    module.w = nn.Parameter(lampas.randn(*shape, dtype=dtype))
    return module


def _check(w):
    w = w.detach().numpy()
    w = w.swapaxes(-1, -2).conj() if w.shape[-2] < w.shape[-1] else w
    one = np.broadcast_to(np.eye(w.shape[-1]), (*w.shape[:-2], *(w.shape[-1],) * 2))
    np.testing.assert_allclose(w.swapaxes(-1, -2).conj() @ w, one, atol=1e-12)


@pytest.mark.parametrize("trivial", [True, False])
@pytest.mark.parametrize("kind", MAPS)
@pytest.mark.parametrize("shape", [(4, 4), (5, 3), (3, 5), (2, 4, 3)])
def test_columns_stay_orthonormal_through_training(shape, kind, trivial):
    lampas.manual_seed(0)
    module = _module(shape)
    parametrizations.orthogonal(module, "w", kind, use_trivialization=trivial)
    _check(module.w)
    target = lampas.randn(*shape, dtype=lampas.float64)
    optimizer = lampas.optim.SGD(module.parameters(), lr=0.05)
    losses = []
    for _ in range(10):
        optimizer.zero_grad()
        loss = (module.w - target).square().sum()
        loss.backward()
        optimizer.step()
        losses.append(float(loss))
    assert losses[-1] < losses[0]
    _check(module.w)


@pytest.mark.parametrize("kind", MAPS)
@pytest.mark.parametrize("shape", [(4, 4), (5, 3), (3, 5)])
def test_an_orthogonal_value_can_be_assigned(shape, kind):
    module = _module(shape)
    parametrizations.orthogonal(module, "w", kind)
    value = nn.init.orthogonal_(lampas.empty(*shape, dtype=lampas.float64))
    module.w = value
    np.testing.assert_allclose(module.w.tolist(), value.tolist(), atol=1e-12)


def test_an_orthogonal_weight_is_where_it_starts():
    module = _module((3, 3))
    value = nn.init.orthogonal_(module.w).tolist()
    parametrizations.orthogonal(module, "w")
    np.testing.assert_allclose(module.w.tolist(), value, atol=1e-12)


def test_householder_is_assignable_without_a_base():
    for shape in ((5, 3), (3, 3)):
        module = _module(shape)
        value = nn.init.orthogonal_(lampas.empty(*shape, dtype=lampas.float64))
        parametrizations.orthogonal(
            module, "w", "householder", use_trivialization=False
        )
        module.w = value
        np.testing.assert_allclose(module.w.tolist(), value.tolist(), atol=1e-12)


@pytest.mark.parametrize("kind", ["matrix_exp", "cayley"])
def test_maps_that_have_no_inverse_say_so(kind):
    module = _module((3, 3))
    parametrizations.orthogonal(module, "w", kind, use_trivialization=False)
    with pytest.raises(NotImplementedError, match="use_trivialization=True"):
        module.w = lampas.eye(3, dtype=lampas.float64)


def test_complex_matrices_become_unitary():
    module = _module((3, 3), lampas.complex128)
    parametrizations.orthogonal(module, "w")
    _check(module.w)
    with pytest.raises(ValueError, match="complex"):
        parametrizations.orthogonal(
            _module((3, 3), lampas.complex128), "w", "householder"
        )


def test_the_exponential_of_a_turn():
    module = _module((2, 2))
    parametrizations.orthogonal(module, "w", "matrix_exp", use_trivialization=False)
    angle = 0.3
    original = lampas.tensor([[0.0, 0.0], [angle, 0.0]], dtype=lampas.float64)
    module.parametrizations.w.original.data = original
    turn = [[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]]
    np.testing.assert_allclose(module.w.tolist(), turn, atol=1e-14)


def test_the_base_is_part_of_the_state():
    module = parametrizations.orthogonal(nn.Linear(3, 3))
    assert list(module.state_dict()) == [
        "bias",
        "parametrizations.weight.original",
        "parametrizations.weight.0.base",
    ]
    other = parametrizations.orthogonal(nn.Linear(3, 3))
    other.load_state_dict(module.state_dict())
    assert other.weight.tolist() == module.weight.tolist()
    parametrize.remove_parametrizations(module, "weight")
    assert module.weight.tolist() == other.weight.tolist()


def test_what_does_not_fit_is_refused():
    with pytest.raises(ValueError, match="matrix or batch"):
        parametrizations.orthogonal(nn.Linear(3, 3), "bias")
    with pytest.raises(ValueError, match="orthogonal_map"):
        parametrizations.orthogonal(nn.Linear(3, 3), orthogonal_map="qr")
    module = parametrizations.orthogonal(nn.Linear(3, 3))
    with pytest.raises(ValueError, match="shape"):
        module.weight = lampas.eye(2)

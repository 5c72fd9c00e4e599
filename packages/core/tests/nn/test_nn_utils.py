"""Fusion, parameters as a vector, modules without initialisation, older names."""

import numpy as np
import pytest

import lampas
from lampas import nn
from lampas.nn import utils


def _filled(module):
    """Parameters and statistics that are not what they start as."""
    for i, value in enumerate(module.state_dict().values()):
        if value.dim():
            nn.init.uniform_(value, 0.5, 1.5 + i)
    return module.eval()


@pytest.mark.parametrize("bias", [False, True])
@pytest.mark.parametrize("affine", [False, True])
@pytest.mark.parametrize("transposed", [False, True])
def test_a_norm_is_folded_into_its_convolution(bias, affine, transposed):
    lampas.manual_seed(0)
    kind = nn.ConvTranspose2d if transposed else nn.Conv2d
    conv = _filled(kind(3, 4, 2, bias=bias, dtype=lampas.float64))
    bn = _filled(nn.BatchNorm2d(4, affine=affine, dtype=lampas.float64))
    fused = utils.fuse_conv_bn_eval(conv, bn, transpose=transposed)
    x = lampas.randn(2, 3, 5, 5, dtype=lampas.float64)
    np.testing.assert_allclose(fused(x).tolist(), bn(conv(x)).tolist(), rtol=1e-12)
    assert (conv.bias is None) is not bias and isinstance(fused.bias, nn.Parameter)


def test_a_norm_is_folded_into_its_linear_map():
    fc = _filled(nn.Linear(3, 4, dtype=lampas.float64))
    bn = _filled(nn.BatchNorm1d(4, dtype=lampas.float64))
    x = lampas.randn(5, 3, dtype=lampas.float64)
    fused = utils.fuse_linear_bn_eval(fc, bn)
    np.testing.assert_allclose(fused(x).tolist(), bn(fc(x)).tolist(), rtol=1e-12)
    with pytest.raises(AssertionError, match="fusion only for eval"):
        utils.fuse_linear_bn_eval(fc, bn.train())
    with pytest.raises(AssertionError, match="features"):
        utils.fuse_linear_bn_eval(fc, nn.BatchNorm1d(3).eval())
    with pytest.raises(ValueError, match="running statistics"):
        bare = nn.BatchNorm1d(4, track_running_stats=False).eval()
        utils.fuse_linear_bn_eval(fc, bare)


def test_parameters_are_one_vector_and_back():
    net = nn.Linear(2, 3)
    vector = utils.parameters_to_vector(net.parameters())
    assert vector.tolist() == [*net.weight.flatten().tolist(), *net.bias.tolist()]
    vector.sum().backward()
    assert net.weight.grad.tolist() == [[1.0, 1.0]] * 3
    utils.vector_to_parameters(lampas.arange(9.0), net.parameters())
    assert net.weight.tolist() == [[0.0, 1.0], [2.0, 3.0], [4.0, 5.0]]
    assert net.bias.tolist() == [6.0, 7.0, 8.0] and net.weight.requires_grad
    with pytest.raises(RuntimeError, match="9 elements"):
        utils.vector_to_parameters(lampas.zeros(8), net.parameters())
    with pytest.raises(TypeError, match="vec must be a Tensor"):
        utils.vector_to_parameters([0.0], net.parameters())
    mixed = [lampas.ones(1), lampas.ones(1, device="sim")]
    with pytest.raises(RuntimeError, match="one device"):
        utils.parameters_to_vector(mixed)


def test_skip_init_draws_nothing():
    state = lampas.get_rng_state().tolist()
    layer = utils.skip_init(nn.LSTM, 3, 4, dtype=lampas.float64, device="cpu")
    assert lampas.get_rng_state().tolist() == state
    assert layer.weight_ih_l0.shape == (16, 3)
    assert layer.weight_ih_l0.dtype is lampas.float64
    nn.Linear(2, 2)
    assert lampas.get_rng_state().tolist() != state
    with pytest.raises(RuntimeError, match="subclass of Module"):
        utils.skip_init(int)


def test_names_of_before_warn_and_work():
    x = lampas.zeros(2, 2)
    for name, value in (("constant", 3.0), ("uniform", 3.0)):
        args = (value,) if name == "constant" else (value, value)
        with pytest.warns(FutureWarning, match=f"nn.init.{name}_"):
            getattr(nn.init, name)(x, *args)
        assert x.tolist() == [[3.0, 3.0]] * 2
    w = lampas.ones(1, requires_grad=True)
    (5 * w).sum().backward()
    with pytest.warns(FutureWarning, match="clip_grad_norm_"):
        assert float(utils.clip_grad_norm([w], 1.0)) == 5.0


def test_stateless_calls_with_other_tensors():
    layer = nn.Linear(1, 1, bias=False)
    weight = lampas.tensor([[3.0]])
    y = utils.stateless.functional_call(layer, {"weight": weight}, lampas.ones(2, 1))
    assert y.tolist() == [[3.0], [3.0]]

"""Types under autocast on the CPU, of what is made of several ops; as PyTorch 2.13."""

import numpy as np
import pytest

import lampas
from lampas import autocast, bfloat16, float16, float32, linalg, nn

A = lampas.tensor(np.random.default_rng(0).normal(size=(3, 3)).astype(np.float32))
X = lampas.tensor(np.random.default_rng(1).normal(size=(5, 2, 3)).astype(np.float32))
H = lampas.zeros(1, 2, 4)


def dtypes(value):
    if isinstance(value, lampas.Tensor):
        return [value.dtype]
    return [d for v in value for d in dtypes(v)]


CASES = {
    "GRU": (lambda: nn.GRU(3, 4)(X), [float32, float32]),
    "GRU with state": (lambda: nn.GRU(3, 4)(X, H), [float32, float32]),
    "GRU with half state": (lambda: nn.GRU(3, 4)(X, H.bfloat16()), [bfloat16] * 2),
    "GRU of halves": (lambda: nn.GRU(3, 4)(X.bfloat16()), [bfloat16] * 2),
    "GRU of layers": (lambda: nn.GRU(3, 4, 2, bidirectional=True)(X), [float32] * 2),
    "RNN": (lambda: nn.RNN(3, 4)(X, H), [bfloat16, bfloat16]),
    "GRUCell": (lambda: nn.GRUCell(3, 4)(X[0]), [float32]),
    "GRUCell with half state": (
        lambda: nn.GRUCell(3, 4)(X[0], H[0].bfloat16()),
        [bfloat16],
    ),
    "GRUCell of halves": (lambda: nn.GRUCell(3, 4)(X[0].bfloat16(), H[0]), [float32]),
    "LSTMCell": (lambda: nn.LSTMCell(3, 4)(X[0]), [float32, float32]),
    "LSTMCell with half states": (
        lambda: nn.LSTMCell(3, 4)(X[0], (H[0].bfloat16(), H[0].bfloat16())),
        [bfloat16, bfloat16],
    ),
    "RNNCell": (lambda: nn.RNNCell(3, 4)(X[0], H[0]), [bfloat16]),
    "einsum elementwise": (lambda: lampas.einsum("ij,ij->ij", A, A), [float32]),
    "einsum outer": (lambda: lampas.einsum("i,j->ij", A[0], A[1]), [float32]),
    "einsum sum": (lambda: lampas.einsum("ij->i", A), [float32]),
    "einsum diagonal": (lambda: lampas.einsum("ii->i", A), [float32]),
    "einsum sum of one": (lambda: lampas.einsum("ij,k->ik", A, A[0]), [float32]),
    "einsum contraction": (lambda: lampas.einsum("ij,ij->i", A, A), [bfloat16]),
    "einsum mixed": (lambda: lampas.einsum("ij,ij->ij", A, A.bfloat16()), [float32]),
    "pinv": (lambda: linalg.pinv(A), [bfloat16]),
    "pinverse": (lambda: lampas.pinverse(A), [float32]),
    "index_copy": (
        lambda: A.bfloat16().index_copy(0, lampas.tensor([1]), A[:1]),
        [float32],
    ),
    "matrix_power": (lambda: lampas.matrix_power(A.bfloat16(), 3), [bfloat16]),
}


@pytest.mark.parametrize("case", list(CASES))
def test_types_are_pytorchs(case):
    call, expected = CASES[case]
    with autocast("cpu", bfloat16):
        assert dtypes(call()) == expected


@pytest.mark.parametrize("kind", [nn.GRU, nn.RNN, nn.LSTM])
def test_values_and_gradients_are_those_of_float32_but_for_rounding(kind):
    lampas.manual_seed(0)
    layer = kind(3, 4)
    plain = layer(X)[0]
    plain.sum().backward()
    gradients = [p.grad.clone() for p in layer.parameters()]
    layer.zero_grad()
    with autocast("cpu", bfloat16):
        half = layer(X)[0]
    half.float().sum().backward()
    # Eight bits of precision.
    np.testing.assert_allclose(
        half.float().numpy(force=True), plain.numpy(force=True), atol=0.02
    )
    for p, expected in zip(layer.parameters(), gradients, strict=True):
        assert p.grad.dtype is float32
        scale = float(expected.abs().max())
        np.testing.assert_allclose(p.grad.numpy(), expected.numpy(), atol=0.05 * scale)


@pytest.mark.parametrize("dtype", [bfloat16, float16, lampas.int64])
def test_powers_of_matrices_of_any_type(dtype):
    a = lampas.tensor([[1, 1], [0, 1]]).to(dtype)
    for n in range(4):
        power = lampas.matrix_power(a, n)
        assert power.dtype is dtype and power.tolist() == [[1, n], [0, 1]]
    with pytest.raises(RuntimeError, match="inv"):
        lampas.matrix_power(a, -1)


def test_index_copy_takes_one_type_outside_of_autocast_and_in_place():
    index = lampas.tensor([1])
    with pytest.raises(RuntimeError, match="source must have"):
        A.index_copy(0, index, A[:1].bfloat16())
    with autocast("cpu", bfloat16), pytest.raises(RuntimeError, match="must have"):
        A.clone().index_copy_(0, index, A[:1].bfloat16())

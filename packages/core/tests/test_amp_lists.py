"""What each op computes in under ``autocast("cpu")``, against PyTorch 2.13.

The groups are what PyTorch gave for each call on float32 and on bfloat16 inputs.
"""

import pytest

import lampas
from lampas import linalg, nn
from lampas.nn import functional as F


def _filled(*shape):
    generator = lampas.Generator().manual_seed(1)
    return lampas.rand(*shape, generator=generator) + 0.5


A, B, V, W = _filled(4, 4), _filled(4, 4) * 0.7, _filled(4), _filled(4) * 2
X, Y = _filled(2, 4, 4), _filled(2, 4, 4) * 0.5
SPD = A @ A.T + 4 * lampas.eye(4)
IMAGE, CUBE = _filled(2, 3, 8, 8), _filled(1, 2, 5, 5, 5)
CLASSES = lampas.tensor([1, 2, 0, 3])
SIGNS = lampas.tensor([1.0, -1.0, 1.0, 1.0])

HALF = {
    "matmul": (lampas.matmul, A, B),
    "mm": (lampas.mm, A, B),
    "bmm": (lampas.bmm, X, Y),
    "operator": (lambda a, b: a @ b, A, B),
    "inner": (lampas.inner, A, B),
    "addmm": (lampas.addmm, A, A, B),
    "addbmm": (lampas.addbmm, A, X, Y),
    "baddbmm": (lampas.baddbmm, X, X, Y),
    "chain_matmul": (lampas.chain_matmul, A, B, A),
    "multi_dot": (lambda *a: linalg.multi_dot(a), A, B, A),
    "vecdot": (linalg.vecdot, A, B),
    "tensordot": (lambda a, b: lampas.tensordot(a, b, 1), A, B),
    "einsum": (lambda a, b: lampas.einsum("ij,jk->ik", a, b), A, B),
    "cov": (lampas.cov, A),
    "linear": (F.linear, A, B),
    "linear with bias": (F.linear, A, B, V),
    "conv1d": (F.conv1d, _filled(2, 3, 8), _filled(5, 3, 3)),
    "conv2d": (F.conv2d, IMAGE, _filled(5, 3, 3, 3), _filled(5)),
    "conv3d": (F.conv3d, CUBE, _filled(3, 2, 3, 3, 3)),
    "conv_transpose1d": (F.conv_transpose1d, _filled(2, 3, 8), _filled(3, 5, 3)),
    "conv_transpose2d": (F.conv_transpose2d, IMAGE, _filled(3, 5, 3, 3)),
    "prelu": (F.prelu, A, V),
    "attention": (F.scaled_dot_product_attention, X, X, X),
    "attention with mask": (F.scaled_dot_product_attention, X, X, X, A),
    "LSTM": (lambda x: nn.LSTM(4, 3)(x)[0], X),
    "RNN": (lambda x: nn.RNN(4, 3)(x)[0], X),
    "MultiheadAttention": (lambda x: nn.MultiheadAttention(4, 2)(x, x, x)[0], X),
}

FLOAT = {
    "prod": (lampas.prod, A),
    "cdist": (lampas.cdist, A, B),
    "trace": (lampas.trace, A),
    "quantile": (lambda a: lampas.quantile(a, 0.3), A),
    "nanquantile": (lambda a: lampas.nanquantile(a, 0.3), A),
    "mse_loss": (F.mse_loss, A, B),
    "l1_loss": (F.l1_loss, A, B),
    "smooth_l1_loss": (F.smooth_l1_loss, A, B),
    "huber_loss": (F.huber_loss, A, B),
    "cross_entropy": (F.cross_entropy, A, CLASSES),
    "nll_loss": (F.nll_loss, A, CLASSES),
    "kl_div": (F.kl_div, A, B),
    "binary_cross_entropy": (F.binary_cross_entropy, A / 2, B / 2),
    "with_logits": (F.binary_cross_entropy_with_logits, A, B),
    "cosine_embedding_loss": (F.cosine_embedding_loss, A, B, SIGNS),
    "hinge_embedding_loss": (F.hinge_embedding_loss, A, B),
    "margin_ranking_loss": (F.margin_ranking_loss, V, W, V),
    "soft_margin_loss": (F.soft_margin_loss, A, B),
    "triplet_margin_loss": (F.triplet_margin_loss, A, B, A * 2),
    "multi_margin_loss": (F.multi_margin_loss, A, CLASSES),
    "poisson_nll_loss": (F.poisson_nll_loss, A, B),
    "inv": (linalg.inv, SPD),
    "cholesky": (linalg.cholesky, SPD),
    "svdvals": (linalg.svdvals, SPD),
    "eigvalsh": (linalg.eigvalsh, SPD),
    "eigh": (lambda a: linalg.eigh(a)[0], SPD),
    "qr": (lambda a: linalg.qr(a)[0], SPD),
    "solve": (linalg.solve, SPD, A),
    "lstsq": (lambda a, b: linalg.lstsq(a, b)[0], SPD, A),
    "cholesky_solve": (lampas.cholesky_solve, A, SPD),
    "rfft": (lambda a: lampas.fft.rfft(a).real, A),
    "polar": (lambda a, b: lampas.polar(a, b).real, A, B),
    "max_pool3d": (lambda a: F.max_pool3d(a, 2), CUBE),
    "avg_pool3d": (lambda a: F.avg_pool3d(a, 2), CUBE),
    "adaptive_avg_pool3d": (lambda a: F.adaptive_avg_pool3d(a, 2), CUBE),
    "adaptive_max_pool3d": (lambda a: F.adaptive_max_pool3d(a, 2), CUBE),
    "reflect": (lambda a: F.pad(a, (1, 1, 1, 1), mode="reflect"), IMAGE),
    "replicate": (lambda a: F.pad(a, (1, 1), mode="replicate"), _filled(2, 3, 5)),
    "grid_sample": (
        lambda a, g: F.grid_sample(a, g, align_corners=False),
        IMAGE,
        _filled(2, 4, 4, 2),
    ),
}

AS_GIVEN = {
    "add": (lampas.add, A, B),
    "mul": (lambda a, b: a * b, A, B),
    "pow": (lambda a: a**2, A),
    "rdiv": (lambda a: 1 / a, A),
    "exp": (lampas.exp, A),
    "log": (lampas.log, A),
    "rsqrt": (lampas.rsqrt, A),
    "sinh": (lampas.sinh, A),
    "sum": (lampas.sum, A),
    "mean": (lampas.mean, A),
    "cumsum": (lambda a: lampas.cumsum(a, 0), A),
    "var": (lampas.var, A),
    "logsumexp": (lambda a: lampas.logsumexp(a, 0), A),
    "norm": (lampas.norm, A),
    "mv": (lampas.mv, A, V),
    "dot": (lampas.dot, V, W),
    "addmv": (lampas.addmv, V, A, V),
    "outer": (lampas.outer, V, W),
    "dist": (lampas.dist, A, B),
    "cosine_similarity": (F.cosine_similarity, A, B),
    "softmax": (lambda a: F.softmax(a, -1), A),
    "log_softmax": (lambda a: F.log_softmax(a, -1), A),
    "relu": (F.relu, A),
    "gelu": (F.gelu, A),
    "silu": (F.silu, A),
    "softplus": (F.softplus, A),
    "layer_norm": (lambda a, w, b: F.layer_norm(a, (4,), w, b), A, V, W),
    "group_norm": (F.group_norm, _filled(2, 4, 3), 2, V, W),
    "batch_norm": (lambda a, w, b: F.batch_norm(a, None, None, w, b, True), A, V, W),
    "max_pool2d": (lambda a: F.max_pool2d(a, 2), IMAGE),
    "avg_pool2d": (lambda a: F.avg_pool2d(a, 2), IMAGE),
    "circular": (lambda a: F.pad(a, (1, 1, 1, 1), mode="circular"), IMAGE),
    "constant": (lambda a: F.pad(a, (1, 1)), IMAGE),
    "interpolate": (lambda a: F.interpolate(a, scale_factor=2, mode="bilinear"), IMAGE),
    "cat": (lambda *a: lampas.cat(a), A, B),
    "stack": (lambda *a: lampas.stack(a), A, B),
    "where": (lambda a, b: lampas.where(a > b, a, b), A, B),
    "addcmul": (lampas.addcmul, A, B, A),
    "embedding": (lambda w: F.embedding(CLASSES, w), A),
}


def _result(call, dtype, device="cpu", low=lampas.bfloat16):
    function, *args = call
    given = [
        a.to(device, dtype) if isinstance(a, lampas.Tensor) and a.is_floating_point()
        # Indices and classes go along.
        else a.to(device) if isinstance(a, lampas.Tensor) else a
        for a in args
    ]  # fmt: skip
    with lampas.autocast(device, dtype=low):
        return function(*given)


@pytest.mark.parametrize("name", HALF)
def test_computed_in_half(name):
    assert _result(HALF[name], lampas.float32).dtype == lampas.bfloat16
    assert _result(HALF[name], lampas.bfloat16).dtype == lampas.bfloat16


@pytest.mark.parametrize("name", FLOAT)
def test_computed_in_float(name):
    assert _result(FLOAT[name], lampas.float32).dtype == lampas.float32
    assert _result(FLOAT[name], lampas.bfloat16).dtype == lampas.float32


@pytest.mark.parametrize("name", AS_GIVEN)
def test_computed_in_what_is_given(name):
    assert _result(AS_GIVEN[name], lampas.float32).dtype == lampas.float32
    assert _result(AS_GIVEN[name], lampas.bfloat16).dtype == lampas.bfloat16


# PyTorch's documented list for cards, which the simulated one follows.
ON_A_CARD = ("pow", "exp", "log", "rsqrt", "sinh", "sum", "cumsum", "logsumexp")
ON_A_CARD += ("norm", "dist", "cosine_similarity", "softmax", "log_softmax", "softplus")
ON_A_CARD += ("layer_norm", "group_norm")


@pytest.mark.parametrize("name", ON_A_CARD)
def test_computed_in_float_on_a_card(name):
    low = lampas.float16
    assert _result(AS_GIVEN[name], low, "sim", low).dtype == lampas.float32


@pytest.mark.parametrize("name", ["mv", "dot", "addmv"])
def test_computed_in_half_on_a_card(name):
    low = lampas.float16
    assert _result(AS_GIVEN[name], lampas.float32, "sim", low).dtype == low


def test_float64_and_integers_are_left_alone():
    with lampas.autocast("cpu"):
        assert (A.double() @ B.double()).dtype == lampas.float64
        assert (CLASSES @ CLASSES).dtype == lampas.int64
        assert F.mse_loss(A.double(), B.double()).dtype == lampas.float64


def test_the_result_is_that_of_rounded_operands():
    with lampas.autocast("cpu"):
        product = A @ B
    expected = (A.bfloat16().float() @ B.bfloat16().float()).bfloat16()
    assert product.tolist() == expected.tolist()

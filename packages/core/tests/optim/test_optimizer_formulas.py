"""The other optimizers against their papers' formulas, written out in float64."""

import itertools

import numpy as np
import pytest

import lampas
from lampas import optim

START = np.array([[1.0, -2.0, 0.5], [0.0, 3.0, -0.25]])
SCALE = np.arange(1.0, 7.0).reshape(2, 3)


def gradient(p):
    """Of ``0.5 * sum(a * p**2) + sum(sin(p))`` with unequal ``a``."""
    return SCALE * p + np.cos(p)


def train(make, steps=6, dtype=lampas.float64, p=None, optimizer=None):
    """Parameters after each step on the function whose gradient stands above."""
    if p is None:
        p = lampas.tensor(START, dtype=dtype, requires_grad=True)
        optimizer = make([p])
    a = lampas.tensor(SCALE, dtype=dtype)
    history = []
    for _ in range(steps):
        optimizer.zero_grad()
        (0.5 * a * p * p + p.sin()).sum().backward()
        optimizer.step()
        history.append(p.detach().double().numpy().copy())
    return history, p, optimizer


def decayed(p, decay, maximize):
    g = -gradient(p) if maximize else gradient(p)
    return g + decay * p


def adadelta(lr=1.0, rho=0.9, eps=1e-6, weight_decay=0.0, maximize=False):
    p, s, a = START, 0.0, 0.0
    while True:
        g = decayed(p, weight_decay, maximize)
        s = rho * s + (1 - rho) * g**2
        d = np.sqrt(a + eps) / np.sqrt(s + eps) * g
        a = rho * a + (1 - rho) * d**2
        p = p - lr * d
        yield p


def adafactor(
    lr=0.01, beta2_decay=-0.8, eps=(None, 1e-3), d=1.0, weight_decay=0.0, maximize=False
):
    p, rows, columns = START, np.zeros((2, 1)), np.zeros((1, 3))
    small = np.finfo(np.float64).eps if eps[0] is None else eps[0]
    for t in itertools.count(1):
        g = decayed(p, 0.0, maximize)
        b = t**beta2_decay
        size = max(eps[1], np.sqrt(np.mean(p**2))) * min(lr, 1 / np.sqrt(t))
        rows = (1 - b) * rows + b * np.mean(g**2, 1, keepdims=True)
        columns = (1 - b) * columns + b * np.mean(g**2, 0, keepdims=True)
        v = rows @ columns / max(rows.mean(), small)
        u = g / np.sqrt(np.maximum(v, small**2))
        u = u / max(1.0, np.sqrt(np.mean(u**2)) / d)
        p = p * (1 - lr * weight_decay) - size * u
        yield p


def adagrad(
    lr=0.01,
    lr_decay=0.0,
    weight_decay=0.0,
    initial_accumulator_value=0.0,
    eps=1e-10,
    maximize=False,
):
    p, s = START, initial_accumulator_value
    for t in itertools.count(1):
        g = decayed(p, weight_decay, maximize)
        s = s + g**2
        p = p - lr / (1 + (t - 1) * lr_decay) * g / (np.sqrt(s) + eps)
        yield p


def adamax(lr=2e-3, betas=(0.9, 0.999), eps=1e-8, weight_decay=0.0, maximize=False):
    p, m, u = START, 0.0, 0.0
    for t in itertools.count(1):
        g = decayed(p, weight_decay, maximize)
        m = betas[0] * m + (1 - betas[0]) * g
        u = np.maximum(betas[1] * u, np.abs(g) + eps)
        p = p - lr / (1 - betas[0] ** t) * m / u
        yield p


def asgd(lr=0.01, lambd=1e-4, alpha=0.75, t0=1e6, weight_decay=0.0, maximize=False):
    p, eta = START, lr
    for t in itertools.count(1):
        g = decayed(p, weight_decay, maximize)
        # Rates are kept in float32, as PyTorch keeps them.
        eta = float(np.float32(eta))
        p = p * (1 - lambd * eta) - eta * g
        eta = lr / (1 + lambd * lr * t) ** alpha
        yield p


def nadam(
    lr=2e-3,
    betas=(0.9, 0.999),
    eps=1e-8,
    weight_decay=0.0,
    momentum_decay=4e-3,
    decoupled_weight_decay=False,
    maximize=False,
):
    p, m, v, product = START, 0.0, 0.0, 1.0

    def mu(t):
        return betas[0] * (1 - 0.5 * 0.96 ** (t * momentum_decay))

    for t in itertools.count(1):
        g = decayed(p, 0.0 if decoupled_weight_decay else weight_decay, maximize)
        if decoupled_weight_decay:
            p = p * (1 - lr * weight_decay)
        product *= mu(t)
        m = betas[0] * m + (1 - betas[0]) * g
        v = betas[1] * v + (1 - betas[1]) * g**2
        ahead = mu(t + 1) / (1 - product * mu(t + 1)) * m
        h = (1 - mu(t)) / (1 - product) * g + ahead
        p = p - lr * h / (np.sqrt(v / (1 - betas[1] ** t)) + eps)
        yield p


def radam(
    lr=1e-3,
    betas=(0.9, 0.999),
    eps=1e-8,
    weight_decay=0.0,
    decoupled_weight_decay=False,
    maximize=False,
):
    p, m, v = START, 0.0, 0.0
    r = 2 / (1 - betas[1]) - 1
    for t in itertools.count(1):
        g = decayed(p, 0.0 if decoupled_weight_decay else weight_decay, maximize)
        if decoupled_weight_decay:
            p = p * (1 - lr * weight_decay)
        m = betas[0] * m + (1 - betas[0]) * g
        v = betas[1] * v + (1 - betas[1]) * g**2
        step = lr * m / (1 - betas[0] ** t)
        q = r - 2 * t * betas[1] ** t / (1 - betas[1] ** t)
        if q > 5:
            step = step * np.sqrt(1 - betas[1] ** t) / (np.sqrt(v) + eps)
            above = (q - 4) * (q - 2) * r
            step = step * np.sqrt(above / ((r - 4) * (r - 2) * q))
        p = p - step
        yield p


def rmsprop(
    lr=0.01,
    alpha=0.99,
    eps=1e-8,
    weight_decay=0.0,
    momentum=0.0,
    centered=False,
    maximize=False,
):
    p, s, m, v = START, 0.0, 0.0, 0.0
    while True:
        g = decayed(p, weight_decay, maximize)
        s = alpha * s + (1 - alpha) * g**2
        m = alpha * m + (1 - alpha) * g
        root = np.sqrt(s - m**2 if centered else s) + eps
        v = momentum * v + g / root
        p = p - lr * v
        yield p


def rprop(lr=0.01, etas=(0.5, 1.2), step_sizes=(1e-6, 50), maximize=False):
    p, before, size = START, np.zeros((2, 3)), np.full((2, 3), lr)
    while True:
        g = decayed(p, 0.0, maximize)
        for i in np.ndindex(2, 3):
            turn = g[i] * before[i]
            size[i] *= etas[1] if turn > 0 else etas[0] if turn < 0 else 1.0
            size[i] = min(max(size[i], step_sizes[0]), step_sizes[1])
            g[i] = 0.0 if turn < 0 else g[i]
        p = p - np.sign(g) * size
        before = g
        yield p


CASES = [
    (optim.Adadelta, adadelta, [{}, {"lr": 0.5, "rho": 0.7, "eps": 1e-3}]),
    (optim.Adadelta, adadelta, [{"weight_decay": 0.1, "maximize": True}]),
    (optim.Adafactor, adafactor, [{}, {"lr": 0.3, "beta2_decay": -0.5, "d": 1.5}]),
    (optim.Adafactor, adafactor, [{"lr": 0.3, "eps": (0.1, 0.5), "weight_decay": 0.1}]),
    (optim.Adafactor, adafactor, [{"maximize": True}]),
    (optim.Adagrad, adagrad, [{}, {"lr": 0.5, "lr_decay": 0.1, "eps": 0.1}]),
    (optim.Adagrad, adagrad, [{"initial_accumulator_value": 0.5, "weight_decay": 0.2}]),
    (optim.Adagrad, adagrad, [{"maximize": True}]),
    (optim.Adamax, adamax, [{}, {"lr": 0.1, "betas": (0.5, 0.6), "eps": 0.1}]),
    (optim.Adamax, adamax, [{"lr": 0.1, "weight_decay": 0.3, "maximize": True}]),
    (optim.ASGD, asgd, [{}, {"lr": 0.05, "lambd": 0.3, "alpha": 0.9}]),
    (optim.ASGD, asgd, [{"weight_decay": 0.2, "maximize": True}]),
    (optim.NAdam, nadam, [{}, {"lr": 0.1, "betas": (0.5, 0.6), "momentum_decay": 0.3}]),
    (optim.NAdam, nadam, [{"lr": 0.1, "weight_decay": 0.3, "eps": 0.1}]),
    (optim.NAdam, nadam, [{"weight_decay": 0.3, "decoupled_weight_decay": True}]),
    (optim.NAdam, nadam, [{"maximize": True}]),
    (optim.RAdam, radam, [{}, {"lr": 0.1, "betas": (0.5, 0.9), "eps": 0.1}]),
    (optim.RAdam, radam, [{"lr": 0.1, "weight_decay": 0.3}, {"maximize": True}]),
    (optim.RAdam, radam, [{"weight_decay": 0.3, "decoupled_weight_decay": True}]),
    (optim.RMSprop, rmsprop, [{}, {"alpha": 0.5, "eps": 0.1, "weight_decay": 0.1}]),
    (optim.RMSprop, rmsprop, [{"momentum": 0.9}, {"centered": True}]),
    (optim.RMSprop, rmsprop, [{"momentum": 0.9, "centered": True, "maximize": True}]),
    (optim.Rprop, rprop, [{}, {"lr": 0.3, "etas": (0.3, 2.0)}]),
    (optim.Rprop, rprop, [{"lr": 0.5, "step_sizes": (0.2, 0.6)}, {"maximize": True}]),
]
CASES = [
    pytest.param(kind, formula, options, id=f"{kind.__name__}-{options}")
    for kind, formula, many in CASES
    for options in many
]


@pytest.mark.parametrize(("kind", "formula", "options"), CASES)
def test_formula(kind, formula, options):
    history, _, _ = train(lambda ps: kind(ps, **options), steps=9)
    # Some keep factors in float32, as PyTorch does.
    loose = 1e-6 if kind in (optim.NAdam, optim.ASGD) else 1e-11
    for got, want in zip(history, formula(**options)):
        np.testing.assert_allclose(got, want, rtol=loose, atol=loose)


def test_asgd_averages_from_t0():
    history, p, optimizer = train(lambda ps: optim.ASGD(ps, 0.05, t0=3), steps=7)
    # At step 4 the weight is still 1; from then on 1/1, 1/2, 1/3.
    want = history[4]
    for k, at in enumerate(history[5:], 2):
        want = want + (at - want) / k
    np.testing.assert_allclose(optimizer.state[p]["ax"].numpy(), want, rtol=1e-6)


def test_adafactor_of_vectors_keeps_every_square():
    p = lampas.tensor([1.0, -2.0], dtype=lampas.float64, requires_grad=True)
    optimizer = optim.Adafactor([p], lr=0.1)
    want, v = np.array([1.0, -2.0]), 0.0
    for t in range(1, 4):
        g = 3 * want
        p.grad = lampas.tensor(g)
        optimizer.step()
        b = t**-0.8
        v = (1 - b) * v + b * g**2
        u = g / np.sqrt(v)
        size = np.sqrt(np.mean(want**2)) * min(0.1, 1 / np.sqrt(t))
        want = want - size * u / max(1.0, np.sqrt(np.mean(u**2)))
        np.testing.assert_allclose(p.detach().numpy(), want, rtol=1e-12)


# ---- Muon


def test_muon_steps_by_an_orthogonal_matrix():
    rng = np.random.default_rng(0)
    for shape in ((4, 9), (9, 4), (5, 5)):
        p = lampas.zeros(*shape, dtype=lampas.float64, requires_grad=True)
        optimizer = optim.Muon([p], lr=1.0, weight_decay=0.0, ns_steps=8)
        p.grad = lampas.tensor(rng.standard_normal(shape))
        optimizer.step()
        rows, columns = shape
        values = np.linalg.svd(p.detach().numpy(), compute_uv=False)
        values = values / np.sqrt(max(1, rows / columns))
        # The coefficients of the iteration bring them near one, not to it.
        assert np.all((values > 0.6) & (values < 1.3))
        u, _, vt = np.linalg.svd(p.grad.numpy(), full_matrices=False)
        projected = u.T @ p.detach().numpy() @ vt.T
        off_diagonal = projected - np.diag(np.diag(projected))
        assert np.abs(off_diagonal).max() < 1e-4


@pytest.mark.parametrize("nesterov", [True, False])
@pytest.mark.parametrize("rate", [None, "original", "match_rms_adamw"])
def test_muon_formula(nesterov, rate):
    def make(ps):
        return optim.Muon(
            ps, 0.1, 0.2, 0.7, nesterov, adjust_lr_fn=rate, ns_steps=3, eps=1e-3
        )

    history, _, _ = train(make, steps=3)
    p, m = START, 0.0
    for got in history:
        g = gradient(p)
        m = 0.7 * m + 0.3 * g
        x = 0.7 * m + 0.3 * g if nesterov else m
        x = x / np.linalg.norm(x)
        for _ in range(3):
            gram = x @ x.T
            x = 3.4445 * x + (-4.775 * gram + 2.0315 * gram @ gram) @ x
        scale = 0.2 * np.sqrt(3) if rate == "match_rms_adamw" else 1.0
        p = p * (1 - 0.1 * 0.2) - 0.1 * scale * x
        np.testing.assert_allclose(got, p, rtol=1e-5, atol=1e-5)


# ---- what all have in common

MAKERS = {
    "sgd": lambda ps: optim.SGD(ps, 0.05, momentum=0.9),
    "adadelta": lambda ps: optim.Adadelta(ps, 0.5),
    "adafactor": lambda ps: optim.Adafactor(ps, 0.1),
    "adagrad": lambda ps: optim.Adagrad(ps, 0.1),
    "adam": lambda ps: optim.Adam(ps, 0.05, amsgrad=True),
    "adamax": lambda ps: optim.Adamax(ps, 0.05),
    "asgd": lambda ps: optim.ASGD(ps, 0.05, t0=2),
    "muon": lambda ps: optim.Muon(ps, 0.05),
    "nadam": lambda ps: optim.NAdam(ps, 0.05),
    "radam": lambda ps: optim.RAdam(ps, 0.05),
    "rmsprop": lambda ps: optim.RMSprop(ps, 0.05, momentum=0.5, centered=True),
    "rprop": lambda ps: optim.Rprop(ps, 0.05),
}
ALL = pytest.mark.parametrize("name", MAKERS)
COMPLEX = [name for name in MAKERS if name not in ("adafactor", "muon")]


@ALL
@pytest.mark.parametrize("dtype", [lampas.float32, lampas.bfloat16, lampas.float64])
def test_state_goes_on_to_the_bit(name, dtype, tmp_path):
    make = MAKERS[name]
    whole, _, _ = train(make, steps=8, dtype=dtype)
    half, p, optimizer = train(make, steps=4, dtype=dtype)
    lampas.save(optimizer.state_dict(), tmp_path / "state.pt")
    q = p.detach().clone().requires_grad_()
    other = make([q])
    other.load_state_dict(lampas.load(tmp_path / "state.pt"))
    rest, _, _ = train(make, steps=4, dtype=dtype, p=q, optimizer=other)
    np.testing.assert_array_equal(np.stack(half + rest), np.stack(whole))


@ALL
@pytest.mark.parametrize("dtype", [lampas.float16, lampas.bfloat16])
def test_half_precision_follows(name, dtype):
    exact, _, _ = train(MAKERS[name])
    history, p, optimizer = train(MAKERS[name], dtype=dtype)
    assert p.dtype is dtype
    tolerance = 0.02 if dtype is lampas.float16 else 0.1
    np.testing.assert_allclose(history[-1], exact[-1], rtol=tolerance, atol=tolerance)
    own = {"step", "eta", "mu", "mu_product"}
    kinds = {k: v.dtype for k, v in optimizer.state[p].items() if k not in own}
    assert set(kinds.values()) <= {dtype}


@pytest.mark.parametrize("name", COMPLEX)
def test_complex_parameters_are_pairs_of_real_ones(name):
    rng = np.random.default_rng(0)
    z = rng.standard_normal(4) + 1j * rng.standard_normal(4)
    grads = [rng.standard_normal(4) + 1j * rng.standard_normal(4) for _ in range(4)]

    def stepped(data, grads):
        p = lampas.tensor(data).requires_grad_()
        optimizer = MAKERS[name]([p])
        for g in grads:
            p.grad = lampas.tensor(g)
            optimizer.step()
        return p.detach().numpy()

    both = stepped(z, grads)
    real = stepped(z.real.copy(), [g.real.copy() for g in grads])
    imaginary = stepped(z.imag.copy(), [g.imag.copy() for g in grads])
    # Kernels step real ones only, and round products once with their sums.
    np.testing.assert_allclose(both, real + 1j * imaginary, rtol=1e-14)


@pytest.mark.parametrize("name", ["adafactor", "muon"])
def test_complex_parameters_are_refused(name):
    p = lampas.ones(2, 2, dtype=lampas.complex64, requires_grad=True)
    optimizer = MAKERS[name]([p])
    p.grad = lampas.ones(2, 2, dtype=lampas.complex64)
    with pytest.raises(RuntimeError, match="takes real parameters"):
        optimizer.step()


@pytest.mark.parametrize("name", [n for n in MAKERS if n != "muon"])
def test_parameters_without_dimensions(name):
    p, q = lampas.tensor(2.0, requires_grad=True), lampas.tensor([2.0])
    q.requires_grad_()
    one, other = MAKERS[name]([p]), MAKERS[name]([q])
    for _ in range(3):
        for x, optimizer in ((p, one), (q, other)):
            optimizer.zero_grad()
            (x * x).sum().backward()
            optimizer.step()
    assert p.shape == ()
    assert p.item() == q.item()


@ALL
def test_on_a_device(name):
    on_host, _, _ = train(MAKERS[name], steps=3)
    p = lampas.tensor(START, device="sim", requires_grad=True)
    optimizer = MAKERS[name]([p])
    a = lampas.tensor(SCALE, device="sim")
    for _ in range(3):
        optimizer.zero_grad()
        (0.5 * a * p * p + p.sin()).sum().backward()
        optimizer.step()
    assert p.device.type == "sim"
    # Kernels, which a device has not, round products once with their sums; Muon
    # iterates in float32.
    loose = 1e-5 if name == "muon" else 1e-14
    np.testing.assert_allclose(p.detach().cpu().numpy(), on_host[-1], rtol=loose)


@ALL
def test_tensor_rates_can_be_changed_in_place(name):
    exact, p, optimizer = train(MAKERS[name], steps=2)
    rate = optimizer.param_groups[0]["lr"]
    q = lampas.tensor(START, requires_grad=True)
    other = MAKERS[name]([q])
    other.param_groups[0]["lr"] = held = lampas.tensor(rate, dtype=lampas.float64)
    history, _, _ = train(None, 2, p=q, optimizer=other)
    np.testing.assert_array_equal(history, exact)
    held.fill_(0.0)
    before = q.detach().clone()
    train(None, 1, p=q, optimizer=other)
    if name not in ("asgd", "rprop"):  # their first rate is in the state
        np.testing.assert_array_equal(q.detach().numpy(), before.numpy())


STATES = {
    "sgd": ["momentum_buffer"],
    "adadelta": ["step", "square_avg", "acc_delta"],
    "adafactor": ["step", "row_var", "col_var"],
    "adagrad": ["step", "sum"],
    "adam": ["step", "exp_avg", "exp_avg_sq", "max_exp_avg_sq"],
    "adamax": ["step", "exp_avg", "exp_inf"],
    "asgd": ["step", "eta", "mu", "ax"],
    "muon": ["momentum_buffer"],
    "nadam": ["step", "mu_product", "exp_avg", "exp_avg_sq"],
    "radam": ["step", "exp_avg", "exp_avg_sq"],
    "rmsprop": ["step", "square_avg", "momentum_buffer", "grad_avg"],
    "rprop": ["step", "prev", "step_size"],
}


@ALL
def test_keys_and_shapes_of_the_state_are_pytorchs(name):
    _, _, optimizer = train(MAKERS[name], steps=2, dtype=lampas.float32)
    state = optimizer.state_dict()["state"][0]
    assert list(state) == STATES[name]
    for key, value in state.items():
        numbers = {"step": (), "eta": (), "mu": (), "mu_product": ()}
        shapes = {**numbers, "row_var": (2, 1), "col_var": (1, 3)}
        assert tuple(value.shape) == shapes.get(key, (2, 3))
        assert value.dtype is lampas.float32


def test_adagrad_has_its_sums_before_the_first_step():
    p = lampas.ones(2, dtype=lampas.complex64, requires_grad=True)
    optimizer = optim.Adagrad([p], initial_accumulator_value=0.5)
    assert optimizer.state[p]["sum"].tolist() == [0.5 + 0.5j] * 2


BAD = [
    (lambda p: optim.Adadelta([p], rho=1.1), ValueError, r"rho must be in \[0, 1\]"),
    (lambda p: optim.Adafactor([p], beta2_decay=0.8), ValueError, "beta2_decay must"),
    (lambda p: optim.Adafactor([p], d=0.5), ValueError, "d must be >= 1, got 0.5"),
    (lambda p: optim.Adafactor([p], eps=(-1, 0)), ValueError, r"eps\[0\] must be >= 0"),
    (lambda p: optim.Adagrad([p], lr_decay=-0.5), ValueError, "lr_decay must be >= 0"),
    (lambda p: optim.Adamax([p], betas=(0.0, 1.0)), ValueError, r"betas\[1\] must be"),
    (lambda p: optim.ASGD([p], weight_decay=-1), ValueError, "weight_decay must be"),
    (lambda p: optim.NAdam([p], momentum_decay=-0.2), ValueError, "momentum_decay"),
    (lambda p: optim.RAdam([p], eps=float("nan")), ValueError, "eps must be >= 0"),
    (lambda p: optim.RMSprop([p], momentum=-1.0), ValueError, "momentum must be >= 0"),
    (lambda p: optim.Rprop([p], etas=(1.0, 0.5)), ValueError, "etas must be"),
    (lambda p: optim.Muon([p[0]]), ValueError, r"takes matrices.*shape \(2,\)"),
    (lambda p: optim.Muon([p], ns_steps=100), ValueError, "ns_steps must be below"),
    (lambda p: optim.Muon([p], adjust_lr_fn="x"), ValueError, "adjust_lr_fn must be"),
    (lambda p: optim.Muon([p], ns_coefficients=(1, 2)), ValueError, "three numbers"),
    (lambda p: optim.Rprop([p], lr=lampas.ones(2)), ValueError, "tensor of one elem"),
    (lambda p: optim.Adam([p], fused=True, foreach=True), ValueError, "both be True"),
    (lambda p: optim.SGD([p], differentiable=True), RuntimeError, "not supported"),
    (
        lambda p: optim.Adam([p], lampas.tensor(0.1), foreach=True),
        ValueError,
        "needs capturable=True",
    ),
]


@pytest.mark.parametrize(("make", "error", "text"), BAD, ids=[b[2] for b in BAD])
def test_bad_options(make, error, text):
    with pytest.raises(error, match=text):
        make(lampas.ones(2, 2))

"""L-BFGS: exactness on quadratics, Rosenbrock's valley, its state, line searches."""

import numpy as np
import pytest

import lampas
from lampas.optim import LBFGS
from lampas.optim._line_search import Point, strong_wolfe


def leaf(values, dtype=lampas.float64):
    return lampas.tensor(values, dtype=dtype, requires_grad=True)


def closure_of(optimizer, loss_of, seen=None):
    def closure():
        optimizer.zero_grad()
        loss = loss_of()
        loss.backward()
        if seen is not None:
            seen.append(loss.item())
        return loss

    return closure


def bowl(x, y):
    """A quadratic of two parameters whose minimum is known."""
    target = lampas.tensor([1.0, -2.0, 3.0], dtype=x.dtype)
    weights = lampas.tensor([1.0, 10.0, 100.0], dtype=x.dtype)
    return (weights * (x - target) ** 2).sum() + (y - 0.5).square().sum() + x[0] * y[0]


def solution():
    """Where the bowl's gradient is zero, by elimination."""
    y = (2 * 0.5 - 1.0) / (2 - 0.5)
    return [1.0 - y / 2, -2.0, 3.0], [y]


@pytest.mark.parametrize("search", [None, "strong_wolfe"])
def test_quadratic(search):
    x, y = leaf([5.0, 5.0, 5.0]), leaf([5.0])
    options = {"max_iter": 100, "tolerance_change": 1e-14}
    optimizer = LBFGS([x, y], line_search_fn=search, **options)
    start = optimizer.step(closure_of(optimizer, lambda: bowl(x, y)))
    assert start.item() == pytest.approx(16 + 490 + 400 + 20.25 + 25)
    wanted_x, wanted_y = solution()
    np.testing.assert_allclose(x.tolist(), wanted_x, atol=1e-6)
    np.testing.assert_allclose(y.tolist(), wanted_y, atol=1e-6)


def rosenbrock(x):
    return (100 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2).sum()


@pytest.mark.parametrize("size", [2, 6])
def test_rosenbrock(size):
    x = leaf(np.linspace(-1.2, 1.0, size))
    options = {"max_iter": 200, "max_eval": 400, "tolerance_change": 1e-14}
    optimizer = LBFGS([x], line_search_fn="strong_wolfe", **options)
    optimizer.step(closure_of(optimizer, lambda: rosenbrock(x)))
    np.testing.assert_allclose(x.tolist(), np.ones(size), atol=1e-5)


def test_one_step_is_one_run_cut_in_pieces():
    whole, pieces = leaf([-1.2, 1.0]), leaf([-1.2, 1.0])
    options = {"line_search_fn": "strong_wolfe", "max_eval": 1000}
    one = LBFGS([whole], max_iter=12, **options)
    one.step(closure_of(one, lambda: rosenbrock(whole)))
    three = LBFGS([pieces], max_iter=4, **options)
    for _ in range(3):
        three.step(closure_of(three, lambda: rosenbrock(pieces)))
    np.testing.assert_allclose(pieces.tolist(), whole.tolist(), rtol=1e-9)


def test_first_step_is_along_the_gradient():
    x = leaf([3.0, -4.0])
    optimizer = LBFGS([x], lr=0.5, max_iter=1)
    optimizer.step(closure_of(optimizer, lambda: (x * x).sum()))
    # Of length min(1, 1 / sum(abs(g))) * lr.
    np.testing.assert_allclose(x.tolist(), [3 - 0.5 * 6 / 14, -4 + 0.5 * 8 / 14])


def by_matrices(x, slope, lr, count):
    """The places of L-BFGS, whose estimate is here a matrix: Nocedal's BFGS update."""
    found, pairs, g = [], [], slope(x)
    for step in range(count):
        inverse = np.eye(len(x))
        if pairs:
            s, y = pairs[-1]
            inverse *= (s @ y) / (y @ y)
        for s, y in pairs:
            turn = np.eye(len(x)) - np.outer(y, s) / (s @ y)
            inverse = turn.T @ inverse @ turn + np.outer(s, s) / (s @ y)
        length = lr if step else lr * min(1.0, 1.0 / np.abs(g).sum())
        move = -length * inverse @ g
        x, before = x + move, g
        g = slope(x)
        if move @ (g - before) > 1e-10:
            pairs.append((move, g - before))
        found.append(x)
    return found


@pytest.mark.parametrize("lr", [0.01, 0.3, 1.0])
def test_steps_of_a_given_length(lr):
    weights = np.array([1.0, 3.0, 10.0, 0.2])
    start = np.array([2.0, -1.0, 0.5, 3.0])
    # The slope of sum(weights * log(cosh(x)) + x ** 4 / 4).
    right = by_matrices(start, lambda x: weights * np.tanh(x) + x**3, lr, 12)
    x = leaf(start)
    optimizer = LBFGS([x], lr=lr, max_iter=4)

    def loss_of():
        return (lampas.tensor(weights) * x.cosh().log() + x**4 / 4).sum()

    for i in range(3):
        optimizer.step(closure_of(optimizer, loss_of))
        np.testing.assert_allclose(x.tolist(), right[4 * i + 3], rtol=1e-8)


def test_history_is_bounded():
    x = leaf(np.linspace(-1.2, 1.0, 5))
    optimizer = LBFGS([x], max_iter=20, history_size=3, line_search_fn="strong_wolfe")
    optimizer.step(closure_of(optimizer, lambda: rosenbrock(x)))
    state = optimizer.state[x]
    assert [len(state[k]) for k in ("old_dirs", "old_stps", "ro")] == [3, 3, 3]


def test_evaluations_are_counted_and_bounded():
    x, seen = leaf([-1.2, 1.0]), []
    optimizer = LBFGS([x], max_iter=50, max_eval=7)
    optimizer.step(closure_of(optimizer, lambda: rosenbrock(x), seen))
    assert len(seen) == 7
    assert optimizer.state[x]["func_evals"] == 7
    optimizer = LBFGS([x], max_iter=8)
    assert optimizer.param_groups[0]["max_eval"] == 10


def test_starting_at_the_minimum_moves_nothing():
    x = leaf([0.0, 0.0])
    optimizer = LBFGS([x])
    optimizer.step(closure_of(optimizer, lambda: (x * x).sum()))
    assert x.tolist() == [0.0, 0.0]
    assert optimizer.state[x] == {"func_evals": 1, "n_iter": 0}


@pytest.mark.parametrize("search", [None, "strong_wolfe"])
@pytest.mark.parametrize("dtype", [lampas.float64, lampas.float32])
def test_state_goes_on_to_the_bit(search, dtype, tmp_path):
    def make(x):
        return LBFGS([x], lr=0.1, max_iter=3, line_search_fn=search)

    def run(x, optimizer, steps):
        closure = closure_of(optimizer, lambda: rosenbrock(x))
        for _ in range(steps):
            optimizer.step(closure)

    whole = leaf([-1.2, 1.0, 0.3], dtype)
    run(whole, make(whole), 6)
    half = leaf([-1.2, 1.0, 0.3], dtype)
    optimizer = make(half)
    run(half, optimizer, 3)
    lampas.save(optimizer.state_dict(), tmp_path / "state.pt")
    rest = half.detach().clone().requires_grad_()
    other = make(rest)
    other.load_state_dict(lampas.load(tmp_path / "state.pt"))
    run(rest, other, 3)
    np.testing.assert_array_equal(rest.detach().numpy(), whole.detach().numpy())


def test_keys_of_the_state_are_pytorchs():
    x = leaf([-1.2, 1.0])
    optimizer = LBFGS([x], max_iter=3)
    optimizer.step(closure_of(optimizer, lambda: rosenbrock(x)))
    state = optimizer.state_dict()["state"][0]
    assert set(state) == {
        "func_evals",
        "n_iter",
        "d",
        "t",
        "old_dirs",
        "old_stps",
        "ro",
        "H_diag",
        "prev_flat_grad",
        "prev_loss",
    }
    assert state["d"].shape == (2,)
    assert state["old_dirs"][0].shape == (2,)
    assert state["ro"][0].shape == ()


@pytest.mark.parametrize("search", [None, "strong_wolfe"])
def test_complex_parameters(search):
    z = lampas.tensor([3.0 + 1.0j, -2.0j], dtype=lampas.complex128, requires_grad=True)
    wanted = lampas.tensor([1.0 + 2.0j, 0.5 - 0.5j], dtype=lampas.complex128)
    optimizer = LBFGS([z], line_search_fn=search)
    distance = closure_of(optimizer, lambda: (z - wanted).abs().square().sum())
    optimizer.step(distance)
    np.testing.assert_allclose(z.tolist(), wanted.tolist(), atol=1e-6)


def test_parameters_of_several_kinds():
    """Half precision is computed in float32; a parameter without gradient stays."""
    a, b = leaf([3.0], lampas.float16), leaf([[2.0]], lampas.float32)
    c, d = leaf(4.0, lampas.float32), leaf([7.0], lampas.float32)
    optimizer = LBFGS([a, b, c, d], line_search_fn="strong_wolfe")

    def loss():
        return (a.float() ** 2).sum() + (b**2).sum() + (c - 1) ** 2

    optimizer.step(closure_of(optimizer, loss))
    np.testing.assert_allclose([a.item(), b.item(), c.item()], [0, 0, 1], atol=1e-3)
    assert d.item() == 7.0


def test_on_a_device():
    x = lampas.tensor([-1.2, 1.0], device="sim", requires_grad=True)
    optimizer = LBFGS([x], max_iter=100, max_eval=200, line_search_fn="strong_wolfe")
    optimizer.step(closure_of(optimizer, lambda: rosenbrock(x)))
    np.testing.assert_allclose(x.detach().cpu().numpy(), [1, 1], atol=1e-2)


@pytest.mark.parametrize("first", [1e-3, 0.1, 1.0, 30.0])
def test_line_search_meets_the_conditions(first):
    def at(t):
        # A valley with a ripple, falling from t = 0.
        value = (t - 3) ** 2 + 0.5 * np.cos(4 * t)
        return Point(t, value, None, 2 * (t - 3) - 2 * np.sin(4 * t))

    start = at(0.0)
    found = strong_wolfe(at, start, first, 1.0, 1e-9, 25)
    assert found.loss <= start.loss + 1e-4 * found.t * start.slope
    assert abs(found.slope) <= 0.9 * abs(start.slope)


def test_line_search_ends_where_the_function_has_no_floor():
    def at(t):
        return Point(t, -t, None, -1.0)

    calls = []
    found = strong_wolfe(lambda t: calls.append(t) or at(t), at(0.0), 1.0, 1.0, 1e-9, 5)
    assert len(calls) == 6
    assert found.t == max(calls)


BAD = [
    (lambda x: LBFGS([x], lr=-1), ValueError, "lr must be >= 0"),
    (lambda x: LBFGS([x], line_search_fn="armijo"), ValueError, "'strong_wolfe'"),
    (lambda x: LBFGS([x]).step(), TypeError, "needs a closure"),
    (lambda x: LBFGS([{"params": [x]}, {"params": [leaf([1.0])]}]), ValueError, "one"),
    (lambda x: LBFGS([x]).add_param_group({"params": [leaf([1.0])]}), ValueError, "a"),
]


@pytest.mark.parametrize(("make", "error", "text"), BAD)
def test_bad_arguments(make, error, text):
    with pytest.raises(error, match=text):
        make(leaf([1.0]))

"""GradScaler: steps left out, factors, states."""

import pytest

import lampas
from lampas import optim

inf = float("inf")


def _weight(grad, lr=0.5):
    weight = lampas.tensor([1.0, 2.0], requires_grad=True)
    weight.grad = lampas.tensor(grad)
    return weight, optim.SGD([weight], lr=lr)


def _scaler(**settings):
    return lampas.GradScaler("cpu", **{"init_scale": 8.0, **settings})


def test_gradients_are_divided_by_the_factor():
    weight, optimizer = _weight([8.0, 16.0])
    scaler = _scaler()
    assert scaler.scale(lampas.tensor(2.0)).item() == 16.0
    scaler.step(optimizer)
    scaler.update()
    assert weight.tolist() == [0.5, 1.0] and weight.grad.tolist() == [1.0, 2.0]
    assert scaler.get_scale() == 8.0


@pytest.mark.parametrize("bad", [inf, -inf, float("nan")])
def test_a_step_with_gradients_that_are_not_finite_is_left_out(bad):
    weight, optimizer = _weight([8.0, bad])
    scaler = _scaler()
    assert scaler.step(optimizer) is None
    scaler.update()
    assert weight.tolist() == [1.0, 2.0] and scaler.get_scale() == 4.0
    weight.grad = lampas.tensor([4.0, 4.0])
    scaler.step(optimizer)
    assert weight.tolist() == [0.5, 1.5]


def test_the_factor_grows_after_an_interval():
    scaler = _scaler(growth_interval=2, growth_factor=3.0)
    _, optimizer = _weight([0.0, 0.0])
    scales = []
    for grad in [1.0, 1.0, 1.0, inf, 1.0, 1.0]:
        _, optimizer = _weight([grad, 0.0])
        scaler.step(optimizer)
        scaler.update()
        scales.append(scaler.get_scale())
    assert scales == [8.0, 24.0, 24.0, 12.0, 12.0, 36.0]


def test_the_factor_stays_finite():
    scaler = _scaler(init_scale=2.0**127, growth_interval=1)
    _, optimizer = _weight([0.0, 0.0])
    scaler.step(optimizer)
    scaler.update()
    assert scaler.get_scale() == 2.0**127


def test_gradients_are_clipped_after_unscaling():
    weight, optimizer = _weight([24.0, 32.0])
    scaler = _scaler()
    scaler.unscale_(optimizer)
    norm = lampas.nn.utils.clip_grad_norm_([weight], 1.0)
    assert norm.item() == pytest.approx(5.0)
    scaler.step(optimizer)
    assert weight.tolist() == pytest.approx([1 - 0.3, 2 - 0.4])


def test_one_optimizer_of_two_is_left_out():
    first, a = _weight([inf, 1.0])
    second, b = _weight([8.0, 8.0])
    scaler = _scaler()
    scaler.step(a)
    scaler.step(b)
    scaler.update()
    assert first.tolist() == [1.0, 2.0] and second.tolist() == [0.5, 1.5]
    assert scaler.get_scale() == 4.0


def test_several_losses():
    scaler = _scaler()
    one = lampas.tensor(1.0)
    assert [x.item() for x in scaler.scale([one, one * 2])] == [8.0, 16.0]
    assert isinstance(scaler.scale((one,)), tuple)
    assert [x.item() for x in scaler.scale(iter([one]))] == [8.0]
    with pytest.raises(ValueError, match="outputs must be a Tensor"):
        scaler.scale(3.0)


def test_the_order_of_calls_is_checked():
    _, optimizer = _weight([1.0, 1.0])
    scaler = _scaler()
    with pytest.raises(RuntimeError, match="no gradient was unscaled"):
        scaler.update()
    scaler.unscale_(optimizer)
    with pytest.raises(RuntimeError, match="already been called"):
        scaler.unscale_(optimizer)
    scaler.step(optimizer)
    with pytest.raises(RuntimeError, match="already been called"):
        scaler.step(optimizer)
    with pytest.raises(RuntimeError, match="after step"):
        scaler.unscale_(optimizer)
    with pytest.raises(RuntimeError, match="closure"):
        scaler.step(optimizer, closure=lambda: 1.0)


def test_half_parameters_are_refused():
    weight = lampas.ones(2, dtype=lampas.float16, requires_grad=True)
    weight.grad = lampas.ones(2, dtype=lampas.float16)
    with pytest.raises(ValueError, match="float16"):
        _scaler().unscale_(optim.SGD([weight], lr=1.0))


@pytest.mark.parametrize("settings", [{"growth_factor": 1.0}, {"backoff_factor": 1.0}])
def test_factors_are_checked(settings):
    with pytest.raises(ValueError, match="_factor must be"):
        _scaler(**settings)


def test_a_scaler_that_is_not_enabled_steps_as_without():
    weight, optimizer = _weight([1.0, inf])
    scaler = _scaler(enabled=False)
    assert scaler.scale(3) == 3 and scaler.get_scale() == 1.0
    scaler.unscale_(optimizer)
    scaler.step(optimizer)
    scaler.update()
    assert weight.tolist() == [0.5, -inf]
    assert scaler.state_dict() == {} and not scaler.is_enabled()
    scaler.load_state_dict({})


def test_a_state_goes_on():
    scaler = _scaler(growth_interval=5)
    for _ in range(2):
        scaler.step(_weight([0.0, 0.0])[1])
        scaler.update()
    state = scaler.state_dict()
    assert state == {
        "scale": 8.0,
        "growth_factor": 2.0,
        "backoff_factor": 0.5,
        "growth_interval": 5,
        "_growth_tracker": 2,
    }
    other = _scaler(init_scale=1.0)
    other.load_state_dict(state)
    assert other.state_dict() == state
    with pytest.raises(RuntimeError, match="not enabled"):
        other.load_state_dict({})
    other.update(new_scale=3.0)
    assert other.get_scale() == 3.0
    other.set_growth_factor(4.0)
    other.set_backoff_factor(0.25)
    other.set_growth_interval(7)
    assert other.get_growth_factor() == 4.0
    assert other.get_backoff_factor() == 0.25
    assert other.get_growth_interval() == 7

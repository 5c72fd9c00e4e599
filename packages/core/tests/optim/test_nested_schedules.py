"""Cyclic rates, schedules in schedules, tensors as rates, and steps in wrong order."""

import math

import pytest

import lampas
from lampas.optim import SGD, Adam
from lampas.optim import lr_scheduler as schedules


def optimizer_of(*rates, kind=SGD, **options):
    groups = [{"params": [lampas.zeros(1, requires_grad=True)], "lr": r} for r in rates]
    return kind(groups, **options)


def rates(make, steps=10):
    optimizer = optimizer_of(1.0)
    scheduler = make(optimizer)
    seen = []
    for _ in range(steps):
        seen.append(optimizer.param_groups[0]["lr"])
        assert scheduler.get_last_lr() == seen[-1:]
        optimizer.step()
        scheduler.step()
    return seen


# ---- cycles


def height(t, up=2, down=3):
    place = t % (up + down)
    return place / up if place <= up else 1 - (place - up) / down


@pytest.mark.parametrize(
    ("options", "scale"),
    [
        ({}, lambda t: 1.0),
        ({"mode": "triangular2"}, lambda t: 0.5 ** (t // 5)),
        ({"mode": "exp_range", "gamma": 0.9}, lambda t: 0.9**t),
        ({"scale_fn": lambda cycle: 1 / cycle}, lambda t: 1 / (1 + t // 5)),
        (
            {"scale_fn": lambda step: 0.8**step, "scale_mode": "iterations"},
            lambda t: 0.8**t,
        ),
    ],
)
@pytest.mark.parametrize("kind", [SGD, Adam])
def test_cyclic(options, scale, kind):
    optimizer = optimizer_of(7.0, 7.0, kind=kind)
    scheduler = schedules.CyclicLR(
        optimizer, [0.1, 0.2], 1.1, 2, 3, base_momentum=0.5, **options
    )
    for t in range(14):
        h = height(t) * scale(t)
        want = [0.1 + h, 0.2 + 0.9 * h]
        assert scheduler.get_last_lr() == pytest.approx(want)
        group = optimizer.param_groups[1]
        momentum = group["momentum"] if kind is SGD else group["betas"][0]
        assert momentum == pytest.approx(0.9 - 0.4 * h)
        optimizer.step()
        scheduler.step()


class Halving:
    """A scale with a state."""

    def __init__(self, factor=0.5):
        self.factor = factor

    def __call__(self, cycle):
        return self.factor**cycle


@pytest.mark.parametrize(
    "make",
    [
        lambda o, f: schedules.CyclicLR(
            o, 0.1, 1.0, 2, scale_fn=f, cycle_momentum=False
        ),
        lambda o, f: schedules.LambdaLR(o, f),
        lambda o, f: schedules.MultiplicativeLR(o, [f]),
    ],
)
def test_callable_objects_are_saved(make, tmp_path):
    optimizer = optimizer_of(1.0)
    scheduler = make(optimizer, Halving(0.25))
    optimizer.step()
    scheduler.step()
    states = {"o": optimizer.state_dict(), "s": scheduler.state_dict()}
    lampas.save(states, tmp_path / "state.pt")
    states = lampas.load(tmp_path / "state.pt")
    other = optimizer_of(1.0)
    again = make(other, Halving(0.9))
    other.load_state_dict(states["o"])
    again.load_state_dict(states["s"])
    for _ in range(4):
        assert again.get_last_lr() == scheduler.get_last_lr()
        for part in (optimizer, other, scheduler, again):
            part.step()


# ---- schedules in schedules


def down(o):
    return schedules.ExponentialLR(o, 0.5)


def held(o, factor, length):
    return schedules.ConstantLR(o, factor, length)


NESTED = {
    "chain of a sequence": (
        lambda o: schedules.ChainedScheduler(
            [schedules.SequentialLR(o, [held(o, 0.1, 9), down(o)], [3]), down(o)]
        ),
        # The sequence sets the rate anew at 3, and halves like the other after it.
        lambda t: 0.1 * 0.5**t if t < 3 else 0.5 ** (2 * (t - 3) + 1),
    ),
    "chain of a chain": (
        lambda o: schedules.ChainedScheduler(
            [schedules.ChainedScheduler([held(o, 0.1, 2), down(o)]), down(o)]
        ),
        lambda t: (0.1 if t < 2 else 1.0) * 0.25**t,
    ),
    "sequence that ends in a sequence": (
        lambda o: schedules.SequentialLR(
            o,
            [down(o), schedules.SequentialLR(o, [held(o, 0.1, 9), down(o)], [3])],
            [4],
        ),
        lambda t: 0.5**t if t < 4 else 0.1 if t < 7 else 0.5 ** (t - 7),
    ),
    "sequence that ends in a chain": (
        lambda o: schedules.SequentialLR(
            o, [down(o), schedules.ChainedScheduler([held(o, 0.1, 2), down(o)])], [4]
        ),
        lambda t: 0.5**t if t < 4 else (0.1 if t < 6 else 1) * 0.5 ** (t - 4),
    ),
    "warm restarts after warming up": (
        lambda o: schedules.SequentialLR(
            o,
            [
                schedules.LinearLR(o, 0.25, 1.0, 3),
                schedules.CosineAnnealingWarmRestarts(o, 2),
            ],
            [3],
        ),
        lambda t: (
            0.25 + 0.25 * t
            if t < 3
            else (1 + math.cos(math.pi * ((t - 3) % 2) / 2)) / 2
        ),
    ),
    "warm restarts first": (
        lambda o: schedules.SequentialLR(
            o, [schedules.CosineAnnealingWarmRestarts(o, 2), down(o)], [4]
        ),
        lambda t: (
            (1 + math.cos(math.pi * (t % 2) / 2)) / 2 if t < 4 else 0.5 ** (t - 4)
        ),
    ),
    "a first schedule of no length": (
        lambda o: schedules.SequentialLR(o, [held(o, 0.1, 9), down(o)], [0]),
        lambda t: 0.5**t,
    ),
}


@pytest.mark.parametrize("name", NESTED)
def test_nested(name):
    make, wanted = NESTED[name]
    assert rates(make) == pytest.approx([wanted(t) for t in range(10)], abs=1e-15)


@pytest.mark.parametrize("done", range(10))
@pytest.mark.parametrize("name", NESTED)
def test_saved_nested_schedules_go_on(name, done, tmp_path):
    make, _ = NESTED[name]
    whole = rates(make)
    optimizer = optimizer_of(1.0)
    scheduler = make(optimizer)
    for _ in range(done):
        optimizer.step()
        scheduler.step()
    states = {"o": optimizer.state_dict(), "s": scheduler.state_dict()}
    lampas.save(states, tmp_path / "state.pt")
    states = lampas.load(tmp_path / "state.pt")
    optimizer = optimizer_of(1.0)
    scheduler = make(optimizer)
    optimizer.load_state_dict(states["o"])
    scheduler.load_state_dict(states["s"])
    for wanted in whole[done:]:
        assert scheduler.get_last_lr() == [wanted]
        optimizer.step()
        scheduler.step()


# ---- going on by last_epoch


@pytest.mark.parametrize(
    "make",
    [
        lambda o, last: schedules.ExponentialLR(o, 0.5, last),
        lambda o, last: schedules.LinearLR(o, 0.1, 1.0, 8, last),
        lambda o, last: schedules.PolynomialLR(o, 8, 2.0, last),
        lambda o, last: schedules.CosineAnnealingLR(o, 8, 0.0, last),
        lambda o, last: schedules.MultiplicativeLR(o, lambda t: 0.9, last),
    ],
)
def test_loaded_rates_are_not_moved_by_a_new_schedule(make):
    optimizer = optimizer_of(1.0)
    scheduler = make(optimizer, -1)
    for _ in range(3):
        optimizer.step()
        scheduler.step()
    at_three = optimizer.param_groups[0]["lr"]
    other = optimizer_of(1.0)
    other.load_state_dict(optimizer.state_dict())
    again = make(other, scheduler.last_epoch - 1)
    assert other.param_groups[0]["lr"] == at_three
    for part in (optimizer, other, scheduler, again):
        part.step()
    assert again.get_last_lr() == pytest.approx(scheduler.get_last_lr())


# ---- tensors as rates


@pytest.mark.parametrize("name", NESTED)
def test_a_tensor_stays_the_rate(name):
    rate = lampas.tensor(1.0, dtype=lampas.float64)
    optimizer = optimizer_of(rate)
    scheduler = NESTED[name][0](optimizer)
    for wanted in rates(NESTED[name][0]):
        assert optimizer.param_groups[0]["lr"] is rate
        assert rate.item() == pytest.approx(wanted, abs=1e-15)
        last = scheduler.get_last_lr()
        assert last[0] is not rate
        optimizer.step()
        scheduler.step()


def test_plateau_fills_a_tensor():
    rate = lampas.tensor(1.0)
    optimizer = optimizer_of(rate)
    scheduler = schedules.ReduceLROnPlateau(optimizer, patience=0, cooldown=1)
    for _ in range(2):
        scheduler.step(lampas.tensor(1.0))
    assert optimizer.param_groups[0]["lr"] is rate
    assert rate.item() == pytest.approx(0.1)
    assert scheduler.in_cooldown


def test_plateau_knows_later_groups():
    optimizer = optimizer_of(1.0)
    one = schedules.ReduceLROnPlateau(optimizer, patience=0, min_lr=0.5)
    each = schedules.ReduceLROnPlateau(optimizer, patience=0, min_lr=[0.5])
    optimizer.add_param_group({"params": [lampas.zeros(1)], "lr": 2.0})
    for _ in range(2):
        one.step(1.0)
    assert [g["lr"] for g in optimizer.param_groups] == [0.5, 0.5]
    each.step(1.0)
    with pytest.raises(ValueError, match="2 groups now and min_lrs 1 values"):
        each.step(1.0)


# ---- order and arguments


def test_a_schedule_before_the_first_step_warns():
    optimizer = optimizer_of(1.0)
    scheduler = schedules.StepLR(optimizer, 2)
    with pytest.warns(UserWarning, match="called before optimizer.step"):
        scheduler.step()
    scheduler.step()
    assert scheduler.last_epoch == 2


def test_epochs_are_deprecated():
    optimizer = optimizer_of(1.0)
    scheduler = schedules.StepLR(optimizer, 2, 0.5)
    optimizer.step()
    with pytest.warns(UserWarning, match="deprecated"):
        scheduler.step(5)
    assert scheduler.get_last_lr() == [0.25]


BAD = [
    (
        lambda o: schedules.ChainedScheduler([schedules.ReduceLROnPlateau(o)]),
        r"schedulers\[0\] is a ReduceLROnPlateau",
    ),
    (
        lambda o: schedules.SequentialLR(o, [schedules.ReduceLROnPlateau(o)], []),
        "needs a metric",
    ),
    (lambda o: schedules.CyclicLR(o, 0.1, 1.0, mode="saw"), "mode must be one of"),
    (lambda o: schedules.CyclicLR(o, [0.1, 0.2], 1.0), "base_lr must have one value"),
    (lambda o: schedules.ReduceLROnPlateau(o, min_lr=[0, 1]), "min_lr must have one"),
]


@pytest.mark.parametrize(("make", "text"), BAD, ids=[b[1] for b in BAD])
def test_bad_arguments(make, text):
    with pytest.raises(ValueError, match=text):
        make(optimizer_of(1.0))


def test_momentum_is_needed_for_cycles_of_it():
    optimizer = lampas.optim.Adagrad([lampas.zeros(1)])
    with pytest.raises(ValueError, match="neither momentum nor betas"):
        schedules.CyclicLR(optimizer, 0.1, 1.0)

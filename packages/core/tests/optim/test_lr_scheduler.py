"""Schedules of the learning rate against their closed forms."""

import math

import pytest

import lampas
from lampas.optim import SGD, Adam
from lampas.optim import lr_scheduler as schedules


def optimizer_of(*rates, kind=SGD, **options):
    groups = [{"params": [lampas.zeros(1, requires_grad=True)], "lr": r} for r in rates]
    return kind(groups, **options)


def rates(make, steps=12, base=(0.4, 1.0)):
    """For each step, the rates of all groups."""
    optimizer = optimizer_of(*base)
    scheduler = make(optimizer)
    seen = []
    for _ in range(steps):
        seen.append([g["lr"] for g in optimizer.param_groups])
        assert scheduler.get_last_lr() == seen[-1]
        optimizer.step()
        scheduler.step()
    return seen


def restarts(t):
    """Place in, and length of, the cycles 2, 4, 8, ... that hold step t."""
    length = 2
    while t >= length:
        t, length = t - length, length * 2
    return t / length


CLOSED = {
    "LambdaLR": (
        lambda o: schedules.LambdaLR(o, lambda t: 0.95**t),
        lambda t: 0.95**t,
    ),
    "MultiplicativeLR": (
        lambda o: schedules.MultiplicativeLR(o, lambda t: 0.9),
        lambda t: 0.9**t,
    ),
    "StepLR": (lambda o: schedules.StepLR(o, 3, 0.5), lambda t: 0.5 ** (t // 3)),
    "MultiStepLR": (
        lambda o: schedules.MultiStepLR(o, [2, 5, 5], 0.1),
        lambda t: 0.1 ** ((t >= 2) + 2 * (t >= 5)),
    ),
    "ConstantLR": (
        lambda o: schedules.ConstantLR(o, 0.25, 4),
        lambda t: 0.25 if t < 4 else 1.0,
    ),
    "ConstantLR0": (
        lambda o: schedules.ConstantLR(o, 0.0, 4),
        lambda t: 0.0 if t < 4 else 1.0,
    ),
    "LinearLR": (
        lambda o: schedules.LinearLR(o, 0.5, 1.0, 4),
        lambda t: 0.5 + 0.5 * min(t, 4) / 4,
    ),
    "LinearLR_down": (
        lambda o: schedules.LinearLR(o, 1.0, 0.1, 6),
        lambda t: 1 - 0.9 * min(t, 6) / 6,
    ),
    "ExponentialLR": (lambda o: schedules.ExponentialLR(o, 0.8), lambda t: 0.8**t),
    "PolynomialLR": (
        lambda o: schedules.PolynomialLR(o, 8, 2.0),
        lambda t: (1 - min(t, 8) / 8) ** 2,
    ),
    "CosineAnnealingLR": (
        lambda o: schedules.CosineAnnealingLR(o, 5),
        lambda t: (1 + math.cos(math.pi * t / 5)) / 2,
    ),
    "CosineAnnealingWarmRestarts": (
        lambda o: schedules.CosineAnnealingWarmRestarts(o, 2, 2),
        lambda t: (1 + math.cos(math.pi * restarts(t))) / 2,
    ),
    "SequentialLR": (
        lambda o: schedules.SequentialLR(
            o,
            [schedules.LinearLR(o, 0.1, 1.0, 3), schedules.ExponentialLR(o, 0.5)],
            [3],
        ),
        lambda t: 0.1 + 0.3 * t if t < 3 else 0.5 ** (t - 3),
    ),
    "ChainedScheduler": (
        lambda o: schedules.ChainedScheduler(
            [schedules.ConstantLR(o, 0.1, 2), schedules.ExponentialLR(o, 0.9)]
        ),
        lambda t: 0.9**t * (0.1 if t < 2 else 1.0),
    ),
}


@pytest.mark.parametrize("name", CLOSED)
def test_closed_form(name):
    make, factor = CLOSED[name]
    for t, seen in enumerate(rates(make)):
        wanted = [0.4 * factor(t), factor(t)]
        assert seen == pytest.approx(wanted, rel=1e-12, abs=1e-15), f"at step {t}"


def test_cosine_has_a_floor():
    seen = rates(lambda o: schedules.CosineAnnealingLR(o, 5, eta_min=0.2))
    for t, (first, _) in enumerate(seen):
        wanted = 0.2 + 0.2 * (1 + math.cos(math.pi * t / 5)) / 2
        assert first == pytest.approx(wanted, rel=1e-12)


def test_lambdas_of_each_group():
    seen = rates(lambda o: schedules.LambdaLR(o, [lambda t: 1.0, lambda t: t]), 3)
    assert seen == [[0.4, 0.0], [0.4, 1.0], [0.4, 2.0]]


@pytest.mark.parametrize("kind", ["cos", "linear"])
@pytest.mark.parametrize("three", [False, True])
def test_one_cycle(kind, three):
    optimizer = optimizer_of(1.0, kind=Adam)
    scheduler = schedules.OneCycleLR(
        optimizer,
        max_lr=1.0,
        total_steps=20,
        pct_start=0.25,
        anneal_strategy=kind,
        div_factor=10,
        final_div_factor=100,
        three_phase=three,
    )
    # (step, rate, beta1) at the corners: peak at 0.25 * 20 - 1 = 4.
    corners = [(0, 0.1, 0.95), (4, 1.0, 0.85)]
    corners += [(8, 0.1, 0.95)] if three else []
    corners += [(19, 0.001, 0.95)]
    wanted = {}
    for (t0, r0, m0), (t1, r1, m1) in zip(corners, corners[1:]):
        for t in range(t0, t1 + 1):
            s = (t - t0) / (t1 - t0)
            s = s if kind == "linear" else (1 - math.cos(math.pi * s)) / 2
            wanted[t] = r0 + (r1 - r0) * s, m0 + (m1 - m0) * s
    for t in range(20):
        group = optimizer.param_groups[0]
        assert (group["lr"], group["betas"][0]) == pytest.approx(wanted[t], rel=1e-9)
        optimizer.step()
        if t < 19:
            scheduler.step()


def test_one_cycle_ends():
    optimizer = optimizer_of(1.0, momentum=0.9)
    scheduler = schedules.OneCycleLR(optimizer, 1.0, epochs=1, steps_per_epoch=2)
    optimizer.step()
    scheduler.step()
    scheduler.step()
    with pytest.raises(ValueError, match="step 3 is beyond the cycle's total_steps 2"):
        scheduler.step()


def plateau(metrics, **options):
    optimizer = optimizer_of(1.0)
    scheduler = schedules.ReduceLROnPlateau(optimizer, **options)
    seen = []
    for metric in metrics:
        scheduler.step(metric)
        seen.append(optimizer.param_groups[0]["lr"])
    return seen


def test_plateau():
    falling = [3.0, 2.0, 2.0, 2.0, 2.0, 2.0, 1.0]
    assert plateau(falling, patience=1) == pytest.approx(
        [1, 1, 1, 0.1, 0.1, 0.01, 0.01]
    )
    assert plateau(falling, patience=1, cooldown=2) == pytest.approx(
        [1, 1, 1, 0.1, 0.1, 0.1, 0.1]
    )
    assert plateau([1.0] * 5, patience=0, factor=0.5, min_lr=0.2) == pytest.approx(
        [1, 0.5, 0.25, 0.2, 0.2]
    )


def test_plateau_of_what_should_rise():
    rising = [1.0, 1.05, 1.1, 2.0]
    options = {"mode": "max", "patience": 0, "threshold": 0.2}
    assert plateau(rising, **options) == pytest.approx([1, 0.1, 0.01, 0.01])
    options["threshold_mode"] = "abs"
    assert plateau([1.0, 1.1, 1.3], **options) == pytest.approx([1, 0.1, 0.1])


RESUMED = [name for name in CLOSED if name not in ("LambdaLR", "MultiplicativeLR")]


@pytest.mark.parametrize("name", RESUMED)
def test_saved_schedules_go_on(name, tmp_path):
    make, _ = CLOSED[name]
    whole = rates(make)
    optimizer = optimizer_of(0.4, 1.0)
    scheduler = make(optimizer)
    for _ in range(4):
        optimizer.step()
        scheduler.step()
    states = {"o": optimizer.state_dict(), "s": scheduler.state_dict()}
    lampas.save(states, tmp_path / "state.pt")
    states = lampas.load(tmp_path / "state.pt")
    optimizer = optimizer_of(0.4, 1.0)
    scheduler = make(optimizer)
    optimizer.load_state_dict(states["o"])
    scheduler.load_state_dict(states["s"])
    for wanted in whole[4:]:
        assert [g["lr"] for g in optimizer.param_groups] == wanted
        scheduler.step()


def test_goes_to_a_step_by_number():
    optimizer = optimizer_of(0.4)
    scheduler = schedules.CosineAnnealingWarmRestarts(optimizer, 2, 2)
    scheduler.step(3.5)
    assert optimizer.param_groups[0]["lr"] == pytest.approx(
        0.4 * (1 + math.cos(math.pi * 1.5 / 4)) / 2
    )


def test_last_epoch_needs_initial_rates():
    with pytest.raises(KeyError, match="no 'initial_lr' to go on from step 3"):
        schedules.StepLR(optimizer_of(1.0), 2, last_epoch=3)
    optimizer = optimizer_of(0.25)
    optimizer.param_groups[0]["initial_lr"] = 1.0
    scheduler = schedules.StepLR(optimizer, 2, 0.5, last_epoch=4)
    assert scheduler.last_epoch == 5
    assert optimizer.param_groups[0]["lr"] == 0.25


BAD = [
    (lambda o: schedules.StepLR(None, 1), TypeError, "must be an Optimizer"),
    (lambda o: schedules.ConstantLR(o, 2.0), ValueError, "factor must be in"),
    (lambda o: schedules.LinearLR(o, 0.0), ValueError, "start_factor must be in"),
    (lambda o: schedules.LinearLR(o, 1.0, 2.0), ValueError, "end_factor must be in"),
    (lambda o: schedules.LambdaLR(o, [abs, abs]), ValueError, "expected 1 lr_lambdas"),
    (lambda o: schedules.CosineAnnealingWarmRestarts(o, 0), ValueError, "T_0 must be"),
    (lambda o: schedules.OneCycleLR(o, 1.0), ValueError, "give total_steps"),
    (lambda o: schedules.OneCycleLR(o, 1.0, 0), ValueError, "must be positive"),
    (lambda o: schedules.SequentialLR(o, [], []), ValueError, "at least one"),
    (
        lambda o: schedules.SequentialLR(o, [schedules.StepLR(o, 1)], [2]),
        ValueError,
        "1 schedulers need 0 milestones, got 1",
    ),
    (
        lambda o: schedules.ChainedScheduler([schedules.StepLR(o, 1)], optimizer_of(1)),
        ValueError,
        "belongs to another optimizer",
    ),
    (lambda o: schedules.ReduceLROnPlateau(o, "up"), ValueError, "mode must be 'min'"),
    (lambda o: schedules.ReduceLROnPlateau(o, factor=1), ValueError, "below 1, got 1"),
]


@pytest.mark.parametrize(("make", "error", "text"), BAD, ids=[b[2] for b in BAD])
def test_bad_arguments(make, error, text):
    with pytest.raises(error, match=text):
        make(optimizer_of(1.0))

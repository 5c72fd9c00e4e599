"""Native kernels that change arrays in place beside what runs without them."""

from __future__ import annotations

import fuzz_calls
import numpy as np
import pytest
from fuzz import LAYOUTS
from test_kernels_elementwise import PATHS, setting

import lampas
from lampas import amp, kernels, nn, optim
from lampas.backend import native
from lampas.engine.record import RECORDS

if native.extension is None:
    pytest.skip(native.why_absent, allow_module_level=True)

OPTIMIZERS = sorted(
    name
    for name in optim.__all__
    if isinstance(getattr(optim, name), type)
    and issubclass(getattr(optim, name), optim.Optimizer)
    and name not in ("LBFGS", "Optimizer", "SparseAdam")
)
OPTIONS = [{}, {"weight_decay": 0.1}, {"momentum": 0.9}, {"amsgrad": True}]
MATRICES = [(33, 64), (3, 5)]
SHAPES = [(), (0,), (1,), (7,), *MATRICES, (70_001,)]
NEAR = {"float32": 2e-6, "float64": 1e-14}
SPECIAL = [np.nan, np.inf, -np.inf, 0.0, -0.0, 1e15, 1e-15]


def drawn(shape, layout, rng, dtype="float32", special=False):
    made = rng.standard_normal(shape).astype(dtype)
    if special:
        places = rng.integers(0, max(made.size, 1), made.size // 5)
        made.reshape(-1)[places] = rng.choice(SPECIAL, places.size)
    return lampas.from_numpy(LAYOUTS[layout](made, rng))


def parameters(layout, shapes=SHAPES, dtype="float32", special=False):
    """Parameters with gradients that lie alike."""
    rng = np.random.default_rng(0)
    made = [nn.Parameter(drawn(shape, layout, rng, dtype)) for shape in shapes]
    for p in made:
        p.grad = drawn(p.shape, layout, rng, dtype, special)
    return made


def stepped(name, options, layout, dtype="float32", special=False):
    """Parameters after some steps; None where the optimizer has no such option."""
    shapes = MATRICES if name == "Muon" else SHAPES
    made = parameters(layout, shapes, dtype, special)
    try:
        optimizer = getattr(optim, name)(made, lr=0.01, **options)
    except TypeError:
        return None
    for _ in range(3):
        optimizer.step()
    return made


def stepped_by_rows(layout, dtype="float32", special=False):
    """Tables after steps for the rows that sparse gradients list, some twice."""
    rng = np.random.default_rng(0)
    shapes = [(9,), (5, 1), (33, 7), (11, 3, 5), (3, 0), (2_000, 65)]
    tables = [nn.Parameter(drawn(shape, "plain", rng, dtype)) for shape in shapes]
    optimizer = optim.SparseAdam(tables, lr=0.01)
    for _ in range(3):
        for p in tables:
            listed = rng.integers(0, len(p), rng.integers(0, 2 * len(p)))
            parts = drawn((len(listed), *p.shape[1:]), layout, rng, dtype, special)
            p.grad = lampas.sparse_coo_tensor(
                lampas.tensor(listed[None]), parts, p.shape
            )
        optimizer.step()
    return tables


def zeroed(layout):
    made = parameters(layout)
    optim.SGD(made).zero_grad(set_to_none=False)
    return [p.grad for p in made]


def clipped(layout):
    made = parameters(layout)
    total = nn.utils.clip_grad_norm_(made, 0.3)
    return [total, *[p.grad for p in made]]


def clamped(layout):
    made = parameters(layout)
    nn.utils.clip_grad_value_(made, 0.3)
    return [p.grad for p in made]


def averaged(layout):
    layer = nn.Linear(33, 64)
    model = optim.swa_utils.AveragedModel(layer)
    for seed in range(3):
        rng = np.random.default_rng(seed)
        layer.weight.data = drawn((64, 33), layout, rng)
        model.update_parameters(layer)
    return list(model.module.parameters())


def unscaled(layout):
    scaler, made = amp.GradScaler("cpu"), parameters(layout)
    scaler.scale(lampas.ones(()))
    scaler.unscale_(optim.SGD(made))
    return [p.grad for p in made]


def added_up(layout):
    x = parameters(layout, [(700, 64)])[0]
    x.grad = None
    (x.exp() + x.exp() + x.exp() * 2).sum().backward()
    x.exp().sum().backward()
    return [x.grad]


def minimized(layout):
    """Some steps of L-BFGS down a bowl, the first of which is no short one."""
    made = parameters(layout, [(), (0,), (3, 5)])
    optimizer = optim.LBFGS(made, max_iter=3)

    def closure():
        optimizer.zero_grad()
        loss = sum((p * p * 0.25 + p.sin() * 0.1).sum() for p in made)
        loss.backward()
        return loss

    optimizer.step(closure)
    return made


def randomly_filled(layout):
    return [
        lampas.rand(9_001),
        lampas.randn(9_001),
        lampas.randint(-3, 9, (9_001,)),
        lampas.randperm(70),
        lampas.empty(70).bernoulli_(0.3),
    ]


CHANGES = [
    zeroed,
    clipped,
    clamped,
    averaged,
    unscaled,
    added_up,
    minimized,
    randomly_filled,
    stepped_by_rows,
]


def same(change, *arguments):
    """Assert that a change gives on every path what it gives without kernels."""
    lampas.manual_seed(0)
    with kernels.disabled():
        right = change(*arguments)
    if right is None:
        return
    for path in PATHS:
        lampas.manual_seed(0)
        with setting(path):
            ours = change(*arguments)
        for one, other in zip(ours, right, strict=True):
            one, other = one.detach().numpy(), other.detach().numpy()
            assert one.dtype == other.dtype
            # Muon iterates in float32.
            kind = "float32" if "Muon" in arguments else other.dtype.name
            near = NEAR.get(kind, 0.0)
            np.testing.assert_allclose(one, other, near, near, err_msg=path)


@pytest.mark.parametrize("layout", sorted(LAYOUTS.keys() - {"repeated"}))
@pytest.mark.parametrize("change", CHANGES)
def test_changes_are_those_of_the_references(change, layout):
    same(change, layout)


@pytest.mark.parametrize("dtype", NEAR)
@pytest.mark.parametrize("name", OPTIMIZERS)
def test_steps_are_those_of_the_references(name, dtype):
    for options in OPTIONS:
        for layout in ("plain", "columns", "steps", "one on", "misaligned"):
            same(stepped, name, options, layout, dtype)


@pytest.mark.parametrize("dtype", NEAR)
@pytest.mark.parametrize("name", sorted({*OPTIMIZERS} - {"Muon"}))
def test_steps_of_what_is_not_finite_are_those_of_the_references(name, dtype):
    for options in OPTIONS:
        same(stepped, name, options, "plain", dtype, True)


@pytest.mark.parametrize("special", [False, True])
@pytest.mark.parametrize("dtype", NEAR)
@pytest.mark.parametrize("layout", ["plain", "rows", "misaligned"])
def test_steps_by_rows_are_those_of_the_reference(layout, dtype, special):
    same(stepped_by_rows, layout, dtype, special)


def test_every_kernel_that_changes_arrays_is_reached():
    before = kernels.report()
    for change in CHANGES:
        change("plain")
    for name in OPTIMIZERS:
        for options in OPTIONS:
            stepped(name, options, "plain")
    after = kernels.report()
    for name in OPTIMIZERS:
        stepped(name, {}, "plain", "float64")
    stepped_by_rows("plain", "float64")
    wide = kernels.report()
    steps = [n for n in wide if n.endswith("_step")]
    assert [n for n in steps if wide[n][0] == after[n][0]] == []
    ops = RECORDS.keys() | fuzz_calls.helpers().keys()
    left = [n for n in set(after) - ops if after[n][0] == before[n][0]]
    assert left == [], "these need a program in CHANGES"

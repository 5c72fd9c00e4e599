"""Every native kernel beside its reference, over shapes, layouts, values and threads.

``nox -s fuzz`` draws more of them; ``LAMPAS_FUZZ`` says how many for each kernel.
"""

from __future__ import annotations

import itertools
import math
import os

import fuzz
import fuzz_outcome
import hypothesis.strategies as st
import numpy as np
import pytest
from fuzz import LAYOUTS, MOST, SIZES, Variant
from hypothesis import HealthCheck, assume, given, settings

import lampas
from lampas import kernels, optim
from lampas.backend import native
from lampas.engine.record import RECORDS

if native.extension is None:
    pytest.skip(native.why_absent, allow_module_level=True)

EXAMPLES = int(os.environ.get("LAMPAS_FUZZ", "100"))
NAMES = sorted(kernels.report())
# What is no op but changes arrays in place: the steps of optimizers.
STEPS = sorted(name for name in NAMES if name.endswith("_step"))
# What else is no op but works on lists of arrays, or in place: it has its own tests.
LISTS = {"clamp_all", "mix_all", "scale_all", "total_norm", "unscale_all", "zero_all"}
OPS = sorted(set(NAMES) - set(STEPS) - LISTS - {"add_into"})

FEW = [
    *[Variant(layouts=(layout,)) for layout in LAYOUTS],
    *[Variant(layouts=(one, "plain")) for one in ("rows", "repeated", "misaligned")],
    *[Variant(layouts=("plain", one)) for one in ("rows", "repeated", "columns")],
    *[Variant(sizes=sizes) for sizes in ((0,), (1,), (33,), (3, 1025), (130, 7, 3))],
    Variant(sizes=(5, 40), special=True),
    Variant(sizes=(33,), special=True, layouts=("rows", "permuted")),
    Variant(sizes=(17, 9), dtype="float64"),
    Variant(sizes=(5, 40), dtype="float64", special=True),
    Variant(sizes=(33, 257), layouts=("plain", "columns"), jitter=False, threads=2),
    Variant(sizes=(2, 3, 33_000), threads=2),
    Variant(shapes=((64, 10), (10,), (64, 1)), layouts=("plain", "rows")),
    Variant(shapes=((3, 1, 9), (5, 9), (1, 5, 1)), special=True),
    Variant(shapes=((), (7,), ())),
    Variant(shapes=((2, 1), (3, 2, 4100)), threads=2),
]
"""What each kernel is tried with in the ordinary tests."""


def checked(name, call, variant):
    """Whether the kernel took the changed call; fails where it was wrong."""
    changed = fuzz.apply(name, call, variant)
    found = (
        None
        if changed is None
        else fuzz_outcome.outcome(name, changed, variant.threads)
    )
    if found is None:
        return None
    path = native.extension.path()
    assert not found.wrong, f"{name} ({path}) {found.wrong}: {variant} of {call.key}"
    return found.accepted


@pytest.fixture(autouse=True)
def _path_as_it_was():
    before = native.extension.path()
    yield
    native.extension.set_path(before)


@pytest.mark.parametrize("name", OPS)
def test_a_kernel_gives_what_its_reference_gives(name):
    calls = fuzz.calls()[name]
    assert calls, f"nothing calls {name}: it needs a case, or a program in fuzz.SEEDS"
    paths = itertools.cycle(native.extension.paths())
    taken = 0
    for call in calls:
        for variant in FEW:
            native.extension.set_path(next(paths))
            taken += bool(checked(name, call, variant))
    assert taken, f"{name} declined all: it needs a call that it takes in fuzz.SEEDS"


@st.composite
def variants(draw, name, call):
    """A change of this call."""
    several = st.lists(st.sampled_from(list(LAYOUTS)), min_size=1, max_size=3)
    shapes = ()
    if fuzz.is_elementwise(name, call) and draw(st.booleans()):
        full = draw(st.lists(st.sampled_from(SIZES), max_size=4))
        assume(math.prod(full) <= MOST)
        ones = st.lists(st.booleans(), min_size=len(full), max_size=len(full))
        shapes = tuple(
            tuple(1 if one else n for n, one in zip(full, draw(ones), strict=True))[
                draw(st.integers(0, len(full))) :
            ]
            for _ in range(3)
        )
    return Variant(
        sizes=tuple(draw(st.lists(st.sampled_from(SIZES), max_size=4))),
        shapes=shapes,
        layouts=tuple(draw(several)),
        dtype=draw(st.sampled_from(["float32", "float32", "float32", "float64"])),
        special=draw(st.booleans()),
        jitter=draw(st.booleans()),
        threads=draw(st.sampled_from([1, 2, 3])),
        seed=draw(st.integers(0, 999)),
    )


@pytest.mark.slow
@pytest.mark.parametrize("name", OPS)
def test_a_kernel_gives_what_its_reference_gives_for_any_call(name):
    @settings(
        max_examples=EXAMPLES,
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(st.data())
    def search(data):
        call = data.draw(st.sampled_from(fuzz.calls()[name]))
        native.extension.set_path(data.draw(st.sampled_from(native.extension.paths())))
        checked(name, call, data.draw(variants(name, call)))

    search()


# ---- optimizers

MAKERS = sorted(
    name
    for name in optim.__all__
    if isinstance(getattr(optim, name), type)
    and issubclass(getattr(optim, name), optim.Optimizer)
    and name not in ("LBFGS", "Optimizer", "SparseAdam")
)
SHAPES = [(), (0,), (1,), (7,), (3, 5), (33, 64), (70_001,)]
SHARED = [{}, {"weight_decay": 0.1}, {"momentum": 0.9}, {"amsgrad": True}]


def stepped(name, options, layout, shapes):
    """Parameters after some steps."""
    rng = np.random.default_rng(0)

    def drawn(shape):
        made = rng.standard_normal(shape).astype(np.float32)
        return lampas.from_numpy(LAYOUTS[layout](made, rng))

    parameters = [lampas.nn.Parameter(drawn(shape)) for shape in shapes]
    optimizer = getattr(optim, name)(parameters, lr=0.01, **options)
    for _ in range(3):
        for p in parameters:
            p.grad = drawn(p.shape)
        optimizer.step()
    return [p.detach().numpy() for p in parameters]


@pytest.mark.parametrize("name", MAKERS)
def test_native_steps_give_what_others_give(name):
    shapes = [(33, 64), (3, 5)] if name == "Muon" else SHAPES
    for options in SHARED:
        for layout in ("plain", "columns", "steps", "one on"):
            try:
                ours = stepped(name, options, layout, shapes)
            except TypeError:  # no such option
                continue
            with kernels.disabled():
                right = stepped(name, options, layout, shapes)
            for one, other in zip(ours, right, strict=True):
                np.testing.assert_allclose(one, other, 2e-6, 2e-6)


def test_every_kernel_of_a_step_is_reached():
    before = kernels.report()
    for name in MAKERS:
        for options in SHARED:
            try:
                stepped(name, options, "plain", [(33, 64)])
            except TypeError:
                continue
    after = kernels.report()
    assert [n for n in STEPS if after[n][0] == before[n][0]] == []


def test_what_is_said_of_kernels_is_said_of_ones_that_there_are():
    said = fuzz_outcome.EXACT | fuzz_outcome.OF_EITHER_SIGN
    said |= fuzz_outcome.CANCELLING | fuzz_outcome.PRODUCTS | fuzz.SELECTIVE
    fuzz.calls()
    assert said <= set(RECORDS)

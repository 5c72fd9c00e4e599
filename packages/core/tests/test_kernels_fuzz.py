"""Every native kernel beside its reference, over shapes, layouts, values and threads.

``nox -s fuzz`` draws more of them; ``LAMPAS_FUZZ`` says how many for each kernel.
"""

from __future__ import annotations

import itertools
import math
import os

import fuzz
import fuzz_calls
import fuzz_outcome
import hypothesis.strategies as st
import pytest
from fuzz import LAYOUTS, MOST, SIZES, Variant
from hypothesis import HealthCheck, assume, given, settings

from lampas import kernels
from lampas.backend import native
from lampas.engine.record import RECORDS

if native.extension is None:
    pytest.skip(native.why_absent, allow_module_level=True)

EXAMPLES = int(os.environ.get("LAMPAS_FUZZ", "100"))
# What else there is changes arrays in place: test_kernels_fuzz_changes.py has those.
OPS = sorted(set(kernels.report()) & (fuzz_calls.helpers().keys() | RECORDS.keys()))

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

WIDE = [
    Variant(sizes=sizes, dtype="float64", threads=threads)
    for sizes in ((), (33,), (17, 9), (130, 7, 3))
    for threads in (1, 2)
]
"""What kernels that have loops of their own for doubles must not decline."""


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


def tries(calls, paths):
    """The first call in each way on each path, the others on one after another."""
    for i, call in enumerate(calls):
        for j, variant in enumerate(FEW):
            for path in paths if i == 0 else [paths[(i + j) % len(paths)]]:
                yield path, call, variant


@pytest.mark.parametrize("paths", [["a"], ["a", "b"], ["a", "b", "c"]])
def test_every_way_is_tried_on_every_path(paths):
    found = list(tries([0], paths))
    assert {(path, variant) for path, _, variant in found} == set(
        itertools.product(paths, FEW)
    )
    later = [found for found in tries([0, 1, 2, 3], paths) if found[1] > 0]
    assert {(path, variant) for path, _, variant in later} == set(
        itertools.product(paths, FEW)
    )


@pytest.mark.parametrize("name", OPS)
def test_a_kernel_gives_what_its_reference_gives(name):
    calls = fuzz_calls.calls()[name]
    assert calls, f"nothing calls {name}: it needs a case, or a program in SEEDS"
    taken = 0
    for path, call, variant in tries(calls, native.extension.paths()):
        native.extension.set_path(path)
        taken += bool(checked(name, call, variant))
    assert taken, f"{name} declined all: it needs a call that it takes in SEEDS"


@pytest.mark.parametrize("name", sorted(fuzz_outcome.EXTENDED))
def test_a_kernel_takes_doubles_too(name):
    calls = fuzz_calls.calls()[name]
    for path in native.extension.paths():
        native.extension.set_path(path)
        taken = [checked(name, call, variant) for variant in WIDE for call in calls]
        assert any(taken), f"{name} ({path}) declined all doubles"


@st.composite
def variants(draw, name, call):
    """A change of this call."""
    several = st.lists(st.sampled_from(list(LAYOUTS)), min_size=1, max_size=3)
    shapes = ()
    if fuzz.is_elementwise(name, call) and draw(st.booleans()):
        full = draw(st.lists(st.sampled_from(SIZES), max_size=4))
        assume(math.prod(max(n, 1) for n in full) <= MOST)  # 0 may become 1
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
        call = data.draw(st.sampled_from(fuzz_calls.calls()[name]))
        native.extension.set_path(data.draw(st.sampled_from(native.extension.paths())))
        checked(name, call, data.draw(variants(name, call)))

    search()


def test_what_is_said_of_kernels_is_said_of_ones_that_there_are():
    said = fuzz_outcome.EXACT | fuzz_outcome.OF_EITHER_SIGN
    said |= fuzz_outcome.CANCELLING | fuzz_outcome.PRODUCTS | fuzz.SELECTIVE
    said |= fuzz_outcome.EXTENDED
    assert said <= set(RECORDS) | fuzz_calls.helpers().keys()

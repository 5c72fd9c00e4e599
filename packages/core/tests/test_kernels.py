"""The ground that native kernels stand on: declining, threads, memory, fork."""

from __future__ import annotations

import math
import os
import re
import subprocess
import sys
import threading
import tracemalloc
from pathlib import Path

import numpy as np
import pytest

import lampas
from lampas import kernels
from lampas.backend import native

pytestmark = pytest.mark.skipif(
    native.extension is None, reason="the kernels were not built"
)
LARGE = 1_000_003


def run(code: str, **settings: str) -> str:
    """The output of a fresh interpreter."""
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        env={**os.environ, **settings},
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


@pytest.fixture
def two_threads():
    before = lampas.get_num_threads()
    lampas.set_num_threads(2)
    yield
    lampas.set_num_threads(before)


def test_a_call_is_taken_or_declined_and_both_are_counted():
    taken, left = kernels.report()["exp"]
    assert float(lampas.tensor([0.0]).exp()) == 1.0
    assert kernels.report()["exp"] == (taken + 1, left)
    assert lampas.tensor([0.0], dtype=lampas.complex64).exp().tolist() == [1 + 0j]
    assert kernels.report()["exp"] == (taken + 1, left + 1)


def test_disabled_kernels_take_nothing_and_come_back():
    before = kernels.report()["exp"]
    with kernels.disabled():
        assert float(lampas.tensor([1.0]).exp()) == pytest.approx(math.e, rel=1e-6)
    assert kernels.report()["exp"] == before
    lampas.tensor([1.0]).exp()
    assert kernels.report()["exp"][0] == before[0] + 1


def test_an_unknown_name_leaves_the_reference_as_it_is():
    assert native.bind("no such op", math.hypot) is math.hypot


@pytest.mark.parametrize("threads", [1, 2, 3])
def test_any_number_of_threads_gives_the_same_bits(threads):
    x = lampas.tensor(np.linspace(-20, 20, LARGE, dtype=np.float32))
    before = lampas.get_num_threads()
    try:
        lampas.set_num_threads(1)
        alone = x.exp().numpy()
        lampas.set_num_threads(threads)
        assert lampas.get_num_threads() == threads
        assert np.array_equal(alone, x.exp().numpy())
    finally:
        lampas.set_num_threads(before)


def test_python_threads_may_call_kernels_at_once(two_threads):
    x = lampas.tensor(np.linspace(-20, 20, LARGE, dtype=np.float32))
    expected, results = x.exp().numpy(), []

    def work():
        for _ in range(20):
            results.append(np.array_equal(x.exp().numpy(), expected))

    workers = [threading.Thread(target=work) for _ in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(60)
    assert len(results) == 80 and all(results)


def test_a_forked_child_has_a_pool_of_its_own(two_threads):
    x = lampas.tensor(np.linspace(-20, 20, LARGE, dtype=np.float32))
    expected = x.exp().numpy()
    child = os.fork()
    if child == 0:
        os._exit(0 if np.array_equal(x.exp().numpy(), expected) else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert np.array_equal(x.exp().numpy(), expected)


# Runs with an OpenMP runtime that was loaded after lampas, as another library would.
BESIDE_OPENMP = """
import ctypes, os, threading
import numpy as np
import lampas
from lampas.backend import native

lampas.set_num_threads(1)
x = lampas.tensor(np.linspace(-20, 20, 1_000_003, dtype=np.float32))
alone = x.exp().numpy()
lampas.set_num_threads(2)
assert native.extension.openmp() is None
library = ctypes.CDLL("libgomp.so.1")


def same():
    return np.array_equal(x.exp().numpy(), alone)


def threads():
    return len(os.listdir("/proc/self/task"))
"""


def test_threads_of_an_openmp_runtime_take_part_in_its_place():
    code = """
before = threads()
assert all(same() for _ in range(20))
print(os.path.basename(native.extension.openmp()))
native.extension.stop()
print(threads() - before)
lampas.show_config()
"""
    lines = run(BESIDE_OPENMP + code).splitlines()
    # One thread more, which is not the pool's: it stays when those end. (On a busy
    # machine it may have come late, and the pool have started one beside it.)
    assert lines[:2] == ["libgomp.so.1", "1"]
    assert any("kernels" in line and "libgomp.so.1" in line for line in lines[2:])


def test_beside_openmp_other_threads_and_children_use_the_pool():
    code = """
assert all(same() for _ in range(20))
results = []
worker = threading.Thread(target=lambda: results.append(same()))
worker.start()
worker.join(60)
child = os.fork()
if child == 0:
    os._exit(0 if same() and native.extension.openmp() is None else 1)
print(results, os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), same())
"""
    assert run(BESIDE_OPENMP + code) == "[True] 0 True"


def test_openmp_is_left_alone_by_wish():
    code = """
before = threads()
assert same()
print(native.extension.openmp(), threads() - before)
native.extension.stop()
print(threads() - before)
"""
    assert run(BESIDE_OPENMP + code, LAMPAS_OPENMP="off") == "None 1\n0"


def test_the_process_ends_while_the_pool_sleeps():
    code = "import lampas; lampas.set_num_threads(4); lampas.ones(10**6).exp()"
    assert run(code) == ""


def test_memory_of_large_results_is_used_again():
    x = lampas.zeros(LARGE)
    x.exp()
    before = kernels.memory_stats()
    y = x.exp()
    now = kernels.memory_stats()
    assert now["reused"] == before["reused"] + 1
    assert 4 * LARGE <= now["live_bytes"] - before["live_bytes"] < 1.13 * 4 * LARGE
    del y
    assert kernels.memory_stats()["live_bytes"] == before["live_bytes"]


def test_trimming_gives_the_cache_back():
    lampas.zeros(LARGE).exp()
    assert kernels.trim_memory() >= 4 * LARGE
    assert kernels.memory_stats()["cached_bytes"] == 0


def test_sizes_that_never_live_together_all_stay_cached():
    sizes = [LARGE, LARGE // 2, LARGE // 4]
    for size in sizes:
        lampas.zeros(size).exp()
    before = kernels.memory_stats()
    for size in sizes:
        lampas.zeros(size).exp()
    after = kernels.memory_stats()
    taken = after["taken"] - before["taken"]
    assert taken == after["reused"] - before["reused"] > 0


def used_again(make):
    before = kernels.memory_stats()
    made = make()
    after = kernels.memory_stats()
    taken = after["taken"] - before["taken"]
    assert taken > 0
    return made, taken == after["reused"] - before["reused"]


def test_memory_that_is_given_back_is_cut_and_joined_again():
    x, half = lampas.zeros(2 * LARGE), lampas.zeros(LARGE)
    kernels.trim_memory()
    x.exp()
    parts, again = used_again(lambda: [half.exp(), half.cos()])
    assert again
    del parts
    _, again = used_again(x.exp)
    assert again


def test_arrays_made_and_dropped_in_any_order_keep_their_values():
    rng = np.random.default_rng(0)
    held = []
    for i in range(300):
        size = int(rng.integers(20_000, 400_000))
        held.append((float(i), lampas.zeros(size).cos() * float(i)))
        if len(held) > 12:
            value, array = held.pop(int(rng.integers(len(held))))
            assert bool((array == value).all())
        if i % 97 == 0:
            kernels.trim_memory()
    assert all(bool((array == value).all()) for value, array in held)


def test_tracemalloc_counts_cached_memory_that_is_in_use():
    x = lampas.zeros(LARGE)
    x.exp()
    tracemalloc.start()
    try:
        y = x.exp()
        held = tracemalloc.get_traced_memory()[0]
        assert held >= 4 * LARGE
        del y
        assert tracemalloc.get_traced_memory()[0] <= held - 4 * LARGE
    finally:
        tracemalloc.stop()


def test_a_result_keeps_its_memory_while_a_view_lives():
    view = lampas.zeros(LARGE).exp()[::2]
    lampas.full((LARGE,), 3.0).exp()
    assert bool((view == 1.0).all())


def test_a_gradient_in_cached_memory_is_not_copied_but_its_own():
    x = lampas.zeros(LARGE).requires_grad_()
    x.exp().backward(lampas.ones(LARGE))
    first = x.grad
    x.grad = None
    x.exp().backward(lampas.full((LARGE,), 2.0))
    assert float(first[0]) == 1.0 and float(x.grad[0]) == 2.0


@pytest.mark.parametrize("path", ["sse9", ""])
def test_an_instruction_set_that_is_not_here(path):
    with pytest.raises(ValueError, match="no path"):
        native.extension.set_path(path)


def test_switched_off_by_the_environment():
    code = (
        "from lampas import kernels; import lampas; lampas.ones(2).exp();"
        "print(kernels.is_available(), kernels.report(), kernels.memory_stats())"
    )
    assert run(code, LAMPAS_KERNELS="off") == "False {} {}"
    assert run(code).startswith("True")


@pytest.mark.parametrize("wanted", ["1", "3"])
def test_the_environment_says_how_many_threads(wanted):
    code = "import lampas; print(lampas.get_num_threads())"
    assert run(code, OMP_NUM_THREADS=wanted) == wanted


def test_required_kernels_that_are_missing_are_an_error():
    hide = "import sys; sys.modules['lampas._native'] = None\n"
    code = hide + "try: import lampas\nexcept ImportError: print('refused')"
    assert run(code, LAMPAS_REQUIRE_NATIVE="1") == "refused"
    code = hide + "import lampas; print(lampas.kernels.is_available())"
    assert run(code, LAMPAS_REQUIRE_NATIVE="0") == "False"


def test_each_kernel_is_registered_once():
    """The last one would win, and the others would be dead code."""
    sources = Path(__file__).parents[1].glob("csrc/bindings/*.cpp")
    text = "".join(path.read_text(encoding="utf-8") for path in sources)
    names = re.findall(r"^LAMPAS_KERNEL\((\w+),", text, re.MULTILINE)
    assert len(names) > 100
    assert sorted(set(names)) == sorted(names)

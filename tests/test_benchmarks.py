"""The benchmarks run, and their page is in step with their figures."""

from __future__ import annotations

import importlib
import subprocess
import sys

import pytest
from tools import benchmark_page

import lampas

FACTS = {"machine": {"cores": 2, "torch": None}}


@pytest.fixture(scope="module")
def benchmark(root):
    """Imports a file of benchmarks/, which is no package."""
    sys.path.insert(0, str(root / "benchmarks"))
    yield importlib.import_module
    sys.path.remove(str(root / "benchmarks"))


def test_the_page_is_made_of_the_figures():
    assert benchmark_page.PAGE.read_text() == benchmark_page.page(benchmark_page.load())


def test_no_plot_is_large():
    plots = benchmark_page.PLOTS.glob("*.svg")
    assert [plot.name for plot in plots if plot.stat().st_size > 100_000] == []


@pytest.mark.parametrize(
    ("value", "shown"),
    [(None, "-"), (1234.5, "1234"), (0.98765, "0.988"), (12.0, "12")],
)
def test_numbers_have_three_digits(value, shown):
    assert benchmark_page.number(value) == shown


def test_a_section_holds_what_was_measured():
    figures = {"exp": {"by size": {"100": {"ms": 1.0, "reference over ours": 2.5}}}}
    text = benchmark_page.page({"kernels": {**FACTS, "figures": figures}})
    assert "- kernels: cores 2\n" in text
    assert "| `exp` | 2.5 | - | - |" in text


def test_products_and_memory_have_their_sections():
    figures = {
        "products": {"2 x 3 x 4": {"lampas": 120.0, "numpy": 99.5}},
        "bandwidth": {"exp": {"copying GB/s": 20.0, "ours GB/s": 18.0}},
    }
    parts = {name: {**FACTS, "figures": found} for name, found in figures.items()}
    text = benchmark_page.page(parts)
    assert "- products, bandwidth: cores 2\n" in text
    assert "| shape | lampas | numpy |" in text
    assert "| 2 x 3 x 4 | 120 | 99.5 |" in text
    assert "| `exp` | 20 | 18 | - | - |" in text


def test_kernels_are_timed_on_images_of_the_size_asked_for(benchmark):
    timed, fuzz = benchmark("kernels"), benchmark("fuzz_calls")
    for name in ("max_pool", "conv", "exp"):
        call = timed.brought_to(name, 10**4)
        sizes = [array.size for array in fuzz.arrays_in(call.operands)]
        assert 5000 < max(sizes) < 20_000


def test_every_operation_runs_with_its_gradient(benchmark):
    ops = benchmark("ops")
    for name, operation in ops.OPERATIONS.items():
        ops.program_of(operation, 100, name not in ops.WHOLE)(lampas)()


def test_every_model_and_curve_runs(benchmark):
    models, curves = benchmark("models"), benchmark("curves")
    for program in (models.mlp, models.separable, models.resnet_inference):
        program(lampas)()
    threads = lampas.get_num_threads()
    for curve in curves.CURVES.values():
        curve.make(lampas, curve.points[0])()
    lampas.set_num_threads(threads)


def test_a_comparison_gives_the_ratio_of_times(benchmark):
    ours = benchmark("_side_by_side").compare(lambda m: lambda: None, rounds=3)
    assert ours["ms"] >= 0 and set(ours) == {"ms", "torch over ours"}


def test_a_slowdown_is_the_median_of_rounds_beside_a_process_that_computes(
    benchmark, monkeypatch
):
    models = benchmark("models")
    started, running, counts = [], [], []

    class Watched(subprocess.Popen):
        def __init__(self, *args, **kwargs):
            super().__init__(*args, **kwargs)
            started.append(self)

    times = iter([2.0, 3.0, 1.0, 10.0, 1.0, 0.5])  # alone, beside, alone, ...

    def timed(side, calls):
        counts.append(calls)
        if len(counts) == 1:  # of one call, before the rounds
            return 0.01
        running.append([process.poll() is None for process in started])
        return next(times)

    monkeypatch.setattr(models, "timed", timed)
    monkeypatch.setattr(models, "sides_of", lambda program: {"ours": int})
    monkeypatch.setattr(models.subprocess, "Popen", Watched)
    monkeypatch.setattr(models.time, "sleep", lambda seconds: None)
    found = models.slowdown(models.mlp, rounds=3)
    assert found == {"slower beside a busy core": 1.5}
    assert counts == [2, 25, 25, 25, 25, 25, 25]
    assert running == [
        *[[], [True], [False], [False, True]],
        *[[False, False], [False, False, True]],
    ]
    assert all(process.poll() is not None for process in started)


def test_facts_name_no_host_and_no_path(benchmark, root):
    text = str(benchmark("_machine").facts())
    assert str(root) not in text and "processor" in text


def test_attention_holds_little_more_than_its_arrays(benchmark):
    size, grown = benchmark("attention_memory").growth(2048, True)
    assert size == 8 * 4 * 2048 * 64 * 4
    assert 0.9 * size < grown < 1.3 * size

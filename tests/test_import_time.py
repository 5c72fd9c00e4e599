"""``import lampas`` stays near NumPy's own time and brings nobody uninvited."""

from __future__ import annotations

import os
import resource
import statistics
import subprocess
import sys

import pytest

# Who may be imported on the way, besides Python itself and lampas.
GOLDEN = ["ml_dtypes", "numpy"]

LIST_THIRD_PARTIES = """
import sys
before = set(sys.modules)
import lampas
tops = {name.partition(".")[0] for name in set(sys.modules) - before}
tops -= {*sys.stdlib_module_names, "lampas"}
print(*sorted(top for top in tops if getattr(sys.modules[top], "__file__", None)))
"""


def test_third_parties_that_core_imports():
    done = subprocess.run(
        [sys.executable, "-c", LIST_THIRD_PARTIES],
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.split() == GOLDEN


def _seconds(module: str) -> float:
    """Processor time of an import; unlike a clock it does not count other programs.

    Bytecode is kept, as pip leaves it in an installation.
    """
    kept = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run([sys.executable, "-c", f"import {module}"], env=kept, check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


@pytest.mark.budget
def test_import_takes_at_most_80_ms_over_numpy():
    pairs = [(_seconds("numpy"), _seconds("lampas")) for _ in range(11)][1:]
    numpy, lampas = (statistics.median(times) for times in zip(*pairs, strict=True))
    print(f"numpy {numpy * 1e3:.0f} ms, lampas {lampas * 1e3:.0f} ms")
    assert lampas - numpy <= 0.080, f"numpy {numpy:.3f} s, lampas {lampas:.3f} s"

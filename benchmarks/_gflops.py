"""Matrix products by one module alone: ``python benchmarks/_gflops.py MODULE``.

For each line that comes in, the number of one of ``SHAPES``, its products are timed for
a moment and the median GFLOP/s goes out. Nothing else is imported, whose threads could
take part.
"""

from __future__ import annotations

import importlib
import statistics
import sys
import time
from collections.abc import Callable
from types import ModuleType

import numpy as np

# Rows, what is summed over, columns.
SHAPES = (
    (2048, 2048, 2048),
    (1024, 384, 1536),
    (64, 784, 256),
    (2048, 1152, 384),
)
SECONDS = 0.4  # of a turn, in whose first half threads find their cores


def product(module: ModuleType, shape: tuple[int, int, int]) -> Callable[[], object]:
    """A product of random matrices."""
    rows, inner, columns = shape
    rng = np.random.default_rng(0)
    arrays = (rng.random(s, np.float32) for s in ((rows, inner), (inner, columns)))
    a, b = arrays if module is np else (module.from_numpy(x) for x in arrays)
    return lambda: module.matmul(a, b)


def gflops(call: Callable[[], object], shape: tuple[int, int, int]) -> float:
    """The median over the calls of the second half of a turn."""
    times: list[float] = []
    began = time.perf_counter()
    while time.perf_counter() - began < SECONDS / 2:
        call()
    while len(times) < 3 or time.perf_counter() - began < SECONDS:
        start = time.perf_counter()
        call()
        times.append(time.perf_counter() - start)
    rows, inner, columns = shape
    return 2e-9 * rows * inner * columns / statistics.median(times)


if __name__ == "__main__":
    timed = importlib.import_module(sys.argv[1])
    calls = [product(timed, shape) for shape in SHAPES]
    for asked in sys.stdin:
        print(gflops(calls[int(asked)], SHAPES[int(asked)]), flush=True)

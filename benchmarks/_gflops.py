"""Matrix products by one module alone: ``python benchmarks/_gflops.py MODULE``.

Prints the median GFLOP/s of each shape as JSON. Nothing else is imported, whose threads
could take part.
"""

from __future__ import annotations

import importlib
import json
import statistics
import sys
import time
from types import ModuleType

import numpy as np

# Rows, what is summed over, columns.
SHAPES = (
    (2048, 2048, 2048),
    (1024, 384, 1536),
    (64, 784, 256),
    (2048, 1152, 384),
)
SECONDS = 0.4  # for each


def gflops(module: ModuleType, shape: tuple[int, int, int], seconds: float) -> float:
    """The median over the calls made in so many seconds."""
    rows, inner, columns = shape
    rng = np.random.default_rng(0)
    arrays = (rng.random(s, np.float32) for s in ((rows, inner), (inner, columns)))
    a, b = arrays if module is np else (module.from_numpy(x) for x in arrays)
    times: list[float] = []
    began = time.perf_counter()
    while len(times) < 4 or time.perf_counter() - began < seconds:
        start = time.perf_counter()
        module.matmul(a, b)
        times.append(time.perf_counter() - start)
    return 2e-9 * rows * inner * columns / statistics.median(times[1:])


if __name__ == "__main__":
    timed = importlib.import_module(sys.argv[1])
    figures = {
        " x ".join(map(str, shape)): gflops(timed, shape, SECONDS) for shape in SHAPES
    }
    print(json.dumps(figures))

"""Time each native kernel beside its reference, and compare their errors.

    python benchmarks/kernels.py [--only NAME] [--sizes 100 10000] [--json FILE]

Calls are those that the fuzz tests make, brought to a size. An error is the largest
distance to float64, in units of what rounding the operands once is worth; the figure is
that of the kernel and that of the reference. A new kernel is found by itself.
"""

from __future__ import annotations

import contextlib
import math
import statistics
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from _side_by_side import chosen, line, parser_of, write

import lampas
from lampas import kernels

sys.path.insert(0, str(Path(__file__).parents[1] / "packages" / "core" / "tests"))

import fuzz
import fuzz_calls
import fuzz_outcome

SIZES = (10**2, 10**4, 10**6)
LONGEST = 0.2  # seconds of a call, after which no larger one is tried
FEW_ELEMENTS = 10**4  # on which errors are compared


def brought_to(name: str, size: int) -> fuzz_calls.Call | None:
    """The first call that the kernel takes with about so many elements."""
    for call in fuzz_calls.calls().get(name, []):
        for changed in _candidates(name, call, size):
            before = kernels.report()[name][0]
            try:
                fuzz_outcome.run(name, changed)
            except (ValueError, IndexError, TypeError):
                continue
            if kernels.report()[name][0] > before:
                return changed
    return None


def _candidates(
    name: str, call: fuzz_calls.Call, size: int
) -> Iterator[fuzz_calls.Call]:
    """The call with larger sides, or with more images where sides fit each other."""
    if name in fuzz.RIGID or "windows" in call.params:
        yield _of_more_images(call, size)
        return
    for side in _sides(call, size):
        variant = fuzz.Variant(sizes=(side,))
        with contextlib.suppress(ValueError, IndexError, TypeError):
            changed = fuzz.apply(name, call, variant, most=20 * size)
            if changed is not None:
                yield changed
    yield _of_more_images(call, size)


def _of_more_images(call: fuzz_calls.Call, size: int) -> fuzz_calls.Call:
    first = fuzz_calls.arrays_in(call.operands)[0]
    times = max(1, round(size / max(first.size, 1)))

    def more(array: np.ndarray) -> np.ndarray:
        alike = array.ndim == first.ndim > 0 and len(array) == len(first)
        return np.tile(array, (times, *[1] * (array.ndim - 1))) if alike else array

    return fuzz_calls.Call(fuzz_calls.changed(more, call.operands), call.params)


def _sides(call: fuzz_calls.Call, size: int) -> list[int]:
    """Sizes of every dimension that give about ``size`` elements, best first."""
    shapes = [a.shape for a in fuzz_calls.arrays_in(call.operands)]
    most = max((sum(n > 1 for n in shape) for shape in shapes), default=0)
    return [max(1, round(size ** (1 / n))) for n in range(most, 0, -1)]


def _seconds(function: Callable[[], object]) -> float:
    began = time.perf_counter()
    function()
    first = time.perf_counter() - began
    if first > LONGEST:
        return first
    calls = max(1, int(1e-3 / max(first, 1e-9)))
    times = []
    for _ in range(3 if first > LONGEST / 20 else 5):
        began = time.perf_counter()
        for _ in range(calls):
            function()
        times.append((time.perf_counter() - began) / calls)
    return statistics.median(times)


def times_of(name: str, size: int) -> dict[str, Any] | None:
    """Milliseconds of the kernel, and the reference's over them."""
    call = brought_to(name, size)
    if call is None:
        return None

    def go() -> None:
        host(*call.operands, **call.params)

    host = fuzz_calls.host_of(name)
    with np.errstate(all="ignore"):
        ours = _seconds(go)
        with kernels.disabled():
            theirs = _seconds(go)
    elements = max(a.size for a in fuzz_calls.arrays_in(call.operands))
    return {"ms": ours * 1e3, "reference over ours": theirs / ours, "of": elements}


def errors_of(name: str) -> dict[str, float]:
    """The largest errors of the kernel and of its reference, in units."""
    call = brought_to(name, FEW_ELEMENTS)
    found = None if call is None else fuzz_outcome.outcome(name, call)
    if found is None or not found.accepted or not math.isfinite(found.ours):
        return {}
    return {"error": found.ours, "reference's error": found.theirs}


def main() -> None:
    """Print the figures, and write them as JSON where asked to."""
    parser = parser_of(str(__doc__))
    parser.add_argument("--sizes", type=int, nargs="*", default=SIZES)
    options = parser.parse_args()
    lampas.manual_seed(0)
    figures: dict[str, Any] = {}
    for name in chosen(fuzz_calls.calls(), options):
        figures[name] = {"by size": {}, **errors_of(name)}
        for size in options.sizes:
            if (found := times_of(name, size)) is None:
                continue
            figures[name]["by size"][str(size)] = found
            print(line(f"{name} {size:.0e}", found), flush=True)
            if found["ms"] * found["reference over ours"] > LONGEST * 1e3:
                break
    worst = {
        name: found["error"] / max(found["reference's error"], 1.0)
        for name, found in figures.items()
        if "error" in found
    }
    if worst:
        print("largest error over the reference's:", max(worst, key=worst.__getitem__))
    write(options, figures)


if __name__ == "__main__":
    main()

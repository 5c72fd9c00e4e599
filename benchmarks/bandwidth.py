"""How near elementwise ops on 10^8 floats come to copying memory.

    python benchmarks/bandwidth.py [--only NAME] [--json FILE]

All threads copy 10^8 floats in turn with each op, so that both meet the same machine.
The figure is the bytes that an op must read and write in a second over those copied,
the median over the turns.
"""

from __future__ import annotations

import gc
import statistics
from collections.abc import Callable

import numpy as np
from _machine import copier
from _side_by_side import Figures, chosen, line, parser_of, peer, timed, write

import lampas

FLOATS = 10**8
ROUNDS = 9
# Arrays read or written, each of all floats.
ARRAYS = {
    **dict.fromkeys(("add", "mul", "maximum"), 3),
    **dict.fromkeys(("neg", "abs", "relu", "square", "sqrt", "exp", "sigmoid"), 2),
    **dict.fromkeys(("tanh", "gelu", "silu", "sin"), 2),
    "sum": 1,
}


def shares_of(name: str, copy: Callable[[], object], array: np.ndarray) -> Figures:
    """GB/s of copying and of each side, and the sides' share."""
    sides: dict[str, Callable[[], object]] = {"copying": copy}
    for label, module in (("ours", lampas), ("torch", peer())):
        if module is None:
            continue
        home = module if hasattr(module, name) else module.nn.functional
        x, op = module.from_numpy(array), getattr(home, name)
        given = (x, x.flip(0)) if ARRAYS[name] == 3 else (x,)
        sides[label] = lambda op=op, given=given: op(*given)
    times: dict[str, list[float]] = {label: [] for label in sides}
    for side in sides.values():
        side()
    for _ in range(ROUNDS):
        for label, side in sides.items():
            times[label].append(timed(side, 1))
    moved = dict.fromkeys(sides, 4 * FLOATS * ARRAYS[name])
    moved["copying"] = 8 * FLOATS
    speeds = {k: moved[k] / statistics.median(times[k]) / 1e9 for k in sides}
    found: Figures = {f"{label} GB/s": speed for label, speed in speeds.items()}
    for label, key in (("ours", "of copying"), ("torch", "torch of copying")):
        if label not in sides:
            continue
        pairs = zip(times["copying"], times[label], strict=True)
        share = statistics.median(copied / taken for copied, taken in pairs)
        found[key] = share * moved[label] / moved["copying"]
    return found


def main() -> None:
    """Print the figures, and write them as JSON where asked to."""
    options = parser_of(str(__doc__)).parse_args()
    array = np.random.default_rng(0).random(FLOATS, np.float32)
    copy, figures = copier(FLOATS), {}
    for name in chosen(ARRAYS, options):
        figures[name] = shares_of(name, copy, array)
        print(line(name, figures[name]), flush=True)
        gc.collect()
    write(options, figures)


if __name__ == "__main__":
    main()

"""Time over size, batch, length of a sequence and number of threads, beside PyTorch.

    python benchmarks/curves.py [--only NAME] [--json FILE]

``python -m tools.benchmark_page --plots`` draws the figures.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from types import ModuleType
from typing import Any

from _side_by_side import chosen, compare, line, parser_of, peer, write
from models import convnet, lstm, mlp, transformer
from ops import OPERATIONS, program_of

import lampas

Maker = Callable[[ModuleType, int], Callable[[], object]]


@dataclass(frozen=True)
class Curve:
    """What is timed, over what.

    Attributes:
        over: what grows, with its unit.
        points: how large it is.
        make: ``make(module, point)`` makes what is timed.
    """

    over: str
    points: tuple[int, ...]
    make: Maker


def _operation(name: str) -> Maker:
    return lambda module, size: program_of(OPERATIONS[name], size)(module)


def _with_threads(name: str, size: int) -> Maker:
    def make(module: ModuleType, threads: int) -> Callable[[], object]:
        go = program_of(OPERATIONS[name], size)(module)

        def on_threads() -> None:
            module.set_num_threads(threads)
            go()

        return on_threads

    return make


def _threads() -> tuple[int, ...]:
    return tuple(range(1, len(os.sched_getaffinity(0)) + 1))


SIZES = tuple(10**n for n in range(2, 8))
ROWS = (1, 4, 16, 64, 256)
CURVES: dict[str, Curve] = {
    "gelu by size": Curve("elements", SIZES, _operation("gelu")),
    "softmax by size": Curve("elements", SIZES, _operation("softmax of rows")),
    "matmul by size": Curve("elements", SIZES[:-1], _operation("matmul")),
    "mlp by batch": Curve("rows", ROWS, lambda m, n: mlp(m, n)),
    "convnet by batch": Curve("images", ROWS, lambda m, n: convnet(m, n)),
    "lstm by length": Curve("steps", (8, 32, 128), lambda m, n: lstm(m, n)),
    "transformer by length": Curve(
        "tokens", (16, 64, 256), lambda m, n: transformer(m, n)
    ),
    "gelu by threads": Curve("threads", _threads(), _with_threads("gelu", 10**7)),
    "matmul by threads": Curve("threads", _threads(), _with_threads("matmul", 10**6)),
    "conv 3x3 by threads": Curve(
        "threads", _threads(), _with_threads("conv 3x3", 10**6)
    ),
}


def figures_of(curve: Curve) -> dict[str, Any]:
    """Milliseconds of each side at each point."""
    found: dict[str, Any] = {"over": curve.over, "points": list(curve.points)}
    rows = [
        compare(lambda m, p=point: curve.make(m, p), rounds=5, seconds=0.7)
        for point in curve.points
    ]
    found["ms"] = [row["ms"] for row in rows]
    if all(row["torch over ours"] is not None for row in rows):
        found["torch's ms"] = [row["ms"] * row["torch over ours"] for row in rows]  # type: ignore[operator]
    return found


def main() -> None:
    """Print the figures, and write them as JSON where asked to."""
    options = parser_of(str(__doc__)).parse_args()
    before = lampas.get_num_threads()
    figures = {}
    for name in chosen(CURVES, options):
        figures[name] = figures_of(CURVES[name])
        shown = {
            str(point): ms
            for point, ms in zip(
                figures[name]["points"], figures[name]["ms"], strict=True
            )
        }
        print(line(name, shown), flush=True)
        for module in (lampas, peer()):
            if module is not None:
                module.set_num_threads(before)
    write(options, figures)


if __name__ == "__main__":
    main()

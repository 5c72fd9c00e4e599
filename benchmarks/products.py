"""GFLOP/s of matrix products in float32 beside NumPy's and PyTorch's.

    python benchmarks/products.py [--only lampas] [--json FILE]

The sides take turns, so that the machine's drift hits all alike, each in a process of
its own: a library's threads wait busily for some time after each call, and would take
cores from the next side.
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import time
from contextlib import ExitStack
from pathlib import Path

from _gflops import SHAPES
from _side_by_side import chosen, line, parser_of, peer, write

SIDES = ["lampas", "numpy", *(["torch"] if peer() is not None else [])]
ROUNDS = 9
REST = 0.02  # seconds in which the threads of the side before fall asleep
ALONE = Path(__file__).with_name("_gflops.py")


class Side:
    """A process in which one module multiplies."""

    def __init__(self, module: str, stack: ExitStack) -> None:
        command = [sys.executable, str(ALONE), module]
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
        self._process = stack.enter_context(
            subprocess.Popen(command, text=True, **pipes)
        )

    def turn(self, shape: int) -> float:
        """GFLOP/s of a turn with one of the shapes."""
        process = self._process
        assert process.stdin is not None and process.stdout is not None
        time.sleep(REST)
        print(shape, file=process.stdin, flush=True)
        return float(process.stdout.readline())


def main() -> None:
    """Print the figures, and write them as JSON where asked to."""
    options = parser_of(str(__doc__)).parse_args()
    figures: dict[str, dict[str, float | None]] = {}
    with ExitStack() as stack:
        sides = {name: Side(name, stack) for name in chosen(SIDES, options)}
        for index, shape in enumerate(SHAPES):
            turns = [
                {name: side.turn(index) for name, side in sides.items()}
                for _ in range(ROUNDS)
            ]
            name = " x ".join(map(str, shape))
            figures[name] = {
                side: statistics.median(turn[side] for turn in turns) for side in sides
            }
            print(line(name, figures[name]), flush=True)
    write(options, figures)


if __name__ == "__main__":
    main()

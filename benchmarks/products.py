"""GFLOP/s of matrix products in float32 beside NumPy's and PyTorch's.

    python benchmarks/products.py [--only lampas] [--json FILE]

The sides take turns, each in a process of its own: a library's threads wait busily for
some time after each call, and would take cores from the next side.
"""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
from pathlib import Path

from _side_by_side import chosen, line, parser_of, peer, write

SIDES = ["lampas", "numpy", *(["torch"] if peer() is not None else [])]
ROUNDS = 3
ALONE = Path(__file__).with_name("_gflops.py")


def by_shape(side: str) -> dict[str, float]:
    """What one process measures."""
    done = subprocess.run(
        [sys.executable, str(ALONE), side], capture_output=True, text=True, check=True
    )
    return json.loads(done.stdout)


def main() -> None:
    """Print the figures, and write them as JSON where asked to."""
    options = parser_of(str(__doc__)).parse_args()
    sides = chosen(SIDES, options)
    rounds = [{side: by_shape(side) for side in sides} for _ in range(ROUNDS)]
    figures: dict[str, dict[str, float | None]] = {}
    for shape in rounds[0][sides[0]]:
        figures[shape] = {
            side: statistics.median(found[side][shape] for found in rounds)
            for side in sides
        }
        print(line(shape, figures[shape]), flush=True)
    write(options, figures)


if __name__ == "__main__":
    main()

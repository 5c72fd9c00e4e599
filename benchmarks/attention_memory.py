"""How much resident memory attention takes, forward and backward, by length.

    python benchmarks/attention_memory.py [--only causal] [--json FILE]

Each case runs in a process of its own, on 4 heads of 64. What is told is by how much
the most memory held grew, over the size of inputs, output, cotangent and gradients. A
figure above 1.3 makes the exit status 1.
"""

from __future__ import annotations

import resource
import subprocess
import sys
from pathlib import Path

import numpy as np
from _side_by_side import chosen, line, parser_of, write

import lampas

HEADS, WIDTH = 4, 64
LENGTHS = (2048, 8192)
CASES = {
    f"{length} positions{', causal' * causal}": (length, causal)
    for length in LENGTHS
    for causal in (False, True)
}
MOST = 1.3


def most_held() -> int:
    """The most bytes that this process has held so far."""
    if sys.platform == "darwin":
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    # On Linux ru_maxrss begins with what the process that started this one had held.
    fields = Path("/proc/self/status").read_text().split()
    return int(fields[fields.index("VmHWM:") + 1]) * 1024


def attend(length: int, causal: bool) -> int:
    """Go forward and backward once; the bytes of all arrays that this is about."""
    rng = np.random.default_rng(0)
    shape = (1, HEADS, length, WIDTH)
    arrays = [rng.standard_normal(shape, np.float32) for _ in range(4)]
    query, key, value = (lampas.from_numpy(a).requires_grad_() for a in arrays[:3])
    attention = lampas.nn.functional.scaled_dot_product_attention
    out = attention(query, key, value, is_causal=causal)
    out.backward(lampas.from_numpy(arrays[3]))
    return 8 * arrays[0].nbytes


def measure(length: int, causal: bool) -> None:
    """Print the bytes of the arrays, and by how much memory grew."""
    attend(64, causal)  # loads what is loaded late, and starts the threads
    before = most_held()
    size = attend(length, causal)
    print(size, most_held() - before)


def growth(length: int, causal: bool) -> tuple[int, int]:
    """What :func:`measure` prints, in a process of its own."""
    code = f"import attention_memory as a; a.measure({length}, {causal})"
    command = [sys.executable, "-c", code]
    done = subprocess.run(
        command, cwd=Path(__file__).parent, capture_output=True, text=True, check=True
    )
    size, grown = done.stdout.split()
    return int(size), int(grown)


def main() -> int:
    """Print the figures; 1 where one is missed."""
    options = parser_of(str(__doc__)).parse_args()
    figures = {}
    for name in chosen(CASES, options):
        size, grown = growth(*CASES[name])
        figures[name] = {"MB": size / 1e6, "growth over that": grown / size}
        print(line(name, figures[name]), flush=True)
    write(options, figures)
    return int(any(found["growth over that"] > MOST for found in figures.values()))


if __name__ == "__main__":
    sys.exit(main())

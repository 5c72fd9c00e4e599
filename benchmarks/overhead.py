"""What a call costs: lampas over NumPy's own call, and over PyTorch where installed.

    python benchmarks/overhead.py [--json FILE]

Every figure is the best of several rounds, alternating between the two sides, so that
the machine's drift hits both alike. ``nox -s budgets`` asserts the ratios.
"""

from __future__ import annotations

import importlib
import importlib.util
import timeit
from collections.abc import Callable

import numpy as np
from _side_by_side import chosen, parser_of, write

import lampas
from lampas import nn

ROUNDS = 15
CALLS = 4000


def best_ratio(
    ours: Callable[[], object], base: Callable[[], object], calls: int = CALLS
) -> float:
    """The best time of ``ours`` over the best time of ``base``."""
    times = [[], []]
    for _ in range(ROUNDS):
        for side, function in enumerate((ours, base)):
            times[side].append(timeit.timeit(function, number=calls))
    return min(times[0]) / min(times[1])


def _operand(kind: str, array: np.ndarray) -> lampas.Tensor:
    if kind == "parameter":
        return nn.Parameter(lampas.from_numpy(array.copy()))
    return lampas.from_numpy(array.copy())


def call_costs() -> dict[str, float]:
    """Ratio to NumPy's call on 8x8 float32, by op, operand and whether recorded."""
    a, b = (np.random.default_rng(s).random((8, 8), np.float32) for s in (0, 1))
    costs: dict[str, float] = {}
    for kind in ("tensor", "parameter"):
        x, y = _operand(kind, a), _operand(kind, b)
        for recorded in (False, True):
            x.requires_grad_(recorded)
            y.requires_grad_(recorded)
            label = f"{kind} {'recorded' if recorded else 'plain'}"
            costs[f"exp {label}"] = best_ratio(lambda x=x: x.exp(), lambda: np.exp(a))
            costs[f"mul {label}"] = best_ratio(
                lambda x=x, y=y: x * y, lambda: np.multiply(a, b)
            )
    return costs


def _tiny_ops(module: object) -> Callable[[], None]:
    array = np.random.default_rng(0).random((8, 8), np.float32)
    w = module.from_numpy(array).requires_grad_()  # type: ignore[attr-defined]

    def step() -> None:
        w.grad = None
        y = w
        for _ in range(10):
            y = y * w + w
        y.sum().backward()

    return step


def tiny_ops_against_torch() -> float | None:
    """PyTorch's time over ours for 20 small ops forward and backward, if installed."""
    if importlib.util.find_spec("torch") is None:
        return None
    torch = importlib.import_module("torch")
    return 1 / best_ratio(_tiny_ops(lampas), _tiny_ops(torch), calls=100)


def main() -> None:
    """Print the figures, and write them as JSON where asked to."""
    options = parser_of(str(__doc__)).parse_args()
    figures: dict[str, float | None] = dict(call_costs())
    figures["20 tiny ops, torch over ours"] = tiny_ops_against_torch()
    figures = {name: figures[name] for name in chosen(figures, options)}
    for name, value in figures.items():
        print(f"{name:32s} {'-' if value is None else f'{value:.2f}'}")
    write(options, figures)


if __name__ == "__main__":
    main()

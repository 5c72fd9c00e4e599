"""Time single operations, forward and backward, against PyTorch where installed.

python benchmarks/ops.py [--only NAME] [--json FILE]
"""

from __future__ import annotations

from collections.abc import Callable
from types import ModuleType

import numpy as np
from _side_by_side import Program, report


def both_ways(
    shape: tuple[int, ...], apply: Callable[[ModuleType, object], object]
) -> Program:
    """A program that runs ``apply`` on one input, sums, and differentiates."""

    def program(module: ModuleType) -> Callable[[], object]:
        array = np.random.default_rng(0).standard_normal(shape, np.float32)
        x = module.from_numpy(array).requires_grad_()

        def go() -> None:
            x.grad = None
            apply(module, x).sum().backward()  # type: ignore[attr-defined]

        return go

    return program


def convolution(module: ModuleType) -> Callable[[], object]:
    """3x3 convolution of 16 images with 32 channels at 32x32, both ways."""
    layer = module.nn.Conv2d(32, 32, 3, padding=1)
    return both_ways((16, 32, 32, 32), lambda m, x: layer(x))(module)


PROGRAMS: dict[str, Program] = {
    "add 1M": both_ways((1000, 1000), lambda m, x: x + x),
    "exp 1M": both_ways((1000, 1000), lambda m, x: x.exp()),
    "sum rows 1M": both_ways((1000, 1000), lambda m, x: x.sum(1)),
    "matmul 512": both_ways((512, 512), lambda m, x: x @ x),
    "softmax 1M": both_ways((1000, 1000), lambda m, x: m.nn.functional.softmax(x, -1)),
    "layer_norm 1M": both_ways(
        (1000, 1000), lambda m, x: m.nn.functional.layer_norm(x, (1000,))
    ),
    "gelu 1M": both_ways((1000, 1000), lambda m, x: m.nn.functional.gelu(x)),
    "conv 3x3": convolution,
}

if __name__ == "__main__":
    report("Time single operations.", PROGRAMS)

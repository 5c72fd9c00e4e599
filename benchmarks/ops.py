"""Time single operations, forward and backward, by size, against PyTorch.

    python benchmarks/ops.py [--only NAME] [--sizes 100 10000] [--json FILE]

Each is timed on 10^2 to 10^6 elements, some that only pass over memory on 10^8 too
(``bandwidth.py`` says how near they come to copying). "reference" is lampas without its
native kernels.
"""

from __future__ import annotations

import gc
import math
from collections.abc import Callable
from types import ModuleType
from typing import Any

import numpy as np
from _side_by_side import Program, chosen, compare, line, parser_of, write

Operation = Callable[[ModuleType, Any], Any]
SIZES = (10**2, 10**4, 10**6, 10**8)
LARGE = 10**8
ALSO_LARGE = ("abs", "exp", "tanh", "relu", "gelu tanh", "add", "mul", "sum")


def _functional(name: str) -> Operation:
    return lambda m, x: getattr(m.nn.functional, name)(x)


def _top(name: str) -> Operation:
    return lambda m, x: getattr(m, name)(x)


def _binary(name: str) -> Operation:
    return lambda m, x: getattr(m, name)(x, x.detach())


UNARY = (
    "abs cos erf exp expm1 log1p neg reciprocal rsqrt sigmoid sin sqrt square tanh"
).split()
ACTIVATIONS = (
    "relu gelu silu mish elu leaky_relu softplus hardtanh hardsigmoid hardswish "
    "hardshrink softshrink logsigmoid relu6 selu softsign"
).split()

PASSING: dict[str, Operation] = {
    **{name: _top(name) for name in UNARY},
    **{name: _functional(name) for name in ACTIVATIONS},
    **{n: _binary(n) for n in ("add", "sub", "mul", "div", "maximum", "minimum")},
    "gelu tanh": lambda m, x: m.nn.functional.gelu(x, approximate="tanh"),
    "pow 3": lambda m, x: x**3,
    "clamp": lambda m, x: x.clamp(-0.5, 0.5),
    "where": lambda m, x: m.where(x > 0, x, 0.0),
    "dropout": lambda m, x: m.nn.functional.dropout(x, 0.1),
    "sum": lambda m, x: x.sum(),
    "mean": lambda m, x: x.mean(),
    "to float64": lambda m, x: x.double(),
}
"""Of one dimension, and of any size."""


def _rows(operation: Operation) -> Operation:
    """On rows of up to 1024."""

    def on_rows(m: ModuleType, x: Any) -> Any:
        width = 1 << min(10, int(math.log2(x.numel()) / 2))
        return operation(m, x[: x.numel() // width * width].reshape(-1, width))

    return on_rows


def _square(operation: Operation) -> Operation:
    """On a square matrix."""

    def on_square(m: ModuleType, x: Any) -> Any:
        side = math.isqrt(x.numel())
        return operation(m, x[: side * side].reshape(side, side))

    return on_square


def _images(operation: Operation) -> Operation:
    """On images of 16 channels, 32 high and wide where there are that many elements."""

    def on_images(m: ModuleType, x: Any) -> Any:
        side = min(32, math.isqrt(x.numel() // 4))
        channels = max(1, min(16, x.numel() // side**2))
        image = channels * side * side
        count = x.numel() // image
        return operation(m, x[: count * image].reshape(count, channels, side, side))

    return on_images


def _layer_norm(m: ModuleType, x: Any) -> Any:
    ones = m.ones(x.shape[-1], requires_grad=True)
    return m.nn.functional.layer_norm(x, (x.shape[-1],), ones, ones)


def _batch_norm(m: ModuleType, x: Any) -> Any:
    return m.nn.functional.batch_norm(x, None, None, training=True)


def _cross_entropy(m: ModuleType, x: Any) -> Any:
    return m.nn.functional.cross_entropy(x, m.arange(x.shape[0]) % x.shape[1])


def _embedding(m: ModuleType, x: Any) -> Any:
    return m.nn.functional.embedding(m.arange(x.shape[0]) // 2, x)


def _attention(m: ModuleType, x: Any) -> Any:
    digits = int(math.log2(x.numel()))
    width, length = 1 << min(6, digits // 3), 1 << min(7, digits // 3)
    whole = x.numel() // (width * length) * width * length
    heads = x[:whole].reshape(-1, length, width)
    return m.nn.functional.scaled_dot_product_attention(heads, heads, heads)


def _convolution(k: int, groups: bool = False) -> Operation:
    def convolved(m: ModuleType, x: Any) -> Any:
        c = x.shape[1]
        weight = m.ones(c, 1 if groups else c, k, k, requires_grad=True)
        count = c if groups else 1
        return m.nn.functional.conv2d(x, weight, padding=k // 2, groups=count)

    return convolved


OTHERS: dict[str, Operation] = {
    **{
        f"{n} of rows": _rows(lambda m, x, n=n: getattr(m, n)(x, -1))
        for n in ("softmax", "log_softmax", "logsumexp", "cumsum", "amax", "var", "sum")
    },
    "sum of columns": _rows(lambda m, x: x.sum(0)),
    "norm of rows": _rows(lambda m, x: m.linalg.vector_norm(x, dim=-1)),
    "layer_norm": _rows(_layer_norm),
    "batch_norm": _images(_batch_norm),
    "cross_entropy": _rows(_cross_entropy),
    "embedding": _rows(_embedding),
    "sort of rows": _rows(lambda m, x: m.sort(x, -1)[0]),
    "transposed copy": _square(lambda m, x: x.t().contiguous()),
    "cat": lambda m, x: m.cat([x, x]),
    "matmul": _square(lambda m, x: x @ x),
    "linear": _square(lambda m, x: m.nn.functional.linear(x, x, x[0])),
    "attention": _attention,
    "conv 3x3": _images(_convolution(3)),
    "conv 1x1": _images(_convolution(1)),
    "conv 3x3 of each channel": _images(_convolution(3, groups=True)),
    "max_pool 2x2": _images(lambda m, x: m.nn.functional.max_pool2d(x, 2)),
    "avg_pool 2x2": _images(lambda m, x: m.nn.functional.avg_pool2d(x, 2)),
}
"""Whose work is more than passing over memory, or that need a shape."""

WHOLE: dict[str, Operation] = {
    **{f"{name} (no gradient)": _binary(name) for name in ("eq", "lt", "ge")},
    "argmax of rows": _rows(lambda m, x: m.argmax(x, -1)),
    "exp (no gradient)": _top("exp"),
    "add (no gradient)": _binary("add"),
    "softmax of rows (no gradient)": _rows(lambda m, x: m.softmax(x, -1)),
}
"""Timed forward only."""


def program_of(operation: Operation, size: int, both: bool = True) -> Program:
    """The operation on so many numbers over 0.1, with its gradient if ``both``."""

    def program(module: ModuleType) -> Callable[[], object]:
        array = np.random.default_rng(0).random(size, np.float32) + np.float32(0.1)
        x = module.from_numpy(array).requires_grad_(both)
        if not both:
            return lambda: operation(module, x)
        y = operation(module, x)
        slope = module.ones(y.shape, dtype=y.dtype)

        def go() -> None:
            x.grad = None
            operation(module, x).backward(slope)

        return go

    return program


OPERATIONS: dict[str, Operation] = {**PASSING, **OTHERS, **WHOLE}


def main() -> None:
    """Print the figures, and write them as JSON where asked to."""
    parser = parser_of(str(__doc__))
    parser.add_argument("--sizes", type=int, nargs="*", default=SIZES)
    options = parser.parse_args()
    figures: dict[str, Any] = {}
    for name in chosen(OPERATIONS, options):
        for size in options.sizes:
            large = size >= LARGE
            if large and name not in ALSO_LARGE:
                continue
            program = program_of(OPERATIONS[name], size, name not in WHOLE)
            found = compare(program, rounds=5, seconds=0.4, reference=not large)
            figures.setdefault(name, {})[str(size)] = found
            print(line(f"{name} {size:.0e}", found), flush=True)
            gc.collect()
    write(options, figures)


if __name__ == "__main__":
    main()

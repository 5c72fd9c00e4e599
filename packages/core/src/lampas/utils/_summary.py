"""A model's layers as a table: what they give out, hold and compute."""

from __future__ import annotations

import math
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from lampas.dtypes import DType, float32
from lampas.engine.intercept import Interceptor
from lampas.engine.modes import no_grad
from lampas.engine.record import Record
from lampas.engine.tensor import Tensor
from lampas.errors import ArgumentError, ArgumentTypeError
from lampas.nn.module import Module
from lampas.nn.parameter import is_lazy
from lampas.ops.create import zeros

__all__ = ["LayerSummary", "ModelSummary", "summary"]


@dataclass
class LayerSummary:
    """One layer of a model.

    Attributes:
        name: where it stands in the model, ``"features.0"``; empty for the model.
        kind: the name of its class.
        depth: the number of modules around it.
        output: the shape of its output, of the first one where it gives several.
        parameters: the number of weights in it and in what it holds.
        multiply_adds: of the products computed while it ran.
    """

    name: str
    kind: str
    depth: int
    output: tuple[int, ...] = ()
    parameters: int = 0
    multiply_adds: int = 0


@dataclass
class ModelSummary:
    """What :func:`summary` found; printed, a table.

    Attributes:
        layers: the model and its layers, in the order of the model.
        parameters, trainable: numbers of weights, each counted once.
        multiply_adds: of one call with the given input.
        parameter_bytes, output_bytes: memory of weights and buffers, and of the outputs
            of the layers that hold no other.
        shown: how deep the table goes.
    """

    layers: list[LayerSummary] = field(default_factory=list)
    parameters: int = 0
    trainable: int = 0
    multiply_adds: int = 0
    parameter_bytes: int = 0
    output_bytes: int = 0
    shown: int = 3

    def __str__(self) -> str:
        titles = ("layer", "kind", "output", "parameters", "multiply-adds")
        rows: list[tuple[str, ...]] = [titles]
        for layer in self.layers:
            if layer.depth <= self.shown:
                rows.append(_row(layer))
        widths = [max(len(row[i]) for row in rows) for i in range(5)]
        lines = [_line(row, widths) for row in rows]
        rule = "-" * max(map(len, lines))
        totals = [
            f"parameters     {self.parameters:,} ({self.trainable:,} trainable)",
            f"multiply-adds  {self.multiply_adds:,}",
            f"memory         {self.parameter_bytes / 1e6:.2f} MB of weights, "
            f"{self.output_bytes / 1e6:.2f} MB of outputs",
        ]
        return "\n".join([lines[0], rule, *lines[1:], rule, *totals])


def _row(layer: LayerSummary) -> tuple[str, ...]:
    name = "  " * layer.depth + layer.name.rpartition(".")[2]
    numbers = (f"{n:,}" if n else "-" for n in (layer.parameters, layer.multiply_adds))
    shape = "x".join(map(str, layer.output)) or "-"
    return (name, layer.kind, shape, *numbers)


def _line(row: Sequence[str], widths: Sequence[int]) -> str:
    left = [text.ljust(width) for text, width in zip(row[:3], widths, strict=False)]
    right = [text.rjust(width) for text, width in zip(row[3:], widths[3:], strict=True)]
    return "  ".join([*left, *right]).rstrip()


# ---- counting


def _of_rows(operands: Sequence[Any], result: Any) -> int:
    """Each element of the result is a sum along the last dimension of the first."""
    return math.prod(result.shape) * int(operands[0].shape[-1])


def _of_windows(operands: Sequence[Any], result: Any) -> int:
    return math.prod(result.shape) * math.prod(operands[1].shape[1:])


def _of_transposed_windows(operands: Sequence[Any], result: Any) -> int:
    return math.prod(operands[0].shape) * math.prod(operands[1].shape[1:])


def _of_steps(operands: Sequence[Any], result: Any) -> int:
    """A recurrent layer's products of hidden states; those of inputs are ``linear``."""
    steps, batch = operands[0].shape[:2]
    weights = (math.prod(w.shape) for w in (operands[3], operands[5]))
    return int(steps) * int(batch) * sum(weights)


def _of_weights(operands: Sequence[Any], result: Any) -> int:
    """Each query with each key, and each weight with a value."""
    queries = math.prod(operands[0].shape[:-1])
    keys, width = operands[1].shape[-2:]
    return queries * int(keys) * (int(width) + int(operands[2].shape[-1]))


_PRODUCTS: dict[str, Callable[[Sequence[Any], Any], int]] = {
    "attention": _of_weights,
    "conv": _of_windows,
    "conv_input": _of_transposed_windows,
    "linear": _of_rows,
    "linear_bias": _of_rows,
    "matmul": _of_rows,
    "rnn_scan": _of_steps,
}


class _Running(threading.local):
    """The layers that this thread is in, the innermost last."""

    layers: list[LayerSummary]

    def __init__(self) -> None:
        self.layers = []


_running = _Running()


def _around(record: Record, call: Callable[..., Any]) -> Callable[..., Any] | None:
    count = _PRODUCTS.get(record.name)
    if count is None:
        return None

    def counted(*operands: Any, **params: Any) -> Any:
        result = call(*operands, **params)
        found = count(operands, result)
        for layer in _running.layers:
            layer.multiply_adds += found
        return result

    return counted


_COUNTER = Interceptor(_around, operators=True)


def _first_tensor(value: Any) -> Tensor | None:
    if isinstance(value, Tensor):
        return value
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, (tuple, list)):
        found = (_first_tensor(v) for v in value)
        return next((x for x in found if x is not None), None)
    return None


def _weights(module: Module) -> int:
    return sum(p.numel() for p in module.parameters())


def _layers(model: Module) -> list[tuple[Module, LayerSummary]]:
    return [
        (
            module,
            LayerSummary(
                name,
                type(module).__name__,
                len(name.split(".")) if name else 0,
                parameters=_weights(module),
            ),
        )
        for name, module in model.named_modules()
    ]


@contextmanager
def _watched(layers: list[tuple[Module, LayerSummary]], result: ModelSummary) -> Any:
    """Note what each layer gives out while it runs."""
    hooks = []
    outside, _running.layers = _running.layers, []

    def enter(layer: LayerSummary) -> Callable[..., None]:
        return lambda *_: _running.layers.append(layer)

    def leave(module: Module, layer: LayerSummary) -> Callable[..., None]:
        inner = any(True for _ in module.children())

        def note(_: Any, __: Any, output: Any) -> None:
            _running.layers.pop()
            first = _first_tensor(output)
            if first is not None:
                layer.output = tuple(first.shape)
                if not inner:
                    result.output_bytes += first.nbytes

        return note

    try:
        for module, layer in layers:
            hooks.append(module.register_forward_pre_hook(enter(layer)))
            hooks.append(module.register_forward_hook(leave(module, layer)))
        _COUNTER.start()
        try:
            yield
        finally:
            _COUNTER.stop()
    finally:
        _running.layers = outside
        for hook in hooks:
            hook.remove()


@contextmanager
def _evaluating(model: Module) -> Iterator[None]:
    """Evaluation mode, and afterwards each module's mode as it was."""
    modes = [(module, module.training) for module in model.modules()]
    model.eval()
    try:
        with no_grad():
            yield
    finally:
        for module, training in modes:
            module.training = training


def _inputs(size: Any, data: Any, dtypes: Any, device: Any) -> tuple[Any, ...]:
    if (size is None) == (data is None):
        given = "both" if data is not None else "neither"
        raise ArgumentError(
            f"summary: give one of input_size and input_data, got {given}"
        )
    if data is not None:
        return tuple(data) if isinstance(data, (tuple, list)) else (data,)
    sizes = [size] if all(isinstance(n, int) for n in size) else list(size)
    chosen: Sequence[DType] = dtypes or [float32] * len(sizes)
    if len(chosen) != len(sizes):
        raise ArgumentError(
            f"summary: dtypes must have one entry for each of the {len(sizes)} inputs, "
            f"got {len(chosen)}"
        )
    pairs = zip(sizes, chosen, strict=True)
    return tuple(zeros(*s, dtype=dtype, device=device) for s, dtype in pairs)


def summary(
    model: Module,
    input_size: Any = None,
    *,
    input_data: Any = None,
    depth: int = 3,
    dtypes: Sequence[DType] | None = None,
    device: Any = None,
) -> ModelSummary:
    """Run a model once and tell what each layer gives out, holds and computes.

    A multiply-add is one product of two numbers added to a sum: those of matrix
    products, convolutions and recurrent steps are counted, where they are computed.
    The model is run in evaluation mode and left as it was.

    Args:
        model: the model.
        input_size: the shape of the input with its batch, or a list of shapes: zeros
            are given to the model.
        input_data: the input itself instead, or a tuple of inputs.
        depth: how many levels of modules the table shows.
        dtypes: of the inputs of ``input_size``; float32 by default.
        device: of the inputs of ``input_size``.

    Raises:
        TypeError: ``model`` is no Module.
        ValueError: both or neither of ``input_size`` and ``input_data``, or weights
            whose sizes are not known yet.

    >>> from lampas import nn
    >>> found = summary(nn.Sequential(nn.Linear(4, 8), nn.ReLU()), (2, 4))
    >>> found.parameters, found.multiply_adds
    (40, 64)
    """
    if not isinstance(model, Module):
        raise ArgumentTypeError(
            f"summary: model must be a Module, got {type(model).__name__}"
        )
    for name, p in model.named_parameters():
        if is_lazy(p):
            raise ArgumentError(
                f"summary: the size of {name} is not known before the model has run "
                "once; call it with an input first"
            )
    inputs = _inputs(input_size, input_data, dtypes, device)
    layers = _layers(model)
    result = ModelSummary([layer for _, layer in layers], shown=depth)
    with _evaluating(model), _watched(layers, result):
        model(*inputs)
    weights: list[Any] = list(model.parameters())
    result.parameters = sum(p.numel() for p in weights)
    result.trainable = sum(p.numel() for p in weights if p.requires_grad)
    held: list[Any] = [*weights, *model.buffers()]
    result.parameter_bytes = sum(x.nbytes for x in held)
    result.multiply_adds = result.layers[0].multiply_adds
    return result

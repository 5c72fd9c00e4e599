"""Stop at the first value that is not finite, and say which module made it."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numpy as np

from lampas.engine.modes import no_grad
from lampas.engine.tensor import Tensor
from lampas.errors import NonFiniteError
from lampas.nn import Module

__all__ = ["check_finite", "find_nonfinite"]


def _tensors(value: Any) -> Iterator[Tensor]:
    if isinstance(value, Tensor):
        yield value
    elif isinstance(value, (list, tuple)):
        for item in value:
            yield from _tensors(item)
    elif isinstance(value, dict):
        for item in value.values():
            yield from _tensors(item)


def _count(value: Any) -> tuple[int, int]:
    """How many NaN and how many infinities a nest of tensors holds."""
    nans = infs = 0
    for tensor in _tensors(value):
        if tensor.is_floating_point() or tensor.is_complex():
            array = tensor.detach().cpu().numpy()
            if array.dtype.kind not in "fc":  # bfloat16 has no ufuncs of its own
                array = array.astype(np.float32)
            nans += int(np.isnan(array).sum())
            infs += int(np.isinf(array).sum())
    return nans, infs


def _counted(value: Any) -> str:
    nans, infs = _count(value)
    return f"{nans} nan and {infs} inf"


def _bad_parameter(module: Module) -> str | None:
    """The first parameter of the module itself that is not finite."""
    for name, parameter in module.named_parameters(recurse=False):
        if any(_count(parameter)):
            return f"its {name} holds {_counted(parameter)}"
    return None


def find_nonfinite(model: Module, *args: Any, **kwargs: Any) -> tuple[str, str] | None:
    """Run the model once more and find the first module that gives a bad value.

    Modules are asked in the order in which they finish, so the first one with a bad
    output is the one where it began.

    Args:
        model: the model, called as ``model(*args, **kwargs)`` without gradients.

    Returns:
        ``(path, reason)`` of that module ("" is the model itself), or None when every
        output is finite.
    """
    found: list[tuple[str, str]] = []

    def watch(path: str) -> Any:
        def hook(module: Module, inputs: Any, output: Any) -> None:
            if found or not any(_count(output)):
                return
            kind = type(module).__name__
            if any(_count(inputs)):
                reason = f"({kind}) was given {_counted(inputs)}"
            else:
                why = _bad_parameter(module) or "its inputs and parameters are finite"
                reason = f"({kind}) gave {_counted(output)}; {why}"
            found.append((path, reason))

        return hook

    handles = [
        module.register_forward_hook(watch(path))
        for path, module in model.named_modules()
    ]
    try:
        with no_grad():
            model(*args, **kwargs)
    finally:
        for handle in handles:
            handle.remove()
    return found[0] if found else None


def check_finite(loss: Tensor, model: Module, *args: Any, **kwargs: Any) -> float:
    """Return the loss as a number, or name the module that spoiled it.

    Args:
        loss: a tensor of one element.
        model: the model; run again on the batch only when the loss is bad.
        args: the batch, as it was given to ``model``.

    Raises:
        NonFiniteError: the loss is NaN or infinite; its ``module`` is the path of the
            first bad module, or None when every module is finite and the loss is not.
    """
    value = float(loss.item())
    if math.isfinite(value):
        return value
    found = find_nonfinite(model, *args, **kwargs)
    if found is None:
        text = "every module's output is finite: look at the loss function and labels"
    else:
        text = f"the first bad module is {found[0] or 'the model itself'} {found[1]}"
    error = NonFiniteError(f"the loss is {value}; {text}")
    error.module = found[0] if found else None
    raise error

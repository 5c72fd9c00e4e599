"""What NumPy complains about inside an op, said in the words of its caller."""

from __future__ import annotations

from typing import Any

import numpy as np

from lampas.engine.exhausted import out_of_memory
from lampas.engine.record import Record
from lampas.engine.tensor import Tensor
from lampas.errors import (
    DimensionError,
    DTypeError,
    LampasError,
    LinAlgError,
    ShapeError,
)

__all__ = ["FAULTS", "argument_name", "explain", "translated"]

FAULTS = (ValueError, TypeError, np.linalg.LinAlgError, MemoryError)


def translated(
    record: Record, operands: tuple[Any, ...], error: Exception
) -> Exception:
    """The error to raise for one that NumPy raised inside a forward."""
    if isinstance(error, LampasError):
        return error
    if isinstance(error, MemoryError):
        return out_of_memory(record.name, error)
    if isinstance(error, np.exceptions.AxisError):
        return DimensionError(f"{record.name}: {error}")
    if isinstance(error, TypeError):
        return _untyped(record, operands) if "ufunc" in str(error) else error
    if isinstance(error, np.linalg.LinAlgError):
        return LinAlgError(f"{record.name}: {error}")
    return explain(record, operands, error)


def explain(record: Record, operands: tuple[Any, ...], error: Exception) -> ShapeError:
    """NumPy's complaint as an error that names the operands and their shapes."""
    shapes = []
    for i, x in enumerate(operands):
        name = argument_name(record, i)
        shape = tuple(x._data.shape) if isinstance(x, Tensor) else "a number"
        shapes.append(f"{name} is {shape}")
    text = str(error)
    if "broadcast" in text:
        text = "the shapes can't be broadcast: sizes must match or be 1"
    return ShapeError(f"{record.name}: {', '.join(shapes)}; {text}")


def _untyped(record: Record, operands: tuple[Any, ...]) -> DTypeError:
    names = ", ".join(str(x.dtype) for x in operands if isinstance(x, Tensor))
    return DTypeError(f"{record.name} is not implemented for {names}")


def argument_name(record: Record, index: int) -> str:
    """The name that users know: rules call the first input x, functions input."""
    name = record.inputs[min(index, len(record.inputs) - 1)]
    return {"x": "input", "xs": "tensors"}.get(name, name)

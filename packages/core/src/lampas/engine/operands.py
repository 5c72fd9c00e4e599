"""Where the operands of an op lie, and in what it computes on halves."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from lampas.backend.device import CPU, backend_of, from_host, namespace_of
from lampas.dtypes import HALVES
from lampas.engine.modes import silence, unsilence
from lampas.engine.record import Record
from lampas.engine.tensor import Tensor
from lampas.engine.tracer import refuse_leaked
from lampas.errors import DeviceError

__all__ = [
    "NUMBERS",
    "as_number",
    "half_of",
    "is_operand",
    "one_device",
    "rounded",
    "without_numbers",
]

NUMBERS = (bool, int, float, complex)
_OPERANDS = (Tensor, np.ndarray, np.generic, *NUMBERS)


def is_operand(value: Any) -> bool:
    """Whether an op takes ``value`` in the place of a tensor."""
    return isinstance(value, _OPERANDS)


def one_device(
    record: Record, tensors: list[Tensor], arrays: tuple[Any, ...]
) -> tuple[Any, tuple[Any, ...]]:
    """The array module of all operands; 0-d host tensors may join a device's."""
    if all(type(x._data) is np.ndarray for x in tensors):
        return np, arrays
    refuse_leaked(record, tensors)
    devices = [backend_of(x._data) for x in tensors]
    away = next(d for d in devices if d != CPU)
    lead = next(x._data for x in tensors if backend_of(x._data) == away)
    moved = []
    for array in arrays:
        device = backend_of(array) if hasattr(array, "shape") else away
        if device != away:
            if device == CPU and array.ndim == 0:
                array = from_host(np.asarray(array), away)
            else:
                shown = ", ".join(str(d) for d in devices)
                raise DeviceError(
                    f"{record.name}: expected all tensors to be on the same device, "
                    f"got {shown}; move them with .to(device)"
                )
        moved.append(array)
    return namespace_of(lead), tuple(moved)


def half_of(record: Record, tensors: Iterable[Tensor]) -> Any:
    """The half-precision dtype that the op widens, or None."""
    if not record.widen:
        return None
    for x in tensors:
        if x._data.dtype in HALVES:
            return x._data.dtype
    return None


def rounded(result: Any, half: Any) -> Any:
    """Results computed in float32 as halves again."""
    if isinstance(result, (tuple, list)):
        return tuple(rounded(r, half) for r in result)
    if result.dtype != np.float32:
        return result
    token = silence()
    try:
        return result.astype(half)
    finally:
        unsilence(token)


def as_number(value: Any, target: np.dtype, arity: int) -> Any:
    """A Python number in the form in which NumPy computes with it in ``target``."""
    if target.kind in "iu" and isinstance(value, int):
        info = np.iinfo(target)
        if not info.min <= value <= info.max:
            return np.asarray(value).astype(target)[()]
        return int(value)
    if target.kind == "b":
        return np.bool_(value)
    if target in HALVES:
        # Numbers are not rounded to half before they are used, as in PyTorch.
        return float(value) if not isinstance(value, complex) else value
    return value if arity > 1 else np.asarray(value, target)[()]


def without_numbers(arrays: tuple[Any, ...]) -> tuple[Any, ...]:
    """Operands with numbers made 0-d arrays: rules may take numbers for arrays."""
    dtype = next(a.dtype for a in arrays if hasattr(a, "dtype"))
    return tuple(np.asarray(a, dtype) if isinstance(a, NUMBERS) else a for a in arrays)

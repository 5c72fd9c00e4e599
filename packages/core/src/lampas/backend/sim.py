"""Device ``sim``: NumPy behind an address space of its own.

Its arrays compute as NumPy's do but refuse to meet host arrays, and each copy between
host and device is counted. Every path that a GPU would take can so be tested on a
machine without one.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from lampas.errors import DeviceError

__all__ = ["SimArray", "namespace", "transfers"]

transfers = {"to_device": 0, "to_host": 0}
"""How many arrays were copied in each direction since the process began."""


def _inner(value: Any) -> Any:
    """Return ``value`` with every SimArray in it seen as a plain array."""
    if isinstance(value, SimArray):
        return value.view(np.ndarray)
    if isinstance(value, np.ndarray) and value.ndim > 0:
        raise DeviceError(
            "an array on 'sim' met one on 'cpu'; move one of them with .to(device)"
        )
    if isinstance(value, (list, tuple)):
        return type(value)(_inner(v) for v in value)
    return value


def _outer(value: Any) -> Any:
    """Return ``value`` with every plain array in it seen as a SimArray."""
    if isinstance(value, (np.ndarray, np.generic)):
        return np.asarray(value).view(SimArray)
    if isinstance(value, (list, tuple)) and not hasattr(value, "_fields"):
        return type(value)(_outer(v) for v in value)
    return value


class SimArray(np.ndarray):
    """An array in the simulated device's memory."""

    def __array_ufunc__(
        self, ufunc: Any, method: str, *inputs: Any, out: Any = None, **kwargs: Any
    ) -> Any:
        if out is not None:
            kwargs["out"] = _inner(out)
        kwargs = {name: _inner(value) for name, value in kwargs.items()}
        result = getattr(ufunc, method)(*map(_inner, inputs), **kwargs)
        return _outer(result) if out is None else out[0]

    def __array_function__(self, func: Any, types: Any, args: Any, kwargs: Any) -> Any:
        kwargs = {name: _inner(value) for name, value in kwargs.items()}
        return _outer(func(*_inner(tuple(args)), **kwargs))

    def __getitem__(self, index: Any) -> Any:
        return _outer(self.view(np.ndarray)[_inner(index)])

    def __setitem__(self, index: Any, value: Any) -> None:
        self.view(np.ndarray)[_inner(index)] = _inner(value)


class _Namespace:
    """NumPy's functions, taking and giving arrays of the simulated device."""

    def __getattr__(self, name: str) -> Any:
        found = getattr(np, name)
        if isinstance(found, type) or not callable(found):
            return found
        wrapped = _on_device(found)
        setattr(self, name, wrapped)
        return wrapped


def _on_device(function: Callable[..., Any]) -> Callable[..., Any]:
    def call(*args: Any, **kwargs: Any) -> Any:
        kwargs = {name: _inner(value) for name, value in kwargs.items()}
        return _outer(function(*_inner(args), **kwargs))

    return call


namespace = _Namespace()


def from_host(array: np.ndarray) -> SimArray:
    """Copy a host array to the device."""
    transfers["to_device"] += 1
    return array.copy().view(SimArray)


def to_host(array: SimArray) -> np.ndarray:
    """Copy an array of the device to the host."""
    transfers["to_host"] += 1
    return array.view(np.ndarray).copy()

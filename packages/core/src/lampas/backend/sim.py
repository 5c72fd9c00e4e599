"""Device ``sim``: NumPy behind an address space of its own.

Its arrays compute as NumPy's do but refuse to meet host arrays, and each copy between
host and device is counted. Every path that a GPU would take can so be tested on a
machine without one.
"""

from __future__ import annotations

from collections.abc import Callable
from types import ModuleType
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
    if hasattr(value, "_fields"):
        return type(value)(*map(_outer, value))
    if isinstance(value, (list, tuple)):
        return type(value)(_outer(v) for v in value)
    return value


def _plain_index(index: Any) -> Any:
    """An index in NumPy's terms; positions may lie on the host, as for CuPy."""
    if isinstance(index, tuple):
        return tuple(_plain_index(i) for i in index)
    return index.view(np.ndarray) if isinstance(index, SimArray) else index


class SimArray(np.ndarray):
    """An array in the simulated device's memory."""

    def __array_ufunc__(
        self, ufunc: Any, method: str, *inputs: Any, out: Any = None, **kwargs: Any
    ) -> Any:
        kwargs = {name: _inner(value) for name, value in kwargs.items()}
        if out is not None:
            kwargs["out"] = _inner(out)
        result = getattr(ufunc, method)(*map(_inner, inputs), **kwargs)
        return _outer(result) if out is None else out[0]

    def __array_function__(self, func: Any, types: Any, args: Any, kwargs: Any) -> Any:
        kwargs = {name: _inner(value) for name, value in kwargs.items()}
        return _outer(func(*_inner(tuple(args)), **kwargs))

    def __getitem__(self, index: Any) -> Any:
        return _outer(self.view(np.ndarray)[_plain_index(index)])

    def __setitem__(self, index: Any, value: Any) -> None:
        self.view(np.ndarray)[_plain_index(index)] = _inner(value)

    def nonzero(self) -> Any:
        return _outer(self.view(np.ndarray).nonzero())


class _Namespace:
    """A module of NumPy's functions, taking and giving arrays of the device."""

    def __init__(self, module: ModuleType) -> None:
        self._module = module

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._module, name)
        if isinstance(found, ModuleType):
            return _Namespace(found)
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


def from_host(array: np.ndarray) -> SimArray:
    """Copy a host array to the device."""
    transfers["to_device"] += 1
    return array.copy().view(SimArray)


def _asarray(value: Any, dtype: Any = None) -> SimArray:
    """CuPy's ``asarray``: what is on the host is copied to the device."""
    if isinstance(value, SimArray):
        return value if dtype is None else value.astype(dtype, copy=False)
    return from_host(np.asarray(value, dtype))


namespace = _Namespace(np)
namespace.asarray = _asarray  # type: ignore[attr-defined]


def to_host(array: SimArray) -> np.ndarray:
    """Copy an array of the device to the host."""
    transfers["to_host"] += 1
    return array.view(np.ndarray).copy()

"""Devices by name, and which of them an array lives on."""

from __future__ import annotations

import threading
from typing import Any

import numpy as np

from lampas.backend import cupy as cupy_backend
from lampas.backend import sim
from lampas.errors import ArgumentTypeError, DeviceError

__all__ = [
    "Device",
    "backend_of",
    "chosen_device",
    "from_host",
    "get_default_device",
    "namespace_of",
    "set_default_device",
    "to_host",
]

_TYPES = ("cpu", "cuda", "sim")


class Device:
    """A place where tensors live: ``cpu``, ``cuda``, ``cuda:1``, ``sim``.

    In a ``with`` block it is where new tensors live that are not told otherwise.

    Args:
        type: one of the names above, or another Device.
        index: which card, for ``cuda``.

    Raises:
        RuntimeError: no such kind of device.

    >>> import lampas
    >>> lampas.device("cuda:1").index
    1
    >>> with lampas.device("sim"):
    ...     lampas.ones(2).device.type
    'sim'
    """

    __slots__ = ("index", "type")

    def __init__(self, type: str | int | Device, index: int | None = None) -> None:
        if isinstance(type, Device):
            type, index = type.type, type.index
        if isinstance(type, int):
            type, index = "cuda", type
        if not isinstance(type, str):
            raise ArgumentTypeError(f"device must be a string, got {type!r}")
        kind, _, number = type.partition(":")
        if kind not in _TYPES or (number and not number.isdigit()):
            names = ", ".join(_TYPES)
            raise DeviceError(f"device must be one of {names}, got {type!r}")
        self.type = kind
        self.index = int(number) if number else index

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Device):
            return NotImplemented
        return (self.type, self.index) == (other.type, other.index)

    def __hash__(self) -> int:
        return hash((self.type, self.index))

    def __str__(self) -> str:
        return self.type if self.index is None else f"{self.type}:{self.index}"

    def __repr__(self) -> str:
        index = "" if self.index is None else f", index={self.index}"
        return f"device(type='{self.type}'{index})"

    def __enter__(self) -> Device:
        _defaults.blocks.append(self)
        return self

    def __exit__(self, *error: object) -> None:
        _defaults.blocks.pop()


class _Defaults(threading.local):
    """Of each thread: the default device that was set, and the blocks inside it."""

    def __init__(self) -> None:
        self.base: Device | None = None
        self.blocks: list[Device] = []


_defaults = _Defaults()

CPU = Device("cpu")
_SIM = Device("sim", 0)


def chosen_device() -> Device | None:
    """The default device if one was chosen, else None."""
    blocks = _defaults.blocks
    return blocks[-1] if blocks else _defaults.base


def get_default_device() -> Device:
    """Where new tensors of this thread live that are not told otherwise.

    >>> import lampas
    >>> lampas.get_default_device()
    device(type='cpu')
    """
    device = chosen_device() or CPU
    return Device("cuda", device.index or 0) if device.type == "cuda" else device


def set_default_device(device: Device | str | int | None) -> None:
    """Choose where new tensors of this thread live that are not told otherwise.

    Tensors of arrays (:func:`lampas.from_numpy`) and files are not concerned.

    Args:
        device: None for host memory.

    Raises:
        RuntimeError: no such kind of device.

    >>> import lampas
    >>> lampas.set_default_device("sim")
    >>> lampas.zeros(2).device.type
    'sim'
    >>> lampas.set_default_device(None)
    """
    _defaults.base = None if device is None else Device(device)


def backend_of(array: Any) -> Device:
    """The device on which an array lives."""
    kind = type(array)
    if kind is np.ndarray:
        return CPU
    if kind is sim.SimArray:
        return _SIM
    if kind.__module__.startswith("cupy"):
        return Device("cuda", array.device.id)
    return CPU


def namespace_of(array: Any) -> Any:
    """The module of array functions (NumPy, CuPy or sim's) that serves an array."""
    kind = type(array)
    if kind is np.ndarray:
        return np
    if kind is sim.SimArray:
        return sim.namespace
    if kind.__module__.startswith("cupy"):
        return cupy_backend.namespace()
    return np


def from_host(array: np.ndarray, device: Device) -> Any:
    """Give a host array to ``device``; on the CPU it is not copied."""
    if device.type == "cpu":
        return array
    if device.type == "sim":
        return sim.from_host(array)
    return cupy_backend.from_host(array, device.index or 0)


def to_host(array: Any) -> np.ndarray:
    """Return an array as a NumPy array; one on the CPU is not copied."""
    device = backend_of(array)
    if device.type == "cpu":
        return np.asarray(array)
    if device.type == "sim":
        return sim.to_host(array)
    return cupy_backend.to_host(array)

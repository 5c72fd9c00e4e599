"""Devices by name, and which of them an array lives on."""

from __future__ import annotations

from typing import Any

import numpy as np

from lampas.backend import cupy as cupy_backend
from lampas.backend import sim
from lampas.errors import ArgumentTypeError, DeviceError

__all__ = ["Device", "backend_of", "from_host", "namespace_of", "to_host"]

_TYPES = ("cpu", "cuda", "sim")


class Device:
    """A place where tensors live: ``cpu``, ``cuda``, ``cuda:1``, ``sim``.

    Args:
        type: one of the names above, or another Device.
        index: which card, for ``cuda``.

    Raises:
        RuntimeError: no such kind of device.

    >>> import lampas
    >>> lampas.device("cuda:1").index
    1
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


CPU = Device("cpu")
_SIM = Device("sim", 0)


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

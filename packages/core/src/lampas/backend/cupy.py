"""Device ``cuda``: CuPy, imported when a CUDA device is first asked for."""

from __future__ import annotations

import importlib
import importlib.util
from types import ModuleType
from typing import Any

import numpy as np

from lampas.errors import DeviceError

__all__ = ["from_host", "is_available", "namespace", "reason", "to_host"]

_HOW = "install it with: pip install 'lampas[cuda12]' (or 'lampas[cuda13]')"


def reason() -> str | None:
    """Why CUDA cannot be used here, in one line; None where it can."""
    if importlib.util.find_spec("cupy") is None:
        return f"CuPy is not installed; {_HOW}"
    try:
        count = importlib.import_module("cupy").cuda.runtime.getDeviceCount()
    except (ImportError, RuntimeError) as error:
        return f"CuPy is installed but does not work: {error}"
    return None if count else "the driver reports no CUDA device"


def is_available() -> bool:
    """Whether a CUDA device can be used."""
    return reason() is None


def namespace() -> ModuleType:
    """CuPy itself.

    Raises:
        DeviceError: with the reason why there is no CUDA device.
    """
    why = reason()
    if why is not None:
        raise DeviceError(f"device 'cuda' is not available: {why}")
    return importlib.import_module("cupy")


def from_host(array: np.ndarray, index: int) -> Any:
    """Copy a host array to card ``index``."""
    cupy = namespace()
    with cupy.cuda.Device(index):
        return cupy.asarray(array)


def to_host(array: Any) -> np.ndarray:
    """Copy an array of a card to the host."""
    return array.get()

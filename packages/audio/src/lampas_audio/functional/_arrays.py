"""Between tensors and the arrays on which features are computed."""

from __future__ import annotations

import numpy as np

import lampas
from lampas import Tensor
from lampas.errors import ArgumentTypeError, GradientError

__all__ = ["array_of", "hann_window", "tensor_of"]


def array_of(tensor: Tensor, function: str) -> np.ndarray:
    """The tensor's values.

    Raises:
        TypeError: it is no tensor.
        RuntimeError: it requires a gradient.
    """
    if not isinstance(tensor, Tensor):
        raise ArgumentTypeError(
            f"{function}: expected a lampas.Tensor, got {type(tensor).__name__}"
        )
    if tensor.requires_grad:
        raise GradientError(
            f"{function}: no gradient flows through it; detach() the input"
        )
    return tensor.cpu().numpy()


def tensor_of(array: np.ndarray, like: np.ndarray) -> Tensor:
    """A tensor of the values, in the precision of ``like``."""
    if array.dtype.kind == "c":
        wide = like.dtype in (np.float64, np.complex128)
        dtype: type = np.complex128 if wide else np.complex64
    else:
        dtype = np.float64 if like.dtype in (np.float64, np.complex128) else np.float32
    return lampas.from_numpy(np.ascontiguousarray(array, dtype))


def hann_window(window_length: int, periodic: bool = True) -> Tensor:
    """Hann's window: ``sin(pi n / N) ** 2`` with ``N`` the length, or one less.

    Args:
        window_length: number of values, float32.
        periodic: for frames that overlap; else the window is symmetric.
    """
    steps = window_length if periodic else max(window_length - 1, 1)
    window = np.sin(np.pi * np.arange(window_length) / steps) ** 2
    return lampas.from_numpy(window.astype(np.float32))

"""The window functions of the top namespace: periodic, as :func:`stft` wants them.

A periodic window is one period of a function that repeats: the first ``n`` weights of
the symmetric window of ``n + 1``.
"""

from __future__ import annotations

from typing import Any

from lampas.backend.device import Device
from lampas.dtypes import DType, as_dtype, get_default_dtype
from lampas.engine.tensor import Tensor
from lampas.errors import ArgumentTypeError, DTypeError, ShapeError
from lampas.ops.window_functions import cosine_sum, finished, kaiser_bell, triangle

__all__ = [
    "bartlett_window",
    "blackman_window",
    "hamming_window",
    "hann_window",
    "kaiser_window",
]


def _checked(
    name: str, length: int, periodic: bool, dtype: DType | None
) -> tuple[int, DType]:
    """The period, and the dtype."""
    if not hasattr(length, "__index__"):
        raise ArgumentTypeError(f"{name}: window_length must be an int, got {length!r}")
    if length < 0:
        raise ShapeError(f"{name}: window_length must not be negative, got {length}")
    kind = get_default_dtype() if dtype is None else as_dtype(dtype)
    if not kind.is_floating_point:
        raise DTypeError(f"{name}: dtype must be floating, got {kind}")
    return (length if periodic else length - 1), kind


def hann_window(
    window_length: int,
    periodic: bool = True,
    *,
    dtype: DType | None = None,
    layout: Any = None,
    device: Device | str | None = None,
    pin_memory: bool = False,
    requires_grad: bool = False,
) -> Tensor:
    """The Hann window: ``w[k] = (1 - cos(2 pi k / n)) / 2``.

    Args:
        window_length: how many weights.
        periodic: n is ``window_length``; False: one less, for a symmetric window.
        dtype: floating; the default one by default.
        device, requires_grad: as for :func:`lampas.tensor`.
        layout, pin_memory: accepted; tensors are dense and their memory not pinned.

    Raises:
        RuntimeError: ``window_length`` is negative, or ``dtype`` not floating.

    >>> lampas.hann_window(4)
    tensor([0.0000, 0.5000, 1.0000, 0.5000])
    """
    period, kind = _checked("hann_window", window_length, periodic, dtype)
    values = cosine_sum(window_length, period, (0.5, 0.5))
    return finished(values, kind, device, requires_grad)


def hamming_window(
    window_length: int,
    periodic: bool = True,
    alpha: float = 0.54,
    beta: float = 0.46,
    *,
    dtype: DType | None = None,
    layout: Any = None,
    device: Device | str | None = None,
    pin_memory: bool = False,
    requires_grad: bool = False,
) -> Tensor:
    """The Hamming window: ``w[k] = alpha - beta cos(2 pi k / n)``.

    Args:
        alpha, beta: the factors.
        window_length, periodic, dtype, layout, device, pin_memory, requires_grad: as
            for :func:`hann_window`.

    >>> lampas.hamming_window(4)
    tensor([0.0800, 0.5400, 1.0000, 0.5400])
    """
    period, kind = _checked("hamming_window", window_length, periodic, dtype)
    values = cosine_sum(window_length, period, (alpha, beta))
    return finished(values, kind, device, requires_grad)


def blackman_window(
    window_length: int,
    periodic: bool = True,
    *,
    dtype: DType | None = None,
    layout: Any = None,
    device: Device | str | None = None,
    pin_memory: bool = False,
    requires_grad: bool = False,
) -> Tensor:
    """Blackman's: ``w[k] = 0.42 - 0.5 cos(2 pi k / n) + 0.08 cos(4 pi k / n)``.

    Arguments as for :func:`hann_window`.

    >>> lampas.blackman_window(4)[1:]
    tensor([0.3400, 1.0000, 0.3400])
    """
    period, kind = _checked("blackman_window", window_length, periodic, dtype)
    values = cosine_sum(window_length, period, (0.42, 0.5, 0.08))
    return finished(values, kind, device, requires_grad)


def bartlett_window(
    window_length: int,
    periodic: bool = True,
    *,
    dtype: DType | None = None,
    layout: Any = None,
    device: Device | str | None = None,
    pin_memory: bool = False,
    requires_grad: bool = False,
) -> Tensor:
    """A triangle: ``w[k] = 1 - |2 k / n - 1|``. Arguments as for :func:`hann_window`.

    >>> lampas.bartlett_window(4)
    tensor([0.0000, 0.5000, 1.0000, 0.5000])
    """
    period, kind = _checked("bartlett_window", window_length, periodic, dtype)
    return finished(triangle(window_length, period), kind, device, requires_grad)


def kaiser_window(
    window_length: int,
    periodic: bool = True,
    beta: float = 12.0,
    *,
    dtype: DType | None = None,
    layout: Any = None,
    device: Device | str | None = None,
    pin_memory: bool = False,
    requires_grad: bool = False,
) -> Tensor:
    """Kaiser's: ``w[k] = I0(beta sqrt(1 - (2 k / n - 1) ** 2)) / I0(beta)``.

    Args:
        beta: how narrow it is.
        window_length, periodic, dtype, layout, device, pin_memory, requires_grad: as
            for :func:`hann_window`.

    >>> lampas.kaiser_window(4, beta=1.0)
    tensor([0.7898, 0.9450, 1.0000, 0.9450])
    """
    period, kind = _checked("kaiser_window", window_length, periodic, dtype)
    values = kaiser_bell(window_length, period, beta)
    return finished(values, kind, device, requires_grad)

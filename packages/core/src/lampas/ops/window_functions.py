"""Window functions: weights that fade a piece of a signal in and out.

Each is computed in float64 and rounded once.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from lampas.backend.device import Device
from lampas.dtypes import DType, as_dtype, get_default_dtype
from lampas.engine.tensor import Tensor
from lampas.errors import ArgumentError, ArgumentTypeError
from lampas.ops.create import from_numpy

__all__ = [
    "bartlett",
    "blackman",
    "cosine",
    "cosine_sum",
    "exponential",
    "finished",
    "gaussian",
    "general_cosine",
    "general_hamming",
    "hamming",
    "hann",
    "kaiser",
    "kaiser_bell",
    "nuttall",
    "triangle",
]


# ---- shapes: n weights of a window that repeats after, or ends at, ``period``


def cosine_sum(n: int, period: int, a: Iterable[float]) -> np.ndarray:
    """``sum_i (-1) ** i a[i] cos(2 pi i k / period)`` for k from 0 to n - 1."""
    turns = 2 * np.pi * np.arange(n) / max(period, 1)
    waves = [(-1) ** i * w * np.cos(i * turns) for i, w in enumerate(a)]
    return np.sum(waves, axis=0)


def triangle(n: int, period: int) -> np.ndarray:
    """``1 - |2 k / period - 1|`` for k from 0 to n - 1."""
    return 1 - np.abs(2 * np.arange(n) / max(period, 1) - 1)


def kaiser_bell(n: int, period: int, beta: float) -> np.ndarray:
    """``I0(beta sqrt(1 - (2 k / period - 1) ** 2)) / I0(beta)``, k from 0 to n - 1."""
    away = 2 * np.arange(n) / max(period, 1) - 1
    return np.i0(beta * np.sqrt(np.maximum(1 - away**2, 0))) / np.i0(beta)


def finished(
    values: np.ndarray, dtype: DType, device: Any, requires_grad: bool
) -> Tensor:
    """Weights as a tensor; a window of one weight is 1."""
    if len(values) == 1:
        values = np.ones(1)
    result = from_numpy(values.astype(dtype.numpy)).to(device)  # type: ignore[attr-defined]
    return result.requires_grad_(requires_grad)


def _checked(name: str, M: int, dtype: DType | None) -> DType:
    if M < 0:
        raise ArgumentError(f"{name}: M must not be negative, got {M}")
    kind = get_default_dtype() if dtype is None else as_dtype(dtype)
    if kind.name not in ("float32", "float64"):
        raise ArgumentError(f"{name}: dtype must be float32 or float64, got {kind}")
    return kind


def _period(M: int, sym: bool) -> int:
    return M - 1 if sym else M


def _middle(M: int, sym: bool) -> float:
    return (M if not sym and M > 1 else M - 1) / 2


def _cosines(
    name: str,
    M: int,
    factors: Iterable[float],
    sym: bool,
    dtype: DType | None,
    device: Any,
    requires_grad: bool,
) -> Tensor:
    """A window that is a sum of cosines."""
    kind = _checked(name, M, dtype)
    values = cosine_sum(M, _period(M, sym), factors)
    return finished(values, kind, device, requires_grad)


def general_cosine(
    M: int,
    *,
    a: Iterable[float],
    sym: bool = True,
    dtype: DType | None = None,
    layout: Any = None,
    device: Device | str | None = None,
    requires_grad: bool = False,
) -> Tensor:
    """A sum of cosines: ``w[k] = sum_i (-1) ** i a[i] cos(2 pi i k / (M - 1))``.

    Args:
        M: how many weights.
        a: the factors.
        sym: symmetric, for designing filters; False is one period of a function that
            repeats, for transforms.
        dtype: float32 or float64; the default one by default.
        device, requires_grad: as for :func:`lampas.tensor`.
        layout: accepted; tensors are dense.

    Raises:
        ValueError: ``M`` is negative, ``a`` is empty, or another dtype.
        TypeError: ``a`` is no sequence.

    >>> lampas.signal.windows.general_cosine(3, a=[0.5, 0.5])
    tensor([0., 1., 0.])
    """
    kind = _checked("general_cosine", M, dtype)
    if not isinstance(a, Iterable):
        raise ArgumentTypeError(f"general_cosine: a must be a sequence, got {a!r}")
    factors = list(a)
    if not factors:
        raise ArgumentError("general_cosine: a must not be empty")
    values = cosine_sum(M, _period(M, sym), factors)
    return finished(values, kind, device, requires_grad)


def general_hamming(
    M: int,
    *,
    alpha: float = 0.54,
    sym: bool = True,
    dtype: DType | None = None,
    layout: Any = None,
    device: Device | str | None = None,
    requires_grad: bool = False,
) -> Tensor:
    """A raised cosine: ``w[k] = alpha - (1 - alpha) cos(2 pi k / (M - 1))``.

    Arguments as for :func:`general_cosine`, ``alpha`` instead of ``a``.

    >>> lampas.signal.windows.general_hamming(3, alpha=0.75)
    tensor([0.5000, 1.0000, 0.5000])
    """
    return _cosines(
        "general_hamming", M, (alpha, 1 - alpha), sym, dtype, device, requires_grad
    )


def hamming(
    M: int,
    *,
    sym: bool = True,
    dtype: DType | None = None,
    layout: Any = None,
    device: Device | str | None = None,
    requires_grad: bool = False,
) -> Tensor:
    """The Hamming window: :func:`general_hamming` with ``alpha=0.54``.

    Arguments as for :func:`general_cosine` but ``a``.

    >>> lampas.signal.windows.hamming(3)
    tensor([0.0800, 1.0000, 0.0800])
    """
    return _cosines("hamming", M, (0.54, 0.46), sym, dtype, device, requires_grad)


def hann(
    M: int,
    *,
    sym: bool = True,
    dtype: DType | None = None,
    layout: Any = None,
    device: Device | str | None = None,
    requires_grad: bool = False,
) -> Tensor:
    """The Hann window: ``w[k] = (1 - cos(2 pi k / (M - 1))) / 2``.

    Arguments as for :func:`general_cosine` but ``a``.

    >>> lampas.signal.windows.hann(4, sym=False)
    tensor([0.0000, 0.5000, 1.0000, 0.5000])
    """
    return _cosines("hann", M, (0.5, 0.5), sym, dtype, device, requires_grad)


def blackman(
    M: int,
    *,
    sym: bool = True,
    dtype: DType | None = None,
    layout: Any = None,
    device: Device | str | None = None,
    requires_grad: bool = False,
) -> Tensor:
    """The Blackman window: :func:`general_cosine` of 0.42, 0.5 and 0.08.

    Arguments as for :func:`general_cosine` but ``a``.

    >>> lampas.signal.windows.blackman(4, sym=False)[1:]
    tensor([0.3400, 1.0000, 0.3400])
    """
    return _cosines("blackman", M, (0.42, 0.5, 0.08), sym, dtype, device, requires_grad)


_NUTTALL = (0.3635819, 0.4891775, 0.1365995, 0.0106411)


def nuttall(
    M: int,
    *,
    sym: bool = True,
    dtype: DType | None = None,
    layout: Any = None,
    device: Device | str | None = None,
    requires_grad: bool = False,
) -> Tensor:
    """Nuttall's window with least sidelobes, a sum of four cosines.

    Arguments as for :func:`general_cosine` but ``a``.

    >>> lampas.signal.windows.nuttall(3)
    tensor([3.6280e-04, 1.0000e+00, 3.6280e-04])
    """
    return _cosines("nuttall", M, _NUTTALL, sym, dtype, device, requires_grad)


def bartlett(
    M: int,
    *,
    sym: bool = True,
    dtype: DType | None = None,
    layout: Any = None,
    device: Device | str | None = None,
    requires_grad: bool = False,
) -> Tensor:
    """A triangle: ``w[k] = 1 - |2 k / (M - 1) - 1|``.

    Arguments as for :func:`general_cosine` but ``a``.

    >>> lampas.signal.windows.bartlett(5)
    tensor([0.0000, 0.5000, 1.0000, 0.5000, 0.0000])
    """
    kind = _checked("bartlett", M, dtype)
    values = triangle(M, _period(M, sym))
    return finished(values, kind, device, requires_grad)


def cosine(
    M: int,
    *,
    sym: bool = True,
    dtype: DType | None = None,
    layout: Any = None,
    device: Device | str | None = None,
    requires_grad: bool = False,
) -> Tensor:
    """Half a wave: ``w[k] = sin(pi (k + 0.5) / M)``.

    Arguments as for :func:`general_cosine` but ``a``.

    >>> lampas.signal.windows.cosine(3)
    tensor([0.5000, 1.0000, 0.5000])
    """
    kind = _checked("cosine", M, dtype)
    period = M if sym else M + 1
    values = np.sin(np.pi * (np.arange(M) + 0.5) / max(period, 1))
    return finished(values, kind, device, requires_grad)


def exponential(
    M: int,
    *,
    center: float | None = None,
    tau: float = 1.0,
    sym: bool = True,
    dtype: DType | None = None,
    layout: Any = None,
    device: Device | str | None = None,
    requires_grad: bool = False,
) -> Tensor:
    """An exponential on both sides: ``w[k] = exp(-|k - center| / tau)``.

    Args:
        M: how many weights.
        center: where it is 1, if not symmetric; the middle by default.
        tau: how fast it falls, > 0.
        sym: symmetric, for designing filters; False is one period of a function that
            repeats, for transforms.
        dtype: float32 or float64; the default one by default.
        device, requires_grad: as for :func:`lampas.tensor`.
        layout: accepted; tensors are dense.

    Raises:
        ValueError: ``M`` is negative, ``tau`` is not positive, ``center`` is given for
            a symmetric window, or another dtype.

    >>> lampas.signal.windows.exponential(3)
    tensor([0.3679, 1.0000, 0.3679])
    """
    kind = _checked("exponential", M, dtype)
    if tau <= 0:
        raise ArgumentError(f"exponential: tau must be positive, got {tau}")
    if sym and center is not None:
        raise ArgumentError("exponential: center must be None for symmetric windows")
    middle = _middle(M, sym) if center is None else center
    values = np.exp(-np.abs(np.arange(M) - middle) / tau)
    result = from_numpy(values.astype(kind.numpy)).to(device)  # type: ignore[attr-defined]
    return result.requires_grad_(requires_grad)


def gaussian(
    M: int,
    *,
    std: float = 1.0,
    sym: bool = True,
    dtype: DType | None = None,
    layout: Any = None,
    device: Device | str | None = None,
    requires_grad: bool = False,
) -> Tensor:
    """A bell: ``w[k] = exp(-((k - (M - 1) / 2) / std) ** 2 / 2)``.

    Args:
        M: how many weights.
        std: its width, > 0.
        sym: symmetric, for designing filters; False is one period of a function that
            repeats, for transforms.
        dtype: float32 or float64; the default one by default.
        device, requires_grad: as for :func:`lampas.tensor`.
        layout: accepted; tensors are dense.

    Raises:
        ValueError: ``M`` is negative, ``std`` is not positive, or another dtype.

    >>> lampas.signal.windows.gaussian(3)
    tensor([0.6065, 1.0000, 0.6065])
    """
    kind = _checked("gaussian", M, dtype)
    if std <= 0:
        raise ArgumentError(f"gaussian: std must be positive, got {std}")
    away = (np.arange(M) - _middle(M, sym)) / std
    return finished(np.exp(-(away**2) / 2), kind, device, requires_grad)


def kaiser(
    M: int,
    *,
    beta: float = 12.0,
    sym: bool = True,
    dtype: DType | None = None,
    layout: Any = None,
    device: Device | str | None = None,
    requires_grad: bool = False,
) -> Tensor:
    """Kaiser's: ``w[k] = I0(beta sqrt(1 - (2 k / (M - 1) - 1) ** 2)) / I0(beta)``.

    Args:
        M: how many weights.
        beta: how narrow it is, >= 0.
        sym: symmetric, for designing filters; False is one period of a function that
            repeats, for transforms.
        dtype: float32 or float64; the default one by default.
        device, requires_grad: as for :func:`lampas.tensor`.
        layout: accepted; tensors are dense.

    Raises:
        ValueError: ``M`` or ``beta`` is negative, or another dtype.

    >>> lampas.signal.windows.kaiser(3, beta=1.0)
    tensor([0.7898, 1.0000, 0.7898])
    """
    kind = _checked("kaiser", M, dtype)
    if beta < 0:
        raise ArgumentError(f"kaiser: beta must not be negative, got {beta}")
    values = kaiser_bell(M, _period(M, sym), beta)
    return finished(values, kind, device, requires_grad)

"""How CUDA multiplies and attends: PyTorch's ``torch.backends.cuda``.

All of it tunes speed or trades accuracy for it; it is accepted and changes nothing.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from types import SimpleNamespace

from lampas.backend import cupy as _cupy

__all__ = [
    "cudnn_sdp_enabled",
    "enable_cudnn_sdp",
    "enable_flash_sdp",
    "enable_math_sdp",
    "enable_mem_efficient_sdp",
    "flash_sdp_enabled",
    "is_built",
    "math_sdp_enabled",
    "matmul",
    "mem_efficient_sdp_enabled",
    "sdp_kernel",
]

matmul = SimpleNamespace(
    allow_tf32=False,
    allow_fp16_reduced_precision_reduction=True,
    allow_bf16_reduced_precision_reduction=True,
    fp32_precision="none",
)


def is_built() -> bool:
    """Whether CUDA can be used here."""
    return _cupy.is_available()


def flash_sdp_enabled() -> bool:
    """Whether attention may use FlashAttention: there is none.

    >>> flash_sdp_enabled()
    False
    """
    return False


def mem_efficient_sdp_enabled() -> bool:
    """Whether attention may use a kernel that saves memory: there is none."""
    return False


def cudnn_sdp_enabled() -> bool:
    """Whether attention may use cuDNN: there is none."""
    return False


def math_sdp_enabled() -> bool:
    """Whether attention may be computed by its formula: it always is."""
    return True


def enable_flash_sdp(enabled: bool) -> None:
    """Accepted for PyTorch's sake."""


def enable_mem_efficient_sdp(enabled: bool) -> None:
    """Accepted for PyTorch's sake."""


def enable_cudnn_sdp(enabled: bool) -> None:
    """Accepted for PyTorch's sake."""


def enable_math_sdp(enabled: bool) -> None:
    """Accepted for PyTorch's sake."""


@contextlib.contextmanager
def sdp_kernel(
    enable_flash: bool = True,
    enable_math: bool = True,
    enable_mem_efficient: bool = True,
    enable_cudnn: bool = True,
) -> Iterator[None]:
    """Accepted for PyTorch's sake: attention has one way to be computed."""
    yield

"""``torch.version``: which version lampas says that it is, and built with what."""

from __future__ import annotations

from lampas.backend import cupy as _cupy
from lampas.compat._versions import version_of

__all__ = ["cuda", "debug", "git_version", "hip", "xpu"]

__version__ = version_of("torch")
cuda: str | None = None
if _cupy.is_available():
    _number = _cupy.namespace().cuda.runtime.runtimeGetVersion()
    cuda = f"{_number // 1000}.{_number % 1000 // 10}"
debug = False
git_version = "unknown"
hip = xpu = None

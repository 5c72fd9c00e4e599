"""Mixed precision on the CPU, under the names PyTorch had before ``lampas.amp``."""

from __future__ import annotations

import warnings

from lampas import amp
from lampas.dtypes import DType, bfloat16

__all__ = ["GradScaler", "autocast"]


class autocast(amp.autocast):
    """``lampas.amp.autocast("cpu", ...)``, with a warning that says so.

    Args:
        enabled, dtype, cache_enabled: as there.

    >>> from lampas.cpu.amp import autocast
    >>> autocast.__mro__[1].__name__
    'autocast'
    """

    def __init__(
        self, enabled: bool = True, dtype: DType = bfloat16, cache_enabled: bool = True
    ) -> None:
        warnings.warn(
            "cpu.amp.autocast(...) is deprecated; use amp.autocast('cpu', ...)",
            FutureWarning,
            stacklevel=2,
        )
        super().__init__("cpu", dtype, enabled, cache_enabled)


class GradScaler(amp.GradScaler):
    """``lampas.amp.GradScaler("cpu", ...)``, with a warning that says so.

    Args:
        init_scale, growth_factor, backoff_factor, growth_interval, enabled: as there.

    >>> from lampas.cpu.amp import GradScaler
    >>> GradScaler.__mro__[1].__name__
    'GradScaler'
    """

    def __init__(
        self,
        init_scale: float = 2.0**16,
        growth_factor: float = 2.0,
        backoff_factor: float = 0.5,
        growth_interval: int = 2000,
        enabled: bool = True,
    ) -> None:
        warnings.warn(
            "cpu.amp.GradScaler(...) is deprecated; use amp.GradScaler('cpu', ...)",
            FutureWarning,
            stacklevel=2,
        )
        super().__init__(
            "cpu",
            init_scale,
            growth_factor,
            backoff_factor,
            growth_interval,
            enabled,
        )

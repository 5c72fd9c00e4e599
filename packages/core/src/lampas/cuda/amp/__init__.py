"""Mixed precision on cards, under the names that PyTorch had before ``lampas.amp``."""

from __future__ import annotations

import functools
import warnings
from typing import Any

from lampas import amp
from lampas.dtypes import DType, float16

__all__ = ["GradScaler", "autocast", "custom_bwd", "custom_fwd"]


class autocast(amp.autocast):
    """``lampas.amp.autocast("cuda", ...)``, with a warning that says so.

    Args:
        enabled, dtype, cache_enabled: as there.

    >>> from lampas.cuda.amp import autocast
    >>> autocast.__mro__[1].__name__
    'autocast'
    """

    def __init__(
        self, enabled: bool = True, dtype: DType = float16, cache_enabled: bool = True
    ) -> None:
        warnings.warn(
            "cuda.amp.autocast(...) is deprecated; use amp.autocast('cuda', ...)",
            FutureWarning,
            stacklevel=2,
        )
        super().__init__("cuda", dtype, enabled, cache_enabled)


class GradScaler(amp.GradScaler):
    """``lampas.amp.GradScaler("cuda", ...)``, with a warning that says so.

    Args:
        init_scale, growth_factor, backoff_factor, growth_interval, enabled: as there.

    >>> from lampas.cuda.amp import GradScaler
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
            "cuda.amp.GradScaler(...) is deprecated; use amp.GradScaler('cuda', ...)",
            FutureWarning,
            stacklevel=2,
        )
        super().__init__(
            "cuda",
            init_scale,
            growth_factor,
            backoff_factor,
            growth_interval,
            enabled,
        )


custom_fwd: Any = functools.partial(amp.custom_fwd, device_type="cuda")
custom_bwd: Any = functools.partial(amp.custom_bwd, device_type="cuda")

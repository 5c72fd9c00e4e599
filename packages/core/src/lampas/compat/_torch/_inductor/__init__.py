"""``torch._inductor``: settings of a compiler that lampas does not have."""

from __future__ import annotations

from lampas.compat._torch._inductor import config

__all__ = ["config"]

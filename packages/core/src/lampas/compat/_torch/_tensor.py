"""``torch._tensor``: the home of ``Tensor``."""

from __future__ import annotations

from lampas.engine.tensor import Tensor

__all__ = ["Tensor"]

"""``torch.autograd.function``: a home of ``Function``."""

from __future__ import annotations

from lampas.engine.function import Function, FunctionCtx, once_differentiable

__all__ = ["Function", "FunctionCtx", "once_differentiable"]

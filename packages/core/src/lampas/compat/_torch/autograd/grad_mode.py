"""``torch.autograd.grad_mode``: a home of the modes."""

from __future__ import annotations

from lampas.engine.modes import enable_grad, inference_mode, no_grad, set_grad_enabled

__all__ = ["enable_grad", "inference_mode", "no_grad", "set_grad_enabled"]

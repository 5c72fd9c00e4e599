"""Gradients: PyTorch's ``torch.autograd``."""

from lampas.engine.backward import backward, grad
from lampas.engine.function import Function, FunctionCtx, once_differentiable
from lampas.engine.modes import (
    enable_grad,
    inference_mode,
    no_grad,
    set_grad_enabled,
)

__all__ = [
    "Function",
    "FunctionCtx",
    "backward",
    "enable_grad",
    "grad",
    "inference_mode",
    "no_grad",
    "once_differentiable",
    "set_grad_enabled",
]

"""Gradients: PyTorch's ``torch.autograd``."""

from lampas.autograd import anomaly_mode, graph
from lampas.autograd.anomaly_mode import detect_anomaly, set_detect_anomaly
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
    "anomaly_mode",
    "backward",
    "detect_anomaly",
    "enable_grad",
    "grad",
    "graph",
    "inference_mode",
    "no_grad",
    "once_differentiable",
    "set_detect_anomaly",
    "set_grad_enabled",
]

"""Gradients: PyTorch's ``torch.autograd``.

What needs the function transforms or the profiler is loaded when it is first used.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from lampas.autograd import anomaly_mode, graph
from lampas.autograd.anomaly_mode import detect_anomaly, set_detect_anomaly
from lampas.autograd.threading_mode import (
    is_multithreading_enabled,
    is_view_replay_enabled,
    set_multithreading_enabled,
)
from lampas.engine.backward import backward, grad
from lampas.engine.function import Function, FunctionCtx, once_differentiable
from lampas.engine.modes import (
    enable_grad,
    inference_mode,
    no_grad,
    set_grad_enabled,
)

if TYPE_CHECKING:
    from lampas.autograd import forward_ad, functional, profiler
    from lampas.autograd._gradcheck import gradcheck, gradgradcheck
    from lampas.profiler import ProfilerActivity, kineto_available

__all__ = [
    "Function",
    "FunctionCtx",
    "ProfilerActivity",
    "anomaly_mode",
    "backward",
    "detect_anomaly",
    "enable_grad",
    "forward_ad",
    "functional",
    "grad",
    "gradcheck",
    "gradgradcheck",
    "graph",
    "inference_mode",
    "is_multithreading_enabled",
    "is_view_replay_enabled",
    "kineto_available",
    "no_grad",
    "once_differentiable",
    "profiler",
    "set_detect_anomaly",
    "set_grad_enabled",
    "set_multithreading_enabled",
]

if not TYPE_CHECKING:

    def __getattr__(name: str) -> Any:
        if name in ("forward_ad", "functional", "profiler"):
            return importlib.import_module(f"lampas.autograd.{name}")
        if name in ("gradcheck", "gradgradcheck"):
            return getattr(importlib.import_module("lampas.autograd._gradcheck"), name)
        if name in ("ProfilerActivity", "kineto_available"):
            return getattr(importlib.import_module("lampas.profiler"), name)
        raise AttributeError(f"module 'lampas.autograd' has no attribute {name!r}")

"""``torch.overrides``: nothing is overridden; tensors are tensors."""

from __future__ import annotations

from typing import Any

from lampas.engine.tensor import Tensor

__all__ = [
    "has_torch_function",
    "has_torch_function_unary",
    "has_torch_function_variadic",
    "is_tensor_like",
]


def has_torch_function(relevant_args: Any) -> bool:
    """Whether an argument's class takes calls over: lampas asks none."""
    return False


def has_torch_function_unary(arg: Any) -> bool:
    """Whether an argument's class takes calls over: lampas asks none."""
    return False


def has_torch_function_variadic(*args: Any) -> bool:
    """Whether an argument's class takes calls over: lampas asks none."""
    return False


def is_tensor_like(inp: Any) -> bool:
    """Whether ``inp`` is a tensor."""
    return isinstance(inp, Tensor)

"""What ``torch`` has beside the names of lampas."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from lampas.compat._tensor_types import TENSOR_TYPES

__all__ = ["compile", "has_cuda", "has_mps", "is_storage", *TENSOR_TYPES]

globals().update(TENSOR_TYPES)

has_cuda = has_mps = has_cudnn = has_mkldnn = False


def compile(
    model: Callable[..., Any] | None = None,
    *,
    fullgraph: bool = False,
    dynamic: bool | None = None,
    backend: Any = "inductor",
    mode: str | None = None,
    options: dict[str, Any] | None = None,
    disable: bool = False,
) -> Any:
    """Give back the function or module as it is: lampas has nothing to compile.

    Args:
        model: a function or module; None makes a decorator.
        fullgraph, dynamic, backend, mode, options, disable: accepted; they tune speed.
    """
    if model is None:
        return lambda function: function
    return model


def is_storage(obj: object) -> bool:
    """Whether ``obj`` is one of PyTorch's storages: lampas has none."""
    return False

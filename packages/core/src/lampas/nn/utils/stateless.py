"""The older place of :func:`lampas.func.functional_call`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from lampas.nn import _functional_call

__all__ = ["functional_call"]


def functional_call(
    module: Any,
    parameters_and_buffers: Mapping[str, Any],
    args: Any = None,
    kwargs: Mapping[str, Any] | None = None,
    *,
    tie_weights: bool = True,
    strict: bool = False,
) -> Any:
    """Call a module with given tensors in the place of its parameters and buffers.

    Args:
        module: the module to call; it is as before afterwards.
        parameters_and_buffers: tensors by path.
        args: positional arguments, a tuple; anything else is the only argument.
        kwargs: keyword arguments.
        tie_weights: a tensor that the module has under several names is replaced
            under all of them, though only one is given.
        strict: refuse names that are missing or that the module doesn't have.

    >>> import lampas
    >>> layer = lampas.nn.Linear(1, 1, bias=False)
    >>> functional_call(layer, {"weight": lampas.ones(1, 1)}, lampas.ones(1))
    tensor([1.])
    """
    return _functional_call.functional_call(
        module,
        parameters_and_buffers,
        args,
        kwargs,
        tie_weights=tie_weights,
        strict=strict,
    )

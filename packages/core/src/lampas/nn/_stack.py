"""The states of several models of one kind as one state with a batch dimension."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from lampas.engine.tensor import Tensor
from lampas.errors import ArgumentError
from lampas.nn.module import Module
from lampas.ops.join import stack

__all__ = ["stack_module_state"]


def stack_module_state(
    models: Sequence[Module],
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Stack the parameters and the buffers of models along a new first dimension.

    With ``vmap`` and :func:`lampas.func.functional_call` the models then run as one.

    Args:
        models: modules of one class, all in training or all in evaluation mode.

    Returns:
        (parameters, buffers): dictionaries by name; parameters are leaves that require
        grad where those of the models do.

    Raises:
        RuntimeError: no models, or models of several classes or modes.

    >>> import lampas
    >>> pair = [lampas.nn.Linear(2, 3) for _ in range(2)]
    >>> params, buffers = lampas.func.stack_module_state(pair)
    >>> params["weight"].shape
    lampas.Size([2, 3, 2])
    """
    if not models:
        raise MixedModels("stack_module_state: expected at least one model, got none")
    if len({model.training for model in models}) > 1:
        raise MixedModels(
            "stack_module_state: all models must be in the same mode, training or "
            "evaluation"
        )
    kinds = {type(model) for model in models}
    if len(kinds) > 1:
        names = ", ".join(sorted(kind.__name__ for kind in kinds))
        raise MixedModels(
            f"stack_module_state: all models must be of the same class, got {names}"
        )
    parameters = [dict(model.named_parameters()) for model in models]
    buffers = [dict(model.named_buffers()) for model in models]
    return _stacked(parameters, True), _stacked(buffers, False)


class MixedModels(ArgumentError, RuntimeError):
    """The models can't be run as one."""


def _stacked(states: list[dict[str, Tensor]], leaves: bool) -> dict[str, Tensor]:
    result = {}
    for name in states[0]:
        tensors = [state[name] for state in states]
        together = stack([t.detach() for t in tensors], 0)
        if leaves and all(t.requires_grad for t in tensors):
            together.requires_grad_()
        result[name] = together
    return result

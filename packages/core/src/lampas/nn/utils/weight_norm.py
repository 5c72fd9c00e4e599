"""Weight norm in its older form: a hook computes the weight before each forward."""

from __future__ import annotations

from typing import Any

from lampas.engine.tensor import Tensor
from lampas.errors import ArgumentError
from lampas.nn.parameter import Parameter
from lampas.nn.utils._norms import norm_except

__all__ = ["remove_weight_norm", "weight_norm"]


class _WeightNormHook:
    """Called before each forward of the module."""

    def __init__(self, name: str, dim: int | None) -> None:
        self.name = name
        self.dim = dim

    def compute(self, module: Any) -> Tensor:
        """The weight from its length and direction."""
        g, v = (getattr(module, f"{self.name}_{part}") for part in "gv")
        return v * (g / norm_except(v, self.dim))

    def __call__(self, module: Any, args: Any) -> None:
        object.__setattr__(module, self.name, self.compute(module))


def weight_norm(module: Any, name: str = "weight", dim: int | None = 0) -> Any:
    """Keep length and direction of a weight apart: ``w = g v / ||v||``.

    The parameters are ``weight_g`` and ``weight_v``. New programs take
    :func:`lampas.nn.utils.parametrizations.weight_norm`.

    Args:
        module: the module.
        name: the weight's name.
        dim: the dimension along which there is a length for each entry; None has one
            length for the whole weight.

    Raises:
        RuntimeError: there is weight norm on this weight already.

    >>> import lampas
    >>> list(weight_norm(lampas.nn.Linear(4, 2)).state_dict())
    ['bias', 'weight_g', 'weight_v']
    """
    for hook in module._forward_pre_hooks.functions.values():
        if isinstance(hook, _WeightNormHook) and hook.name == name:
            raise RuntimeError(
                f"cannot register two weight_norm hooks on the same parameter {name}"
            )
    weight = module._parameters.get(name)
    if weight is None:
        raise ArgumentError(
            f"module {type(module).__name__} has no parameter with name {name!r}"
        )
    hook = _WeightNormHook(name, dim)
    del module._parameters[name]
    values = weight.detach()
    length = norm_except(values, dim)
    module.register_parameter(f"{name}_g", Parameter(length))
    module.register_parameter(f"{name}_v", Parameter(values))
    hook(module, ())
    module.register_forward_pre_hook(hook)
    return module


def remove_weight_norm(module: Any, name: str = "weight") -> Any:
    """Make the weight an ordinary parameter again, with the value that it has.

    Raises:
        ValueError: there is no weight norm on it.

    >>> import lampas
    >>> layer = remove_weight_norm(weight_norm(lampas.nn.Linear(4, 2)))
    >>> list(layer.state_dict())
    ['bias', 'weight']
    """
    hooks = module._forward_pre_hooks.functions
    for key, hook in list(hooks.items()):
        if isinstance(hook, _WeightNormHook) and hook.name == name:
            value = hook.compute(module).detach()
            delattr(module, name)
            delattr(module, f"{name}_g")
            delattr(module, f"{name}_v")
            module.register_parameter(name, Parameter(value))
            del hooks[key]
            return module
    raise ArgumentError(f"weight_norm of {name!r} not found in {type(module).__name__}")

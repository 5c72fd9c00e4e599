"""Spectral norm in its older form: a hook computes the weight before each forward."""

from __future__ import annotations

from typing import Any

from lampas.engine.modes import no_grad
from lampas.engine.tensor import Tensor
from lampas.errors import ArgumentError
from lampas.nn.modules.conv import _ConvTransposeNd
from lampas.nn.parameter import Parameter
from lampas.nn.utils._norms import power_method, start_vectors

__all__ = ["remove_spectral_norm", "spectral_norm"]


class _SpectralNormHook:
    """Called before each forward of the module."""

    def __init__(self, name: str, steps: int, dim: int, eps: float) -> None:
        if steps <= 0:
            raise ArgumentError(f"n_power_iterations must be positive, got {steps}")
        self.name = name
        self.steps = steps
        self.dim = dim
        self.eps = eps

    def matrix(self, weight: Tensor) -> Tensor:
        """The weight as a matrix whose rows are the outputs."""
        return weight.transpose(0, self.dim).flatten(1)

    def compute(self, module: Any, improve: bool) -> Tensor:
        """The weight divided by its largest singular value."""
        weight = getattr(module, f"{self.name}_orig")
        u, v = (getattr(module, f"{self.name}_{part}") for part in "uv")
        matrix = self.matrix(weight)
        if improve:
            with no_grad():
                # The columns' vector first, as checkpoints of this form expect.
                new = power_method(matrix.detach().T, v, u, self.steps, self.eps)
                v.copy_(new[0])
                u.copy_(new[1])
        # Copies: the next call changes the buffers before this one's backward.
        return weight / (u.clone() @ (matrix @ v.clone()))

    def __call__(self, module: Any, args: Any) -> None:
        weight = self.compute(module, module.training)
        object.__setattr__(module, self.name, weight)


def spectral_norm(
    module: Any,
    name: str = "weight",
    n_power_iterations: int = 1,
    eps: float = 1e-12,
    dim: int | None = None,
) -> Any:
    """Divide a weight by its largest singular value, found by power iteration.

    The parameter is ``weight_orig``, the vectors ``weight_u`` and ``weight_v``. New
    programs take :func:`lampas.nn.utils.parametrizations.spectral_norm`.

    Args:
        module: the module.
        name: the weight's name.
        n_power_iterations: steps at each forward while training.
        eps: the least norm that a vector is divided by.
        dim: the dimension of outputs: 1 for transposed convolutions, else 0.

    >>> import lampas
    >>> list(spectral_norm(lampas.nn.Linear(4, 2)).state_dict())
    ['bias', 'weight_orig', 'weight_u', 'weight_v']
    """
    for hook in module._forward_pre_hooks.functions.values():
        if isinstance(hook, _SpectralNormHook) and hook.name == name:
            raise RuntimeError(
                f"cannot register two spectral_norm hooks on the same parameter {name}"
            )
    weight = module._parameters.get(name)
    if weight is None or weight.ndim < 2:
        raise ArgumentError(
            f"module {type(module).__name__} has no parameter with name {name!r} and "
            "2 or more dimensions"
        )
    if dim is None:
        dim = 1 if isinstance(module, _ConvTransposeNd) else 0
    hook = _SpectralNormHook(name, n_power_iterations, dim, eps)
    del module._parameters[name]
    object.__setattr__(module, name, weight.detach())
    module.register_parameter(f"{name}_orig", weight)
    u, v = start_vectors(hook.matrix(weight.detach()), eps)
    module.register_buffer(f"{name}_u", u)
    module.register_buffer(f"{name}_v", v)
    module.register_forward_pre_hook(hook)
    return module


def remove_spectral_norm(module: Any, name: str = "weight") -> Any:
    """Make the weight an ordinary parameter again, with the value that it has.

    Raises:
        ValueError: there is no spectral norm on it.

    >>> import lampas
    >>> layer = remove_spectral_norm(spectral_norm(lampas.nn.Linear(4, 2)))
    >>> list(layer.state_dict())
    ['bias', 'weight']
    """
    hooks = module._forward_pre_hooks.functions
    for key, hook in list(hooks.items()):
        if isinstance(hook, _SpectralNormHook) and hook.name == name:
            value = hook.compute(module, improve=False).detach()
            for attribute in (name, f"{name}_u", f"{name}_v", f"{name}_orig"):
                delattr(module, attribute)
            module.register_parameter(name, Parameter(value))
            del hooks[key]
            return module
    raise ArgumentError(
        f"spectral_norm of {name!r} not found in {type(module).__name__}"
    )

"""Parameters that are computed from others each time they are read.

A parametrised module gets a class of its own, derived from its class, with a property
in the place of the parameter; what it is computed from stands under
``module.parametrizations``.
"""

from __future__ import annotations

import contextlib
import copy
from collections.abc import Iterator
from typing import Any

from lampas.engine.modes import no_grad
from lampas.engine.tensor import Tensor
from lampas.errors import ArgumentError
from lampas.nn.module import Module
from lampas.nn.modules.container import ModuleDict
from lampas.nn.parameter import Parameter
from lampas.nn.utils._parametrization import (
    ParametrizationError,
    ParametrizationList,
    check_result,
    put,
    store,
)

__all__ = [
    "ParametrizationList",
    "cached",
    "is_parametrized",
    "register_parametrization",
    "remove_parametrizations",
    "transfer_parametrizations_and_params",
    "type_before_parametrizations",
]

# How many `cached` blocks are open, and what they keep.
_open_blocks = 0
_kept: dict[tuple[int, str], Tensor] = {}


@contextlib.contextmanager
def cached() -> Iterator[None]:
    """Compute each parametrised tensor at most once inside the block.

    >>> import lampas
    >>> layer = lampas.nn.utils.parametrizations.weight_norm(lampas.nn.Linear(2, 2))
    >>> with cached():
    ...     layer.weight is layer.weight
    True
    >>> layer.weight is layer.weight
    False
    """
    global _open_blocks
    _open_blocks += 1
    try:
        yield
    finally:
        _open_blocks -= 1
        if not _open_blocks:
            _kept.clear()


def _refuse_pickle(self: Any, protocol: Any) -> Any:
    raise ParametrizationError(
        "parametrized modules can't be pickled: save their state_dict()"
    )


def _deepcopy(self: Any, memo: dict[int, Any]) -> Any:
    """A copy with a class of its own: taking out a property changes the class."""
    base = type_before_parametrizations(self)
    result = base.__new__(base)
    memo[id(self)] = result
    result.__setstate__(copy.deepcopy(self.__getstate__(), memo))
    _derive_class(result)
    for name in result.parametrizations:
        _add_property(result, name)
    return result


def _derive_class(module: Any) -> None:
    base = type(module)
    members: dict[str, Any] = {"__deepcopy__": _deepcopy}
    members["__reduce_ex__"] = _refuse_pickle
    members |= {"_parametrized": True, "__module__": base.__module__}
    module.__class__ = type(f"Parametrized{base.__name__}", (base,), members)


def _add_property(module: Any, name: str) -> None:
    def get(self: Any) -> Tensor:
        if not _open_blocks:
            return self.parametrizations[name]()
        key = (id(self), name)
        if key not in _kept:
            _kept[key] = self.parametrizations[name]()
        return _kept[key]

    def put(self: Any, value: Tensor) -> None:
        if _open_blocks:
            raise ParametrizationError(
                "a parametrized tensor can't be assigned inside a cached() block"
            )
        self.parametrizations[name].right_inverse(value)

    setattr(type(module), name, property(get, put))


def register_parametrization(
    module: Any, tensor_name: str, parametrization: Module, *, unsafe: bool = False
) -> Any:
    """Compute ``module.tensor_name`` by ``parametrization`` from now on.

    ``parametrization.forward`` takes the original (or several tensors, if its
    ``right_inverse`` returns several) and gives the tensor. With ``right_inverse``
    the value before is kept, and the tensor can be assigned. A second
    parametrisation is applied to the result of the first.

    Args:
        module: the module; it gets a class derived from its class.
        tensor_name: a parameter or buffer of it.
        parametrization: the module that computes it.
        unsafe: allow a parametrisation that changes shape or dtype.

    Returns:
        ``module``.

    Raises:
        ValueError: there is no such parameter or buffer, or shape or dtype change.

    >>> import lampas
    >>> class Symmetric(lampas.nn.Module):
    ...     def forward(self, x):
    ...         return x.triu() + x.triu(1).T
    >>> layer = lampas.nn.Linear(3, 3)
    >>> layer = register_parametrization(layer, "weight", Symmetric())
    >>> bool((layer.weight == layer.weight.T).all())
    True
    >>> [name for name, _ in layer.named_parameters()]
    ['bias', 'parametrizations.weight.original']
    """
    parametrization.train(module.training)
    if is_parametrized(module, tensor_name):
        chain = module.parametrizations[tensor_name]
        if not unsafe:
            _check_addition(chain, parametrization)
        chain.append(parametrization)
        chain.unsafe = chain.unsafe or unsafe
        return module
    if tensor_name not in module._parameters and tensor_name not in module._buffers:
        raise ArgumentError(
            f"module {type(module).__name__} does not have a parameter, a buffer or a "
            f"parametrized element with name {tensor_name!r}"
        )
    original = getattr(module, tensor_name)
    chain = ParametrizationList([parametrization], original, unsafe)
    delattr(module, tensor_name)
    if not is_parametrized(module):
        _derive_class(module)
        module.parametrizations = ModuleDict()
    _add_property(module, tensor_name)
    module.parametrizations[tensor_name] = chain
    return module


def _check_addition(chain: ParametrizationList, added: Any) -> None:
    with no_grad():
        before = chain()
        shape, dtype = tuple(before.shape), before.dtype
        after = added(before)
        check_result("a parametrization", after, shape, dtype)
        if hasattr(added, "right_inverse"):
            back = added.right_inverse(after)
            check_result("right_inverse", back, shape, dtype)


def is_parametrized(module: Any, tensor_name: str | None = None) -> bool:
    """Whether a module, or one tensor of it, is parametrised.

    >>> import lampas
    >>> is_parametrized(lampas.nn.Linear(1, 1))
    False
    """
    chains = getattr(module, "parametrizations", None)
    if not isinstance(chains, ModuleDict):
        return False
    return len(chains) > 0 if tensor_name is None else tensor_name in chains


def remove_parametrizations(
    module: Any, tensor_name: str, leave_parametrized: bool = True
) -> Any:
    """Make a parametrised tensor an ordinary one again.

    Args:
        module: the module.
        tensor_name: the tensor.
        leave_parametrized: keep the value that it has now; otherwise that of its
            original, if there is one only.

    Returns:
        ``module``, of its former class if nothing else is parametrised.

    Raises:
        ValueError: the tensor is not parametrised, or has several originals and
            ``leave_parametrized`` is False.

    >>> import lampas
    >>> layer = lampas.nn.utils.parametrizations.weight_norm(lampas.nn.Linear(2, 1))
    >>> remove_parametrizations(layer, "weight")
    Linear(in_features=2, out_features=1, bias=True)
    """
    if not is_parametrized(module, tensor_name):
        raise ArgumentError(
            f"module {type(module).__name__} does not have a parametrization on "
            f"{tensor_name!r}"
        )
    chain = module.parametrizations[tensor_name]
    if not chain.is_tensor and not leave_parametrized:
        raise ArgumentError(
            "leave_parametrized=False needs a tensor with one original, but "
            f"{tensor_name!r} has {chain.ntensors}"
        )
    original = chain._originals()[0]
    if leave_parametrized:
        with no_grad():
            value = chain()
        if chain.is_tensor:
            # The same tensor: an optimizer may hold it.
            store(original, value)
        elif isinstance(original, Parameter):
            original = Parameter(value, requires_grad=original.requires_grad)
        else:
            original = value
    delattr(type(module), tensor_name)
    del module.parametrizations[tensor_name]
    if not is_parametrized(module):
        delattr(module, "parametrizations")
        module.__class__ = type_before_parametrizations(module)
    put(module, tensor_name, original, original)
    return module


def type_before_parametrizations(module: Any) -> Any:
    """The class that a module had before it was parametrised.

    >>> import lampas
    >>> layer = lampas.nn.utils.parametrizations.weight_norm(lampas.nn.Linear(2, 1))
    >>> type_before_parametrizations(layer).__name__
    'Linear'
    """
    kind = type(module)
    return kind.__bases__[0] if "_parametrized" in vars(kind) else kind


def transfer_parametrizations_and_params(
    from_module: Any, to_module: Any, tensor_name: str | None = None
) -> Any:
    """Give a module the parametrisations of another, and copies of their originals.

    Args:
        from_module: the parametrised module.
        to_module: another of the same tensors.
        tensor_name: of one tensor only.

    Returns:
        ``to_module``.

    >>> import lampas
    >>> source = lampas.nn.utils.parametrizations.weight_norm(lampas.nn.Linear(2, 1))
    >>> layer = transfer_parametrizations_and_params(source, lampas.nn.Linear(2, 1))
    >>> bool((layer.weight == source.weight).all())
    True
    """
    if not is_parametrized(from_module, tensor_name):
        raise ArgumentError("from_module is not parametrized")
    names = [tensor_name] if tensor_name else list(from_module.parametrizations)
    for name in names:
        chain = from_module.parametrizations[name]
        if not hasattr(to_module, name):
            setattr(to_module, name, Parameter(chain().detach().clone()))
        for part in chain:
            register_parametrization(to_module, name, part, unsafe=chain.unsafe)
        places = to_module.parametrizations[name]._originals()
        for place, value in zip(places, chain._originals(), strict=True):
            store(place, value)
    return to_module

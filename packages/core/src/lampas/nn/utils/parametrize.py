"""Parameters that are computed from others each time they are read.

A parametrised module gets a class of its own, derived from its class, with a property
in the place of the parameter; what it is computed from stands under
``module.parametrizations``.
"""

from __future__ import annotations

import contextlib
import copy
from collections.abc import Iterator, Sequence
from typing import Any

from lampas.engine.modes import no_grad
from lampas.engine.tensor import Tensor, shared_cell
from lampas.errors import ArgumentError, LampasError
from lampas.nn.module import Module
from lampas.nn.modules.container import ModuleDict, ModuleList
from lampas.nn.parameter import Parameter

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


class _ParametrizationError(LampasError, RuntimeError):
    """A parametrised module is used in a way that its parametrisation can't serve."""


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


def _store(place: Tensor, value: Tensor) -> None:
    """Give a tensor other values, of any shape, outside of any recording."""
    place._data = value._data.copy()
    shared_cell(place)[0] += 1


def _put(owner: Module, name: str, value: Tensor, like: Tensor) -> None:
    """Register a parameter or a buffer, whichever ``like`` is."""
    if not isinstance(like, Parameter):
        owner.register_buffer(name, value)
        return
    if not isinstance(value, Parameter):
        value = Parameter(value.detach(), requires_grad=like.requires_grad)
    owner.register_parameter(name, value)


class ParametrizationList(ModuleList):
    """The parametrisations of one tensor, and the tensors it is computed from.

    These are ``original``, or ``original0``, ``original1``, ... where the first
    parametrisation takes several.

    Args:
        modules: the parametrisations; the first is applied first.
        original: the parameter or buffer that was there before.
        unsafe: allow another shape and dtype.
    """

    def __init__(
        self, modules: Sequence[Module], original: Tensor, unsafe: bool = False
    ) -> None:
        if not modules:
            raise ArgumentError(
                "ParametrizationList needs one or more parametrizations"
            )
        super().__init__(modules)
        self.unsafe = unsafe
        shape, dtype = tuple(original.shape), original.dtype
        with no_grad():
            new = self._inverted(original, optional=True)
        self.is_tensor = isinstance(new, Tensor)
        self.ntensors = 1 if self.is_tensor else len(new)
        if self.is_tensor:
            if new.dtype is not dtype:
                raise ArgumentError(
                    f"right_inverse may not change the dtype, got {new.dtype} for "
                    f"{dtype}"
                )
            if new is not original:
                _store(original, new)
            _put(self, "original", original, original)
        else:
            for i, part in enumerate(new):
                if not isinstance(part, Tensor):
                    raise ArgumentError(
                        "right_inverse must return a Tensor or a sequence of them, got "
                        f"{type(part).__name__} at position {i}"
                    )
                _put(self, f"original{i}", part.clone(), original)
        if not unsafe:
            with no_grad():
                _check_result("a parametrization", self(), shape, dtype)

    def _inverted(self, value: Any, optional: bool = False) -> Any:
        """Take a value back through all parametrisations."""
        for part in reversed(list(self)):
            if hasattr(part, "right_inverse"):
                try:
                    value = part.right_inverse(value)
                except NotImplementedError:
                    if not optional:
                        raise
            elif not optional:
                raise _ParametrizationError(
                    f"parametrization {type(part).__name__} does not implement "
                    "right_inverse, so its tensor can't be assigned"
                )
        return value

    def _originals(self) -> list[Tensor]:
        if self.is_tensor:
            return [self.original]
        return [getattr(self, f"original{i}") for i in range(self.ntensors)]

    def right_inverse(self, value: Tensor) -> None:
        """Set the originals so that the tensor becomes ``value``.

        Raises:
            RuntimeError: a parametrisation has no ``right_inverse``.
            ValueError: it returns other tensors than the originals.
        """
        with no_grad():
            value = self._inverted(value)
            new = [value] if self.is_tensor else list(value)
            places = self._originals()
            if len(new) != len(places):
                raise ArgumentError(
                    f"right_inverse must return {len(places)} tensors, got {len(new)}"
                )
            for place, tensor in zip(places, new, strict=True):
                if place.dtype is not tensor.dtype:
                    raise ArgumentError(
                        f"right_inverse must keep the dtype {place.dtype}, got "
                        f"{tensor.dtype}"
                    )
                _store(place, tensor)

    def forward(self) -> Tensor:
        """The parametrised tensor."""
        first, *rest = self
        x = first(*self._originals())
        for part in rest:
            x = part(x)
        return x


def _check_result(what: str, value: Any, shape: tuple[int, ...], dtype: Any) -> None:
    if not isinstance(value, Tensor):
        raise ArgumentError(f"{what} must return a Tensor, got {type(value).__name__}")
    if value.dtype is not dtype:
        raise ArgumentError(
            f"{what} may not change the dtype of the tensor from {dtype} to "
            f"{value.dtype}, unless unsafe=True"
        )
    if tuple(value.shape) != shape:
        raise ArgumentError(
            f"{what} may not change the shape of the tensor from {shape} to "
            f"{tuple(value.shape)}, unless unsafe=True"
        )


def _refuse_pickle(self: Any, protocol: Any) -> Any:
    raise _ParametrizationError(
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
            raise _ParametrizationError(
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
        _check_result("a parametrization", after, shape, dtype)
        if hasattr(added, "right_inverse"):
            back = added.right_inverse(after)
            _check_result("right_inverse", back, shape, dtype)


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
            _store(original, value)
        elif isinstance(original, Parameter):
            original = Parameter(value, requires_grad=original.requires_grad)
        else:
            original = value
    delattr(type(module), tensor_name)
    del module.parametrizations[tensor_name]
    if not is_parametrized(module):
        delattr(module, "parametrizations")
        module.__class__ = type_before_parametrizations(module)
    _put(module, tensor_name, original, original)
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
            _store(place, value)
    return to_module

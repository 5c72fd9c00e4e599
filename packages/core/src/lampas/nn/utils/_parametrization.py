"""The parametrisations of one tensor, and the tensors that it is computed from."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from lampas.engine.modes import no_grad
from lampas.engine.tensor import Tensor, shared_cell
from lampas.errors import ArgumentError, LampasError
from lampas.nn.module import Module
from lampas.nn.modules.container import ModuleList
from lampas.nn.parameter import Parameter

__all__ = [
    "ParametrizationError",
    "ParametrizationList",
    "check_result",
    "put",
    "store",
]


class ParametrizationError(LampasError, RuntimeError):
    """A parametrised module is used in a way that its parametrisation can't serve."""


def store(place: Tensor, value: Tensor) -> None:
    """Give a tensor other values, of any shape, outside of any recording."""
    place._data = value._data.copy()
    shared_cell(place)[0] += 1


def put(owner: Module, name: str, value: Tensor, like: Tensor) -> None:
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
                store(original, new)
            put(self, "original", original, original)
        else:
            for i, part in enumerate(new):
                if not isinstance(part, Tensor):
                    raise ArgumentError(
                        "right_inverse must return a Tensor or a sequence of them, got "
                        f"{type(part).__name__} at position {i}"
                    )
                put(self, f"original{i}", part.clone(), original)
        if not unsafe:
            with no_grad():
                check_result("a parametrization", self(), shape, dtype)

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
                raise ParametrizationError(
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
                store(place, tensor)

    def forward(self) -> Tensor:
        """The parametrised tensor."""
        first, *rest = self
        x = first(*self._originals())
        for part in rest:
            x = part(x)
        return x


def check_result(what: str, value: Any, shape: tuple[int, ...], dtype: Any) -> None:
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

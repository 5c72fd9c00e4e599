"""Forward mode tensor by tensor: values that carry a tangent."""

from __future__ import annotations

from contextlib import ExitStack
from typing import Any, NamedTuple

from lampas.engine.modes import mode
from lampas.engine.tensor import Tensor
from lampas.engine.tracer import live
from lampas.errors import ArgumentTypeError, GradientError, ShapeError
from lampas.transform.forward import ForwardLevel

__all__ = ["UnpackedDualTensor", "dual_level", "make_dual", "unpack_dual"]


class UnpackedDualTensor(NamedTuple):
    """A value and its tangent; the tangent is None if there is none."""

    primal: Tensor
    tangent: Tensor | None


class dual_level:
    """Context manager in which tensors can carry tangents.

    >>> import lampas
    >>> with dual_level():
    ...     x = make_dual(lampas.tensor(3.0), lampas.tensor(1.0))
    ...     unpack_dual(x * x).tangent
    tensor(6.)
    """

    def __init__(self) -> None:
        self._stack = ExitStack()

    def __enter__(self) -> dual_level:
        self._stack.enter_context(live(ForwardLevel()))
        return self

    def __exit__(self, *exc: Any) -> None:
        self._stack.close()


def _innermost(name: str) -> ForwardLevel:
    for level in reversed(mode.levels):
        if isinstance(level, ForwardLevel):
            return level
    raise GradientError(f"{name} must be called inside of dual_level()")


def make_dual(tensor: Tensor, tangent: Tensor) -> Tensor:
    """A tensor that carries a tangent through what is computed from it.

    Args:
        tensor: the value.
        tangent: of the same shape.

    Raises:
        RuntimeError: not inside of :class:`dual_level`, or the shapes differ.
    """
    level = _innermost("make_dual")
    for what, value in (("tensor", tensor), ("tangent", tangent)):
        if not isinstance(value, Tensor):
            raise ArgumentTypeError(
                f"make_dual: {what} must be a Tensor, got {type(value).__name__}"
            )
    if tensor._data.shape != tangent._data.shape:
        raise ShapeError(
            f"make_dual: tangent must have shape {tuple(tensor.shape)}, got "
            f"{tuple(tangent.shape)}"
        )
    return level.wrap(tensor, tangent)


def unpack_dual(tensor: Tensor) -> UnpackedDualTensor:
    """The value and the tangent of a tensor.

    Raises:
        RuntimeError: not inside of :class:`dual_level`.
    """
    level = _innermost("unpack_dual")
    return UnpackedDualTensor(level.value_of(tensor), level.tangent_of(tensor))

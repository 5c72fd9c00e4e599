"""Forward mode tensor by tensor: values that carry a tangent."""

from __future__ import annotations

import threading
from contextlib import ExitStack
from typing import Any, NamedTuple

from lampas.engine.modes import mode
from lampas.engine.tensor import Tensor
from lampas.engine.tracer import live
from lampas.errors import ArgumentError, ArgumentTypeError, GradientError, ShapeError
from lampas.transform.forward import ForwardLevel

__all__ = [
    "UnpackedDualTensor",
    "dual_level",
    "enter_dual_level",
    "exit_dual_level",
    "make_dual",
    "unpack_dual",
]


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


class _Entered(threading.local):
    """The levels that this thread has entered without a context manager."""

    def __init__(self) -> None:
        self.levels: list[dual_level] = []


_entered = _Entered()


def enter_dual_level() -> int:
    """Begin what :class:`dual_level` does; returns how many have begun this way.

    >>> level = enter_dual_level()
    >>> exit_dual_level(level=level)
    """
    _entered.levels.append(dual_level().__enter__())
    return len(_entered.levels) - 1


def exit_dual_level(*, level: int | None = None) -> None:
    """End what :func:`enter_dual_level` has begun last.

    Args:
        level: what that call returned.

    Raises:
        RuntimeError: nothing has begun, or ``level`` is not the last that has.
    """
    last = len(_entered.levels) - 1
    if last < 0:
        raise GradientError("exit_dual_level: enter_dual_level() was not called")
    if level is not None and level != last:
        raise GradientError(
            f"exit_dual_level: level must be that entered last, {last}, got {level}"
        )
    _entered.levels.pop().__exit__()


def _innermost() -> ForwardLevel | None:
    for level in reversed(mode.levels):
        if isinstance(level, ForwardLevel):
            return level
    return None


def make_dual(tensor: Tensor, tangent: Tensor) -> Tensor:
    """A tensor that carries a tangent through what is computed from it.

    Args:
        tensor: the value.
        tangent: of the same shape.

    Raises:
        RuntimeError: not inside of :class:`dual_level`, or the shapes differ.
        ValueError: one of them is neither floating nor complex.
    """
    level = _innermost()
    if level is None:
        raise GradientError("make_dual must be called inside of dual_level()")
    for what, value in (("tensor", tensor), ("tangent", tangent)):
        if not isinstance(value, Tensor):
            raise ArgumentTypeError(
                f"make_dual: {what} must be a Tensor, got {type(value).__name__}"
            )
        if value.dtype.category < 2:
            raise ArgumentError(
                f"make_dual: {what} must be floating or complex, got {value.dtype}"
            )
    if tensor._data.shape != tangent._data.shape:
        raise ShapeError(
            f"make_dual: tangent must have shape {tuple(tensor.shape)}, got "
            f"{tuple(tangent.shape)}"
        )
    return level.wrap(tensor, tangent)


def unpack_dual(tensor: Tensor) -> UnpackedDualTensor:
    """The value and the tangent of a tensor; outside of levels there is no tangent."""
    level = _innermost()
    if level is None:
        return UnpackedDualTensor(tensor, None)
    return UnpackedDualTensor(level.value_of(tensor), level.tangent_of(tensor))

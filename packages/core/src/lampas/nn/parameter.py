"""Parameters and buffers: plain tensors that a Module keeps and that carry a mark.

The mark, not a class, makes a tensor a parameter: weights stay on the fast path of
every op, and ``isinstance(x, Parameter)`` asks the mark.
"""

from __future__ import annotations

from typing import Any

from lampas.dtypes import DType
from lampas.engine.tensor import Tensor, wrap
from lampas.errors import ArgumentError, ArgumentTypeError
from lampas.ops.create import zeros

__all__ = ["Buffer", "Parameter", "UninitializedBuffer", "UninitializedParameter"]


def _checked(data: Any, what: str) -> Tensor:
    if data is None:
        return zeros(0)
    if not isinstance(data, Tensor):
        raise ArgumentTypeError(
            f"{what}: data must be a Tensor, got {type(data).__name__}"
        )
    return data


class _ByMark(type):
    """Classes whose instances are the tensors that carry the class's mark."""

    mark: str

    def __instancecheck__(cls, instance: Any) -> bool:
        if not isinstance(instance, Tensor):
            return False
        extra = instance._extra
        return extra is not None and cls.mark in extra


class Parameter(Tensor, metaclass=_ByMark):
    """A tensor that a Module counts among its parameters when it is assigned to it.

    The result is a plain Tensor with a mark; ``isinstance`` against this class works.

    Args:
        data: the values; memory is shared.
        requires_grad: whether operations on it are recorded.

    >>> import lampas
    >>> p = lampas.nn.Parameter(lampas.zeros(2))
    >>> isinstance(p, lampas.nn.Parameter), p.requires_grad
    (True, True)
    """

    __slots__ = ()
    mark = "parameter"

    def __new__(cls, data: Any = None, requires_grad: bool = True) -> Any:
        source = _checked(data, "Parameter")
        result = wrap(source._data)
        if source._extra is not None and "uninitialized" in source._extra:
            result._mark("uninitialized", True)
        result._mark("parameter", True)
        return result.requires_grad_() if requires_grad else result


class Buffer(Tensor, metaclass=_ByMark):
    """A tensor that a Module keeps as state without training it.

    Args:
        data: the values; memory is shared.
        persistent: whether it is part of the module's state_dict.

    >>> import lampas
    >>> isinstance(lampas.nn.Buffer(lampas.zeros(2)), lampas.nn.Buffer)
    True
    """

    __slots__ = ()
    mark = "persistent"

    def __new__(cls, data: Any = None, *, persistent: bool = True) -> Any:
        result = wrap(_checked(data, "Buffer")._data)
        result._mark("persistent", persistent)
        return result


class UninitializedParameter(Tensor, metaclass=_ByMark):
    """A parameter whose shape is found at the first call of a lazy module.

    >>> import lampas
    >>> p = lampas.nn.parameter.UninitializedParameter()
    >>> lampas.nn.parameter.is_lazy(p)
    True
    """

    __slots__ = ()
    mark = "uninitialized"

    def __new__(
        cls, requires_grad: bool = True, device: Any = None, dtype: DType | None = None
    ) -> Any:
        result = Parameter(zeros(0, device=device, dtype=dtype), requires_grad)
        result._mark("uninitialized", True)
        return result


class UninitializedBuffer(Tensor, metaclass=_ByMark):
    """A buffer whose shape is found at the first call of a lazy module."""

    __slots__ = ()
    mark = "uninitialized"

    def __new__(
        cls,
        requires_grad: bool = False,
        device: Any = None,
        dtype: DType | None = None,
        persistent: bool = True,
    ) -> Any:
        result = Buffer(zeros(0, device=device, dtype=dtype), persistent=persistent)
        result._mark("uninitialized", True)
        return result


def is_lazy(param: Any) -> bool:
    """Whether a parameter or buffer still waits for its shape."""
    return isinstance(param, UninitializedParameter)


def materialize(param: Tensor, shape: tuple[int, ...]) -> None:
    """Give an uninitialised parameter or buffer its shape, in place.

    Raises:
        ValueError: it has its shape already.
    """
    if not is_lazy(param):
        raise ArgumentError("only an uninitialized parameter can be materialized")
    param._data = zeros(shape, dtype=param.dtype, device=param.device)._data
    del param._extra["uninitialized"]

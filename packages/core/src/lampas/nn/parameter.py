"""Parameters and buffers: plain tensors that a Module keeps and that carry a mark.

The mark, not a class, makes a tensor a parameter: weights stay on the fast path of
every op, and ``isinstance(x, Parameter)`` asks the mark.
"""

from __future__ import annotations

from typing import Any, TypeGuard

from lampas.backend.device import backend_of
from lampas.dtypes import DType, as_dtype, from_numpy_dtype
from lampas.engine.tensor import Tensor, wrap
from lampas.errors import ArgumentTypeError, LampasError
from lampas.ops.create import zeros

__all__ = [
    "Buffer",
    "Parameter",
    "UninitializedBuffer",
    "UninitializedParameter",
    "factory_kwargs",
]


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


class _Unready(LampasError, ValueError, RuntimeError):
    """A parameter or buffer was used before it had a shape."""


_STORED: Any = Tensor.__dict__["_data"]


class _Uninitialized(Tensor):
    """A tensor without a shape; everything that needs its values raises."""

    __slots__ = ()

    @property
    def _data(self) -> Any:
        raise _Unready(
            f"an {type(self).__name__} has no shape and no values yet: call the lazy "
            "module with an example input, or load a state_dict, before using it"
        )

    @_data.setter
    def _data(self, value: Any) -> None:
        _STORED.__set__(self, value)

    @property
    def dtype(self) -> DType:
        """The data type that the elements will have."""
        return from_numpy_dtype(_STORED.__get__(self).dtype)

    @property
    def device(self) -> Any:
        """The device on which the elements will live."""
        return backend_of(_STORED.__get__(self))

    def materialize(
        self, shape: Any, device: Any = None, dtype: DType | None = None
    ) -> None:
        """Become an ordinary parameter or buffer of this shape, filled with zeros.

        Args:
            shape: the sizes.
            device, dtype: what was given at construction, by default.
        """
        device, dtype = device or self.device, dtype or self.dtype
        _STORED.__set__(self, zeros(tuple(shape), dtype=dtype, device=device)._data)
        self.__class__ = Tensor  # type: ignore[assignment]

    def detach(self) -> Tensor:
        """The tensor itself: there are no values that could be shared."""
        return self

    def _same(self) -> Any:
        raise NotImplementedError

    def __deepcopy__(self, memo: dict[int, Any]) -> Any:
        memo[id(self)] = result = self._same()
        return result

    def __reduce_ex__(self, protocol: Any) -> Any:
        make, args = type(self)._make, (self.requires_grad, self.dtype.name)
        persistent = bool((self._extra or {}).get("persistent", True))
        return make, (*args, persistent)

    @classmethod
    def _make(cls, requires_grad: bool, dtype: str, persistent: bool) -> Any:
        raise NotImplementedError

    def __repr__(self) -> str:
        return f"<{type(self).__name__}>"


class UninitializedParameter(_Uninitialized):
    """A parameter whose shape is found at the first call of a lazy module.

    Args:
        requires_grad: whether operations on it will be recorded.
        device, dtype: of the elements that it will have.

    >>> import lampas
    >>> p = lampas.nn.parameter.UninitializedParameter()
    >>> lampas.nn.parameter.is_lazy(p)
    True
    >>> p.materialize((2, 3))
    >>> p.shape
    lampas.Size([2, 3])
    """

    __slots__ = ()

    def __new__(
        cls, requires_grad: bool = True, device: Any = None, dtype: DType | None = None
    ) -> Any:
        result = Parameter(zeros(0, device=device, dtype=dtype), requires_grad)
        result.__class__ = cls
        return result

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        """Everything is set by ``__new__``."""

    def _same(self) -> Any:
        return type(self)(self.requires_grad, self.device, self.dtype)

    @classmethod
    def _make(cls, requires_grad: bool, dtype: str, persistent: bool) -> Any:
        return cls(requires_grad, None, as_dtype(dtype))


class UninitializedBuffer(_Uninitialized):
    """A buffer whose shape is found at the first call of a lazy module.

    Args:
        requires_grad: whether operations on it will be recorded.
        device, dtype: of the elements that it will have.
        persistent: whether it is part of the module's state_dict.

    >>> import lampas
    >>> lampas.nn.parameter.is_lazy(lampas.nn.UninitializedBuffer())
    True
    """

    __slots__ = ()

    def __new__(
        cls,
        requires_grad: bool = False,
        device: Any = None,
        dtype: DType | None = None,
        persistent: bool = True,
    ) -> Any:
        result = Buffer(zeros(0, device=device, dtype=dtype), persistent=persistent)
        result.__class__ = cls
        return result.requires_grad_() if requires_grad else result

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        """Everything is set by ``__new__``."""

    def _same(self) -> Any:
        kept = bool(self._extra["persistent"])
        return type(self)(self.requires_grad, self.device, self.dtype, kept)

    @classmethod
    def _make(cls, requires_grad: bool, dtype: str, persistent: bool) -> Any:
        return cls(requires_grad, None, as_dtype(dtype), persistent)


def is_lazy(param: Any) -> TypeGuard[_Uninitialized]:
    """Whether a parameter or buffer still waits for its shape."""
    return isinstance(param, _Uninitialized)


def stored(param: Tensor) -> Any:
    """The array of a tensor; an empty one of its dtype while it has no shape."""
    return _STORED.__get__(param)


def factory_kwargs(kwargs: dict[str, Any] | None) -> dict[str, Any]:
    """The arguments for functions that create tensors, out of a layer's.

    Args:
        kwargs: ``device``, ``dtype`` and ``memory_format``, each directly or in a
            dictionary under ``factory_kwargs``; None for none.

    Raises:
        TypeError: another name, or a name in both places.

    >>> factory_kwargs({"device": "cpu", "factory_kwargs": {"dtype": None}})
    {'dtype': None, 'device': 'cpu'}
    """
    given = dict(kwargs or {})
    result = dict(given.pop("factory_kwargs", {}))
    unknown = [
        name for name in given if name not in ("device", "dtype", "memory_format")
    ]
    twice = [name for name in given if name in result]
    if unknown or twice:
        raise ArgumentTypeError(
            f"factory_kwargs: {', '.join(unknown or twice)} "
            + ("is not expected" if unknown else "is given twice")
        )
    return {**result, **given}

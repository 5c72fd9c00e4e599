"""What programs ask of a tensor: its kind, its size, whether it is like another."""

from __future__ import annotations

from typing import Any

from lampas.dtypes import DType
from lampas.engine.modes import no_grad
from lampas.engine.promotion import result_type_of
from lampas.engine.tensor import Tensor, method, wrap
from lampas.errors import ArgumentTypeError, GradientError
from lampas.ops.views import narrow

__all__ = [
    "detach",
    "is_complex",
    "is_floating_point",
    "is_inference",
    "is_nonzero",
    "is_same_size",
    "is_signed",
    "is_tensor",
    "narrow_copy",
    "numel",
    "result_type",
]


def is_tensor(obj: Any) -> bool:
    """Whether an object is a tensor.

    >>> lampas.is_tensor(lampas.ones(2)), lampas.is_tensor([1.0, 1.0])
    (True, False)
    """
    return isinstance(obj, Tensor)


def is_floating_point(input: Tensor) -> bool:
    """Whether the elements are real floating-point numbers.

    >>> lampas.is_floating_point(lampas.ones(2))
    True
    """
    return input.is_floating_point()


def is_complex(input: Tensor) -> bool:
    """Whether the elements are complex numbers.

    >>> lampas.is_complex(lampas.ones(2))
    False
    """
    return input.is_complex()


def is_signed(input: Tensor) -> bool:
    """Whether elements can be negative.

    >>> lampas.is_signed(lampas.ones(2, dtype=lampas.uint8))
    False
    """
    return input.is_signed()


def is_inference(input: Tensor) -> bool:
    """Whether the tensor was made in inference mode; lampas keeps no such mark.

    >>> lampas.is_inference(lampas.ones(2))
    False
    """
    return input.is_inference()


@method()
def is_nonzero(input: Tensor) -> bool:
    """Whether the only element is not zero.

    Raises:
        RuntimeError: there is another number of elements than one.

    >>> lampas.is_nonzero(lampas.tensor([0.5]))
    True
    """
    if input._data.size != 1:
        raise GradientError(
            f"is_nonzero needs exactly one element, got shape {tuple(input.shape)}"
        )
    return bool(input.item())


@method()
def is_same_size(input: Tensor, other: Tensor) -> bool:
    """Whether two tensors have one shape.

    >>> lampas.is_same_size(lampas.ones(2), lampas.ones(2, 1))
    False
    """
    return input._data.shape == other._data.shape


@method()
def is_set_to(self: Tensor, tensor: Tensor) -> bool:
    """Whether another tensor has the same memory, shape and strides."""
    return (
        self.data_ptr() == tensor.data_ptr()
        and self._data.shape == tensor._data.shape
        and self._data.strides == tensor._data.strides
    )


def numel(input: Tensor) -> int:
    """The number of elements.

    >>> lampas.numel(lampas.ones(2, 3))
    6
    """
    return input.numel()


def result_type(tensor1: Tensor | float, tensor2: Tensor | float) -> DType:
    """The dtype that arithmetic of two operands has.

    Args:
        tensor1, tensor2: tensors or numbers.

    >>> lampas.result_type(lampas.ones(2, dtype=lampas.int32), 1.5)
    lampas.float32
    """
    for value in (tensor1, tensor2):
        if not isinstance(value, (Tensor, bool, int, float, complex)):
            raise ArgumentTypeError(
                f"result_type takes tensors and numbers, got {type(value).__name__}"
            )
    pair = (tensor1, tensor2)
    return result_type_of([x._data if isinstance(x, Tensor) else x for x in pair])


def detach(input: Tensor) -> Tensor:
    """The values, sharing memory, cut off from what made them.

    >>> lampas.detach(lampas.ones(1, requires_grad=True)).requires_grad
    False
    """
    return input.detach()


@method()
def narrow_copy(input: Tensor, dim: int, start: int | Tensor, length: int) -> Tensor:
    """A copy of ``length`` entries of a dimension; see :func:`lampas.narrow`.

    >>> lampas.narrow_copy(lampas.arange(4), 0, 1, 2)
    tensor([1, 2])
    """
    return narrow(input, dim, start, length).clone()  # type: ignore[attr-defined]


# ---- memory: all of it is plain and belongs to the process


@method()
def get_device(self: Tensor) -> int:
    """The number of the tensor's card, -1 for host memory."""
    index = self.device.index
    return -1 if index is None else index


@method()
def is_pinned(self: Tensor, device: Any = None) -> bool:
    """Whether the memory is pinned; lampas pins none."""
    return False


@method()
def pin_memory(self: Tensor, device: Any = None) -> Tensor:
    """The tensor itself: lampas pins no memory."""
    return self


@method()
def as_subclass(self: Tensor, cls: type[Tensor]) -> Tensor:
    """A tensor of a class derived from Tensor with the same memory and history.

    Raises:
        TypeError: ``cls`` is not such a class.
    """
    if not (isinstance(cls, type) and issubclass(cls, Tensor)):
        raise ArgumentTypeError(f"as_subclass: cls must derive from Tensor, got {cls}")
    result = wrap(self._data, self._node)
    result._cell, result._view = self._cell, self._view
    result.__class__ = cls
    return result


@method()
def const_data_ptr(self: Tensor) -> int:
    """Address of the first element, for reading."""
    return self.data_ptr()


@method()
def module_load(self: Tensor, other: Tensor, assign: bool = False) -> Tensor:
    """What ``load_state_dict`` puts in the place of this parameter or buffer.

    Args:
        other: the value of the state dictionary.
        assign: take ``other`` itself, instead of copying it into this tensor.

    Returns:
        This tensor with the values of ``other``, or ``other``, detached.
    """
    if assign:
        return other.detach()
    with no_grad():
        self.copy_(other)  # type: ignore[attr-defined]
    return self.detach()

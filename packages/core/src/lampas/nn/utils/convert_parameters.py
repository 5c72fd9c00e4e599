"""All parameters as one vector, and back."""

from __future__ import annotations

from collections.abc import Iterable

from lampas.engine.tensor import Tensor
from lampas.errors import ArgumentTypeError, DeviceError, ShapeError
from lampas.ops.join import cat

__all__ = ["parameters_to_vector", "vector_to_parameters"]


def parameters_to_vector(parameters: Iterable[Tensor]) -> Tensor:
    """Join parameters, flattened, into one vector.

    Args:
        parameters: tensors on one device, in the order in which they will stand.

    Raises:
        RuntimeError: they live on different devices.

    >>> import lampas
    >>> parameters_to_vector([lampas.ones(2, 1), lampas.zeros(1)])
    tensor([1., 1., 0.])
    """
    parts = list(parameters)
    devices = {str(p.device) for p in parts}
    if len(devices) > 1:
        raise DeviceError(
            f"parameters must be on one device, got {', '.join(sorted(devices))}"
        )
    return cat([p.reshape(-1) for p in parts])


def vector_to_parameters(vec: Tensor, parameters: Iterable[Tensor]) -> None:
    """Set the values of parameters to parts of a vector, which then share memory.

    Args:
        vec: one number for each element of all parameters.
        parameters: in the order in which their values stand.

    Raises:
        TypeError: ``vec`` is no Tensor.
        RuntimeError: it has too few or too many elements.

    >>> import lampas
    >>> w = lampas.nn.Parameter(lampas.zeros(2, 1))
    >>> vector_to_parameters(lampas.tensor([1.0, 2.0]), [w])
    >>> w.tolist()
    [[1.0], [2.0]]
    """
    if not isinstance(vec, Tensor):
        raise ArgumentTypeError(f"vec must be a Tensor, got {type(vec).__name__}")
    parts = list(parameters)
    total = sum(p.numel() for p in parts)
    if vec.numel() != total:
        raise ShapeError(
            f"vec must have the {total} elements of the parameters, got {vec.numel()}"
        )
    values, start = vec.detach(), 0
    for param in parts:
        count = param.numel()
        param.data = values[start : start + count].reshape(param.shape)
        start += count

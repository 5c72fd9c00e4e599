"""The recorded graph: hooks on the values that it keeps."""

from __future__ import annotations

from typing import Any

from lampas.engine.tape import Node
from lampas.engine.tensor import Tensor
from lampas.engine.watch import saved_tensors_hooks

__all__ = ["Node", "save_on_cpu", "saved_tensors_hooks"]


class save_on_cpu(saved_tensors_hooks):
    """Context manager: what gradients need waits in host memory.

    Args:
        pin_memory: accepted as PyTorch accepts it; it changes nothing.

    >>> import lampas
    >>> x = lampas.ones(2, device="sim", requires_grad=True)
    >>> with save_on_cpu():
    ...     y = (x * x).sum()
    >>> y.backward()
    >>> x.grad.tolist()
    [2.0, 2.0]
    """

    def __init__(self, pin_memory: bool = False, device_type: str = "cuda") -> None:
        def pack(x: Tensor) -> tuple[Any, Tensor]:
            return x.device, x.to("cpu")

        def unpack(packed: tuple[Any, Tensor]) -> Tensor:
            return packed[1].to(packed[0])

        super().__init__(pack, unpack)

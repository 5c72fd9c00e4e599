"""The recorded graph: hooks on the values that it keeps."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from lampas.engine.tape import Node
from lampas.engine.tensor import Tensor
from lampas.engine.watch import pop_hooks, push_hooks

__all__ = ["Node", "save_on_cpu", "saved_tensors_hooks"]


class saved_tensors_hooks:
    """Context manager: keep something else than the tensors that gradients need.

    Args:
        pack_hook: called with each tensor that an operation inside keeps for its
            gradient; what it returns is kept. It must not change the tensor.
        unpack_hook: called with that when the gradient is computed; gives the tensor.

    >>> import lampas
    >>> kept = []
    >>> x = lampas.tensor([1.0, 2.0], requires_grad=True)
    >>> with saved_tensors_hooks(lambda t: kept.append(t) or len(kept) - 1, kept.pop):
    ...     y = x.exp()
    >>> kept[0].tolist() == y.tolist()
    True
    >>> y.sum().backward()
    >>> x.grad.tolist() == y.tolist()
    True
    """

    def __init__(
        self, pack_hook: Callable[[Tensor], Any], unpack_hook: Callable[[Any], Tensor]
    ) -> None:
        self.pack_hook = pack_hook
        self.unpack_hook = unpack_hook

    def __enter__(self) -> None:
        push_hooks(self.pack_hook, self.unpack_hook)

    def __exit__(self, *exc: object) -> None:
        pop_hooks()


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

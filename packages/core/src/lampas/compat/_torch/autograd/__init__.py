"""What ``torch.autograd`` has beside ``lampas.autograd``: ``Variable``."""

from __future__ import annotations

from typing import Any

from lampas.engine.tensor import Tensor

__all__ = ["Variable"]


class _VariableType(type):
    """Tensors have been variables since PyTorch 0.4."""

    def __call__(
        cls, data: Any = None, requires_grad: bool | None = None, volatile: Any = None
    ) -> Tensor:
        found = data.detach() if isinstance(data, Tensor) else Tensor(data or [])
        return found.requires_grad_() if requires_grad else found

    def __instancecheck__(cls, value: object) -> bool:
        return isinstance(value, Tensor)


class Variable(metaclass=_VariableType):
    """``Variable(tensor, requires_grad=False)``: a tensor over the same values.

    ``volatile`` is accepted and does nothing, as in PyTorch; ``torch.no_grad()`` does
    what it did.
    """

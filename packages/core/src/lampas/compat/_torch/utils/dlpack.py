"""``torch.utils.dlpack``: tensors of other libraries, without a copy."""

from __future__ import annotations

from typing import Any

from lampas.engine.tensor import Tensor
from lampas.ops.create import from_dlpack

__all__ = ["from_dlpack", "to_dlpack"]


def to_dlpack(tensor: Tensor) -> Any:
    """A capsule over the tensor's memory."""
    return tensor.__dlpack__()

"""What ``torch.cuda`` has beside ``lampas.cuda``: the old names of tensors."""

from __future__ import annotations

from lampas.compat._tensor_types import CUDA_TENSOR_TYPES

__all__ = [*CUDA_TENSOR_TYPES]

globals().update(CUDA_TENSOR_TYPES)

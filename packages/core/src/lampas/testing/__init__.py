"""Comparing and making tensors in tests: PyTorch's ``torch.testing``."""

from lampas.testing._comparison import assert_close
from lampas.testing._creation import make_tensor

__all__ = ["assert_close", "make_tensor"]

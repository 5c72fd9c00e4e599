"""What PyTorch's tensors tell about themselves that is the same for all of ours."""

from __future__ import annotations

from lampas.dtypes import DType
from lampas.engine.tape import Output
from lampas.engine.tensor import Tensor

__all__: list[str] = []


def _output_nr(self: Tensor) -> int:
    node = self._node
    return node.index if type(node) is Output else 0


def _grad_dtype(self: Tensor) -> DType:
    return self.dtype


def _no_name(self: Tensor) -> None:
    return None


def _never(self: Tensor) -> bool:
    return False


Tensor.output_nr = property(
    _output_nr, doc="Which output of the operation behind it this tensor is."
)
Tensor.grad_dtype = property(
    _grad_dtype, doc="The dtype of its gradient: the tensor's own."
)
Tensor.name = property(_no_name, doc="None: tensors have no names.")
Tensor.volatile = property(_never, doc="False: no_grad has taken its place.")
Tensor.is_nested = property(_never, doc="False: a tensor has one shape.")

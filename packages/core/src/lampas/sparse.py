"""Functions of sparse tensors, under PyTorch's names.

>>> import lampas
>>> eye = lampas.eye(2).to_sparse()
>>> lampas.sparse.mm(eye, lampas.ones(2, 1))
tensor([[1.],
        [1.]])
"""

from lampas.ops.sparse import spdiags
from lampas.ops.sparse_product import addmm, mm
from lampas.ops.sparse_reduce import log_softmax, softmax, sum

__all__ = ["addmm", "log_softmax", "mm", "softmax", "spdiags", "sum"]

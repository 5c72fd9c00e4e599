"""Functions of sparse tensors, under PyTorch's names.

>>> import lampas
>>> eye = lampas.eye(2).to_sparse()
>>> lampas.sparse.mm(eye, lampas.ones(2, 1))
tensor([[1.],
        [1.]])
"""

from lampas.ops.sparse import mm

__all__ = ["mm"]

"""Linear algebra: PyTorch's ``torch.linalg``.

Functions take matrices in the last two dimensions and treat leading ones as a batch.

>>> import lampas
>>> lampas.linalg.inv(lampas.tensor([[2.0]]))
tensor([[0.5000]])
"""

from __future__ import annotations

from lampas.errors import LinAlgError
from lampas.ops.decompose import cholesky, cholesky_ex, householder_product, qr
from lampas.ops.linalg_forms import cross, diagonal, vander, vecdot
from lampas.ops.matmul import matmul
from lampas.ops.matrix_exp import matrix_exp
from lampas.ops.matrix_power import matrix_power, multi_dot
from lampas.ops.norms import vector_norm
from lampas.ops.solve import (
    inv,
    inv_ex,
    solve,
    solve_ex,
    solve_triangular,
    tensorinv,
    tensorsolve,
)

__all__ = [
    "LinAlgError",
    "cholesky",
    "cholesky_ex",
    "cross",
    "diagonal",
    "householder_product",
    "inv",
    "inv_ex",
    "matmul",
    "matrix_exp",
    "matrix_power",
    "multi_dot",
    "qr",
    "solve",
    "solve_ex",
    "solve_triangular",
    "tensorinv",
    "tensorsolve",
    "vander",
    "vecdot",
    "vector_norm",
]

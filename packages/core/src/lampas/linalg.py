"""Linear algebra: PyTorch's ``torch.linalg``.

Functions take matrices in the last two dimensions and treat leading ones as a batch.

>>> import lampas
>>> lampas.linalg.inv(lampas.tensor([[2.0]]))
tensor([[0.5000]])
"""

from __future__ import annotations

from lampas.errors import LinAlgError
from lampas.ops.decompose import cholesky, cholesky_ex, householder_product, qr
from lampas.ops.determinant import det, slogdet
from lampas.ops.factor import lu, lu_factor, lu_factor_ex, lu_solve
from lampas.ops.ldl import ldl_factor, ldl_factor_ex, ldl_solve
from lampas.ops.least_squares import lstsq, matrix_rank, pinv
from lampas.ops.linalg_forms import cross, diagonal, vander, vecdot
from lampas.ops.matmul import matmul
from lampas.ops.matrix_exp import matrix_exp
from lampas.ops.matrix_norm import cond, matrix_norm, norm
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
from lampas.ops.spectral import eig, eigh, eigvals, eigvalsh, svd, svdvals

__all__ = [
    "LinAlgError",
    "cholesky",
    "cholesky_ex",
    "cond",
    "cross",
    "det",
    "diagonal",
    "eig",
    "eigh",
    "eigvals",
    "eigvalsh",
    "householder_product",
    "inv",
    "inv_ex",
    "ldl_factor",
    "ldl_factor_ex",
    "ldl_solve",
    "lstsq",
    "lu",
    "lu_factor",
    "lu_factor_ex",
    "lu_solve",
    "matmul",
    "matrix_exp",
    "matrix_norm",
    "matrix_power",
    "matrix_rank",
    "multi_dot",
    "norm",
    "pinv",
    "qr",
    "slogdet",
    "solve",
    "solve_ex",
    "solve_triangular",
    "svd",
    "svdvals",
    "tensorinv",
    "tensorsolve",
    "vander",
    "vecdot",
    "vector_norm",
]

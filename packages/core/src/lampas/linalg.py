"""Linear algebra: PyTorch's ``torch.linalg``.

Functions take matrices in the last two dimensions and treat leading ones as a batch.

>>> import lampas
>>> lampas.linalg.inv(lampas.tensor([[2.0]]))
tensor([[0.5000]])
"""

from __future__ import annotations

from lampas.errors import LinAlgError
from lampas.ops.decompose import cholesky, cholesky_ex, householder_product, qr
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
    "householder_product",
    "inv",
    "inv_ex",
    "qr",
    "solve",
    "solve_ex",
    "solve_triangular",
    "tensorinv",
    "tensorsolve",
]

"""What functions return that return several tensors, under PyTorch's names.

Each is a named tuple, and prints field by field.

>>> import lampas
>>> lampas.tensor([3.0, 1.0]).max(0)
lampas.return_types.max(
values=tensor(3.),
indices=tensor(0))
"""

from __future__ import annotations

from lampas.ops.cumulative import CummaxResult as cummax
from lampas.ops.cumulative import CumminResult as cummin
from lampas.ops.decompose import CholeskyExResult as linalg_cholesky_ex
from lampas.ops.decompose import GeqrfResult as geqrf
from lampas.ops.decompose import QrResult as linalg_qr
from lampas.ops.determinant import SlogdetResult as linalg_slogdet
from lampas.ops.extremes import MaxResult as max
from lampas.ops.extremes import MedianResult as median
from lampas.ops.extremes import MinAndMax as aminmax
from lampas.ops.extremes import MinResult as min
from lampas.ops.factor import LuFactorExResult as linalg_lu_factor_ex
from lampas.ops.factor import LuFactorResult as linalg_lu_factor
from lampas.ops.factor import LuResult as linalg_lu
from lampas.ops.factor import LuUnpackResult as lu_unpack
from lampas.ops.floats import FrexpResult as frexp
from lampas.ops.histogram import HistogramddResult as histogramdd
from lampas.ops.histogram import HistogramResult as histogram
from lampas.ops.ldl import LdlFactorExResult as linalg_ldl_factor_ex
from lampas.ops.ldl import LdlFactorResult as linalg_ldl_factor
from lampas.ops.least_squares import LstsqResult as linalg_lstsq
from lampas.ops.linalg_names import QrResult as qr
from lampas.ops.linalg_names import SlogdetResult as slogdet
from lampas.ops.linalg_names import SvdResult as svd
from lampas.ops.linalg_names import TriangularSolveResult as triangular_solve
from lampas.ops.quantile import ModeResult as mode
from lampas.ops.quantile import NanmedianResult as nanmedian
from lampas.ops.solve import InvExResult as linalg_inv_ex
from lampas.ops.solve import SolveExResult as linalg_solve_ex
from lampas.ops.sort import KthvalueResult as kthvalue
from lampas.ops.sort import SortResult as sort
from lampas.ops.sort import TopkResult as topk
from lampas.ops.spectral import EighResult as linalg_eigh
from lampas.ops.spectral import EigResult as linalg_eig
from lampas.ops.spectral import SvdResult as linalg_svd

__all__ = [
    "aminmax",
    "cummax",
    "cummin",
    "frexp",
    "geqrf",
    "histogram",
    "histogramdd",
    "kthvalue",
    "linalg_cholesky_ex",
    "linalg_eig",
    "linalg_eigh",
    "linalg_inv_ex",
    "linalg_ldl_factor",
    "linalg_ldl_factor_ex",
    "linalg_lstsq",
    "linalg_lu",
    "linalg_lu_factor",
    "linalg_lu_factor_ex",
    "linalg_qr",
    "linalg_slogdet",
    "linalg_solve_ex",
    "linalg_svd",
    "lu_unpack",
    "max",
    "median",
    "min",
    "mode",
    "nanmedian",
    "qr",
    "slogdet",
    "sort",
    "svd",
    "topk",
    "triangular_solve",
]

"""Functions that ``linalg`` has with other defaults than the top, or alone."""

from __future__ import annotations

from lampas.engine.autocast import computes_in
from lampas.engine.tensor import Tensor
from lampas.errors import DTypeError, ShapeError
from lampas.ops import diagonal as diagonals
from lampas.ops import product
from lampas.ops.vander import powers

__all__ = ["cross", "diagonal", "vander", "vecdot"]


def vander(x: Tensor, *, N: int | None = None) -> Tensor:
    """The Vandermonde matrix: ``y[..., i, j] = x[..., i] ** j``.

    Args:
        x: (..., n), or a 0-d tensor for n = 1; integers give int64.
        N: the number of columns, 2 or more; n by default.

    Returns:
        (..., n, N).

    Raises:
        RuntimeError: fewer than two columns.

    >>> lampas.linalg.vander(lampas.tensor([2, 3]), N=3)
    tensor([[1, 2, 4],
            [1, 3, 9]])
    """
    if x._data.ndim == 0:
        x = x.reshape(1)
    columns = x._data.shape[-1] if N is None else N
    if columns < 2:
        raise ShapeError(f"vander: N must be 2 or more, got {columns}")
    return powers(x, columns)


@computes_in("half")
def vecdot(x: Tensor, y: Tensor, *, dim: int = -1) -> Tensor:
    """Inner products along a dimension: ``sum_i conj(x_i) y_i``.

    Args:
        x, y: floating or complex, of shapes that broadcast.
        dim: the dimension.

    Raises:
        RuntimeError: integers, two dtypes, or shapes don't fit.

    >>> lampas.linalg.vecdot(lampas.ones(2, 3), lampas.ones(3))
    tensor([3., 3.])
    """
    for name, tensor in (("x", x), ("y", y)):
        if tensor._data.dtype.kind in "biu":
            raise DTypeError(
                f"vecdot: {name} must be floating or complex, got {tensor.dtype}"
            )
    if x.dtype != y.dtype:
        raise DTypeError(
            f"vecdot: x and y must have one dtype, got {x.dtype} and {y.dtype}"
        )
    return (x.conj() * y).sum(dim)


def cross(input: Tensor, other: Tensor, *, dim: int = -1) -> Tensor:
    """Vector product in three dimensions; :func:`lampas.cross` along the last one.

    Args:
        input, other: of shapes that broadcast, with size 3 at ``dim``.
        dim: the dimension.

    Raises:
        RuntimeError: that size is not 3, or the numbers of dimensions differ.

    >>> x = lampas.eye(3)
    >>> lampas.linalg.cross(x[0], x[1])
    tensor([0., 0., 1.])
    """
    return product.cross(input, other, dim)


def diagonal(A: Tensor, *, offset: int = 0, dim1: int = -2, dim2: int = -1) -> Tensor:
    """The diagonals of matrices; :func:`lampas.diagonal` of the last two dimensions.

    Args:
        A: at least 2-D.
        offset: how far above the main diagonal.
        dim1, dim2: the dimensions of the matrices.

    >>> lampas.linalg.diagonal(lampas.ones(5, 2, 3)).shape
    lampas.Size([5, 2])
    """
    return diagonals.diagonal(A, offset, dim1, dim2)

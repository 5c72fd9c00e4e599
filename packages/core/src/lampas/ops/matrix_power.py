"""Powers of matrices and products of many, in few multiplications."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from lampas.engine.tensor import Tensor, method
from lampas.errors import ArgumentTypeError, DTypeError, ShapeError
from lampas.ops.choose import where
from lampas.ops.create import eye
from lampas.ops.matmul import matmul, need_ndim
from lampas.ops.solve import inv

__all__ = ["chain_matmul", "matrix_power", "multi_dot"]


@method()
def matrix_power(A: Tensor, n: int) -> Tensor:
    """The product of ``n`` equal matrices, by repeated squaring.

    Args:
        A: (..., m, m).
        n: the exponent; 0 gives identities, negative ones powers of the inverse.

    Raises:
        RuntimeError: not square matrices; or ``n`` is negative and one is singular,
            or ``A`` of a type without an inverse (half precision, integers).
        TypeError: ``n`` is no integer.

    >>> lampas.matrix_power(lampas.tensor([[1.0, 1.0], [0.0, 1.0]]), 3)
    tensor([[1., 3.],
            [0., 1.]])
    """
    if not isinstance(n, (int, np.integer)):
        raise ArgumentTypeError(
            f"matrix_power: n must be an int, got {type(n).__name__}"
        )
    shape = A._data.shape
    if len(shape) < 2 or shape[-1] != shape[-2]:
        raise ShapeError(
            f"matrix_power: A must be batches of square matrices, got {tuple(shape)}"
        )
    if n == 0:
        unit = eye(shape[-1], dtype=A.dtype, device=A.device)
        # Chosen from A nowhere, so that the gradient is 0 instead of missing.
        return where(unit == unit, unit, A)
    square = inv(A) if n < 0 else A
    n = abs(n)
    if n == 1:
        return square.clone() if square is A else square
    result = None
    while n:
        if n % 2:
            result = square if result is None else matmul(result, square)
        n //= 2
        if n:
            square = matmul(square, square)
    return result if result is not None else square


def _cheapest_order(sizes: Sequence[int]) -> list[list[int]]:
    """Where to split each product of matrices i to j for the fewest multiplications.

    Args:
        sizes: matrix i is (sizes[i], sizes[i + 1]).
    """
    count = len(sizes) - 1
    cost = [[0] * count for _ in range(count)]
    split = [[0] * count for _ in range(count)]
    for length in range(1, count):
        for i in range(count - length):
            j = i + length
            cost[i][j], split[i][j] = min(
                (
                    cost[i][k]
                    + cost[k + 1][j]
                    + sizes[i] * sizes[k + 1] * sizes[j + 1],
                    k,
                )
                for k in range(i, j)
            )
    return split


def _multiplied(
    matrices: Sequence[Tensor], split: list[list[int]], i: int, j: int
) -> Tensor:
    if i == j:
        return matrices[i]
    k = split[i][j]
    left = _multiplied(matrices, split, i, k)
    return matmul(left, _multiplied(matrices, split, k + 1, j))


def _check_chain(tensors: Sequence[Tensor]) -> None:
    if len(tensors) < 2:
        raise ShapeError(f"multi_dot: expected 2 or more tensors, got {len(tensors)}")
    last = len(tensors) - 1
    for i, x in enumerate(tensors):
        ends = i in (0, last)
        if x._data.ndim != 2 and not (ends and x._data.ndim == 1):
            wanted = "1-D or 2-D" if ends else "2-D"
            raise ShapeError(
                f"multi_dot: tensor {i} must be {wanted}, got shape {tuple(x.shape)}"
            )
        if x.dtype != tensors[0].dtype:
            raise DTypeError(
                f"multi_dot: all tensors must have one dtype, got {tensors[0].dtype} "
                f"and {x.dtype} for tensor {i}"
            )
        if i and tensors[i - 1]._data.shape[-1] != x._data.shape[0]:
            raise ShapeError(
                f"multi_dot: tensor {i - 1} is {tuple(tensors[i - 1].shape)} and "
                f"tensor {i} is {tuple(x.shape)}; the sizes that meet must be equal"
            )


def multi_dot(tensors: Sequence[Tensor]) -> Tensor:
    """The product of matrices, in the order that needs the fewest multiplications.

    Args:
        tensors: two or more matrices that fit; the first may be a vector, which counts
            as a row, and the last one that counts as a column.

    Raises:
        RuntimeError: too few tensors, sizes that don't fit, or several dtypes.

    >>> lampas.linalg.multi_dot([lampas.ones(1, 9), lampas.ones(9, 9), lampas.ones(9)])
    tensor([81.])
    """
    tensors = list(tensors)
    _check_chain(tensors)
    first, last = tensors[0], tensors[-1]
    matrices = [*tensors]
    if first._data.ndim == 1:
        matrices[0] = first.reshape(1, -1)
    if last._data.ndim == 1:
        matrices[-1] = last.reshape(-1, 1)
    sizes = [x._data.shape[0] for x in matrices] + [matrices[-1]._data.shape[1]]
    split = _cheapest_order(sizes)
    product = _multiplied(matrices, split, 0, len(matrices) - 1)
    return product.reshape(first._data.shape[:-1] + last._data.shape[1:])


def chain_matmul(*matrices: Tensor) -> Tensor:
    """The product of one or more matrices; see :func:`lampas.linalg.multi_dot`.

    Args:
        matrices: 2-D tensors that fit.

    Raises:
        RuntimeError: no matrices, or sizes that don't fit.

    >>> lampas.chain_matmul(lampas.ones(1, 2), lampas.ones(2, 3), lampas.ones(3, 1))
    tensor([[6.]])
    """
    if not matrices:
        raise ShapeError("chain_matmul: expected one or more matrices, got none")
    for i, x in enumerate(matrices):
        need_ndim("chain_matmul", f"matrix {i}", x, 2)
    return multi_dot(matrices) if len(matrices) > 1 else matrices[0].clone()
